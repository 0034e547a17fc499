"""What a training ran in, and what a bug report needs."""

from typing import Literal

from connprune.documents.base import Document, Natural, Part

Versions = dict[str, str | None]


class Environment(Part):
    """What a training ran in.

    Attributes:
        started: when, ISO 8601.
        command: the command line.
        folder: where it was started.
        commit: that was checked out there; None outside of git.
        host: the name of the machine.
        process: its number.
        device: its name.
        precision: of the arithmetic.
        processes: that trained together.
        threads: CPU threads of each.
        cores: of the machine.
        system: the operating system.
        python: its version.
        packages: their versions; None of what is not installed.
    """

    started: str
    command: str
    folder: str
    commit: str | None
    host: str
    process: Natural
    device: str
    precision: str
    processes: Natural
    threads: Natural
    cores: Natural | None
    system: str
    python: str
    packages: Versions


class Environments(Document):
    """What `environment.json` holds.

    Attributes:
        environments: of each time that the run went on.
    """

    environments: tuple[Environment, ...]


class Cores(Part):
    """CPU cores.

    Attributes:
        machine: that there are; None where the system does not say.
        usable: that this process may use.
    """

    machine: Natural | None
    usable: Natural


class Gpu(Part):
    """A GPU.

    Attributes:
        name: of the device.
        bytes: of memory.
    """

    name: str
    bytes: Natural


class TorchBuild(Part):
    """What torch says of itself.

    Attributes:
        build: its version.
        cuda: the CUDA version that it was built for; None if it was built without.
        cudnn: its version; None without.
        threads: within an operation.
        threads_between_operations: likewise.
        cpu: the instructions that it uses.
        gpus: that it sees.
        mps: whether Apple's are usable.
    """

    build: str
    cuda: str | None
    cudnn: Natural | None
    threads: Natural
    threads_between_operations: Natural
    cpu: str
    gpus: tuple[Gpu, ...]
    mps: bool


class TorchProblem(Part):
    """A torch that cannot be imported.

    Attributes:
        problem: what it raises.
    """

    problem: str


class Machine(Document):
    """What `env` prints.

    Attributes:
        kind: what it is.
        connprune: its version.
        python: likewise.
        interpreter: the path of the program.
        system: the operating system.
        packages: their versions; None of what is not installed.
        extras: for each the versions of its packages.
        cores: of the CPU.
        torch: what it says of itself, or why it cannot be used.
        variables: of the environment, those that concern connprune, PyTorch and CUDA.
        cache: the cache folder; None where there is none.
        runs: the runs folder.
    """

    kind: Literal["machine"] = "machine"
    connprune: str | None
    python: str
    interpreter: str
    system: str
    packages: Versions
    extras: dict[str, Versions]
    cores: Cores
    torch: TorchBuild | TorchProblem
    variables: dict[str, str]
    cache: str | None
    runs: str
