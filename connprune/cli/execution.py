"""How an experiment is executed."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ExecutionOptions:
    """How an experiment is executed.

    Attributes:
        jobs: how many trainings at once; None is one here, and on a cluster as many as there is room for.
        on: `ray` for a cluster; None is this machine.
        device: as --device takes it.
        threads: CPU threads of each process; None is a fair share.
        plugins: modules to import.
        only_list: train nothing, print the commands that would.
        only_collect: train nothing, gather what is there.
        data: where the images are now; None is where they were, or $CONNPRUNE_DATA.
    """

    jobs: int | None
    on: str | None
    device: str
    threads: int | None
    plugins: list[str]
    only_list: bool
    only_collect: bool
    data: str | None = None

    def check(self) -> None:
        """Refuses what does not go together, before anything is made.

        Raises:
            UsageError: `device` is no device's name; or `on` is no engine, is not installed, or goes with none of
                the other options.
        """
        from connprune.errors import UsageError
        from connprune.training.device import require_device_name

        require_device_name(self.device)
        if self.on is None:
            return
        if self.on != "ray":
            raise UsageError(f"--on: found {self.on!r}, expected ray.")
        if self.only_list or self.only_collect:
            raise UsageError("--on says where to train, but --list and --collect train nothing; give one of them.")
        from connprune.experiments.ray_cluster import require_ray

        if ":" in self.device:
            raise UsageError(
                f"--device {self.device}: with --on ray a training takes the GPU that Ray gives it; use cuda."
            )
        require_ray()

    @property
    def device_here(self) -> str:
        """What this machine itself computes on: it may lack the GPUs that a cluster has."""
        return "auto" if self.on and self.device != "cpu" else self.device
