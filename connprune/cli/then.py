"""What follows the searches of a sweep: each is cut, and the cuts of a cell are compared with their own baselines."""

import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connprune.cli.comparing import compare
from connprune.cli.cutting import Cutting
from connprune.cli.experiment import job_commands
from connprune.cli.means import Means
from connprune.cli.options import seed_numbers
from connprune.cli.output import Output
from connprune.errors import UsageError

if TYPE_CHECKING:
    from connprune.experiments.plan import Plan
    from connprune.runs.directory import RunDirectory

_CUT = ("threshold", "keep", "sparsity", "keep_per_layer", "max_params", "max_macs", "by", "granularity", "layers_only")
_RETRAIN = ("against", "seeds", "epochs", "seed")


@dataclass(frozen=True)
class Procedure:
    """How the searches of a cell are cut, and what the cuts are compared with.

    Attributes:
        text: as it was given.
        cutting: how each search is cut.
        against: the baselines.
        seeds: gives the seeds of each network from the recipe's own; None is that one.
        epochs: of each training; None is as the search's.
        seed: the recipe's own; None is the search's.
        folder: names the cuts.
    """

    text: str
    cutting: Cutting
    against: tuple[str, ...]
    seeds: Callable[[int], list[int]] | None
    epochs: int | None
    seed: int | None
    folder: str

    @classmethod
    def read(cls, text: str) -> "Procedure":
        """What `--then "prune … / retrain …"` says, in the words of the two commands.

        Raises:
            UsageError: it is not of this form, a command does not know an option, or the sweep itself decides it.
        """
        from connprune.cli.prune import prune
        from connprune.cli.retrain import named_baselines, retrain
        from connprune.experiments.contenders import require_baselines

        try:
            words = shlex.split(text)
        except ValueError as error:
            raise UsageError(f"--then {text!r}: {error}.") from None
        first, *rest = words[: words.index("/")] if "/" in words else [""]
        second, *more = words[words.index("/") + 1 :] if "/" in words else [""]
        if (first, second) != ("prune", "retrain"):
            raise UsageError(f'--then: found {text!r}, expected "prune OPTIONS / retrain OPTIONS".')
        cut = _options(prune, rest, _CUT)
        trained = _options(retrain, more, _RETRAIN)
        against = named_baselines(trained["against"])
        if not against:
            raise UsageError(f"--then {text!r}: retrain needs --against, the baselines to compare with.")
        require_baselines(against)
        name = re.sub(r"[^\w.+-]+", "-", " ".join(rest)).strip("-.")[:40] or "budget"
        return cls(
            text=text,
            cutting=Cutting.of(**cut),
            against=against,
            seeds=seed_numbers(trained["seeds"]),
            epochs=trained["epochs"],
            seed=trained["seed"],
            folder=f"{name}-{sha256(shlex.join(rest).encode()).hexdigest()[:8]}",
        )


def require_rules(sweep: "Plan", procedures: Sequence[Procedure]) -> None:
    """Refuses, before anything is trained, what leaves a cell without a rule.

    Raises:
        UsageError: a procedure has no rule, and the gates of a cell no budget.
    """
    for procedure in procedures:
        for name in sweep.about["cells"]:
            procedure.cutting.rule_for(sweep.job(name, sweep.seeds[0]))


def follow(sweep: "Plan", procedures: Sequence[Procedure], means: Means, output: Output) -> list[dict[str, Any]]:
    """Cuts what a finished sweep found and compares the cuts, cell by cell.

    Returns:
        For each procedure and cell the procedure, the cell and the comparison.

    Raises:
        UsageError: nothing is there to collect; or as `prune` and `retrain` raise it.
        ConnpruneError: trainings failed or are missing; the same command goes on.
    """
    found = []
    for procedure, cell, plan in _comparisons(sweep, procedures, means, output):
        output.note(f"{', '.join(f'{axis} {label}' for axis, label in cell.items())}: {procedure.text}")
        found.append({"then": procedure.text, "cell": cell, "comparison": compare(plan, means, output)})
    return found


def commands_to_follow(sweep: "Plan", procedures: Sequence[Procedure], means: Means, output: Output) -> list[str]:
    """A command for each training of the comparisons that is left; the searches are cut here.

    Raises:
        UsageError: as `follow` does.
    """
    planned = _comparisons(sweep, procedures, means, output)
    return [command for _, _, plan in planned for command in job_commands(plan, means)]


def _comparisons(
    sweep: "Plan", procedures: Sequence[Procedure], means: Means, output: Output
) -> "Iterator[tuple[Procedure, dict[str, str], Plan]]":
    from connprune.experiments.plan import begin, digest
    from connprune.experiments.searches import gather

    for procedure in procedures:
        for name, cell in sweep.about["cells"].items():
            place = sweep.path / "then" / name
            cuts = [
                _cut(procedure, sweep, name, seed, place / procedure.folder / f"seed-{seed}", means, output)
                for seed in sweep.seeds
            ]
            found = gather(cuts, procedure.against, procedure.epochs, procedure.seed, output.warning)
            seeds = procedure.seeds(found.seed) if procedure.seeds else [found.seed]
            path = place / f"compare-{digest(found.members, seeds, found.images)}"
            if means.only_collect and not path.exists():
                raise UsageError(f"{path}: there is no such comparison to collect.")
            yield procedure, cell, begin(path, "comparison", found.members, seeds, found.about, found.images)


def _cut(
    procedure: Procedure, sweep: "Plan", name: str, seed: int, path: Path, means: Means, output: Output
) -> "RunDirectory":
    """The cut of one search, made unless it is there."""
    from connprune.runs.cut import read_cut
    from connprune.runs.directory import RunDirectory
    from connprune.training.pruning import write_cut

    search = sweep.job(name, seed)
    if path.exists():
        cut = RunDirectory.open(path)
        if read_cut(cut).get("parent_digest") != search.digest():
            raise UsageError(f"{path}: this was cut from other weights than {search.path} has now; remove it.")
        return cut
    if means.only_collect:
        raise UsageError(f"{search.path}: this search has not been cut yet; there is nothing to collect.")
    rule = procedure.cutting.rule_for(search)
    output.note(f"{search.path}:")
    pruned = procedure.cutting.cut(
        procedure.cutting.examine(search, means.device_here, means.data, output), rule, output
    )
    sweep.require_same()
    return write_cut(pruned, path)


def _options(command: Callable[..., None], words: Sequence[str], taken: Sequence[str]) -> dict[str, Any]:
    """What a command's options say, of those that are taken.

    Raises:
        UsageError: the command does not know an option or its value, or another one is given.
    """
    import typer
    from typer import TyperException
    from typer.main import get_command

    name = command.__name__
    app = typer.Typer(add_completion=False)
    app.command(name, add_help_option=False)(command)
    parser = get_command(app)
    try:
        context = parser.make_context(name, list(words))
    except TyperException as error:
        raise UsageError(f"--then: {name}: {error.format_message()}") from None
    for parameter in parser.params:
        source = context.get_parameter_source(parameter.name)
        if parameter.name not in taken and source is not None and source.name != "DEFAULT":
            raise UsageError(f"--then: {name}: found {parameter.opts[0]}, which the sweep itself decides.")
    return {option: context.params[option] for option in taken}
