"""What follows the searches of a sweep: each is cut, and the cuts of a cell are compared with their own baselines."""

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connprune.cli.comparing import compare
from connprune.cli.cutting import Cutting, rule_of
from connprune.cli.execution import ExecutionOptions
from connprune.cli.experiment import job_commands
from connprune.cli.options import assigned, seed_numbers
from connprune.cli.output import Output
from connprune.cli.session import load_images
from connprune.errors import ConnpruneError, DisconnectedError, UsageError

if TYPE_CHECKING:
    from connprune.architecture.gates import Gates
    from connprune.documents.plan import ComparisonPlan, SweepPlan
    from connprune.documents.run import Start
    from connprune.documents.sweep import Step
    from connprune.experiments.plan import Plan
    from connprune.experiments.worker import Load
    from connprune.runs.directory import RunDirectory
    from connprune.training.configuration import Configuration
    from connprune.training.layered import Setting

_RULES = (
    *("threshold", "keep", "sparsity", "keep_per_layer"),
    *("max_params", "max_macs", "max_latency", "max_drop"),
)
_HOW = ("by", "granularity", "layers_only")
_RETRAIN = ("against", "seeds", "epochs", "seed", "start", "assignments")


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
        start: what the cuts' own trainings start from.
        settings: other keys of the recipe.
        folder: names the cuts.
    """

    text: str
    cutting: Cutting
    against: tuple[str, ...]
    seeds: Callable[[int], list[int]] | None
    epochs: int | None
    seed: int | None
    start: "Start"
    settings: "tuple[Setting, ...]"
    folder: str

    @classmethod
    def read(cls, text: str) -> "Procedure":
        """What `--then "prune … / retrain …"` says, in the words of the two commands.

        Raises:
            UsageError: it is not of this form, a command does not know an option, or the sweep itself decides it.
        """
        from hashlib import sha256

        from connprune.cli.prune import prune
        from connprune.cli.retrain import named_baselines, retrain, start_named
        from connprune.experiments.candidates import require_baselines

        try:
            words = shlex.split(text)
        except ValueError as error:
            raise UsageError(f"--then {text!r}: {error}.") from None
        middle = words.index("/") if "/" in words else len(words)
        rest, more = words[1:middle], words[middle + 2 :]
        if words[:1] != ["prune"] or words[middle : middle + 2] != ["/", "retrain"]:
            raise UsageError(f'--then: found {text!r}, expected "prune OPTIONS / retrain OPTIONS".')
        cut = _options(prune, rest, (*_RULES, *_HOW))
        trained = _options(retrain, more, _RETRAIN)
        against = named_baselines(trained["against"])
        if not against:
            raise UsageError(f"--then {text!r}: retrain needs --against, the baselines to compare with.")
        require_baselines(against)
        name = re.sub(r"[^\w.+-]+", "-", " ".join(rest)).strip("-.")[:40] or "budget"
        return cls(
            text=text,
            cutting=Cutting.of(rule_of(*(cut[name] for name in _RULES)), *(cut[name] for name in _HOW)),
            against=against,
            seeds=seed_numbers(trained["seeds"]),
            epochs=trained["epochs"],
            seed=trained["seed"],
            start=start_named(trained["start"]),
            settings=tuple(assigned(trained["assignments"])),
            folder=f"{name}-{sha256(shlex.join(rest).encode()).hexdigest()[:8]}",
        )


def require_possible(
    cells: "Mapping[str, tuple[Gates | None, Configuration]]", procedures: Sequence[Procedure]
) -> None:
    """Refuses, before anything is trained, what no search of a cell can be cut or trained with.

    Args:
        cells: for each cell its gates and its configuration.
        procedures: what follows.

    Raises:
        UsageError: a cell has no gates; a procedure has no rule, and the gates of a cell no budget; or the recipe of
            its retraining is none.
    """
    from connprune.training.configuration import with_recipe

    for name, (gates, configuration) in cells.items() if procedures else ():
        if gates is None:
            raise UsageError(f"--then: {name}: this cell has no gates, so there is nothing to cut by.")
        for procedure in procedures:
            try:
                procedure.cutting.require_rule(gates)
                with_recipe(configuration, epochs=procedure.epochs, seed=procedure.seed, settings=procedure.settings)
            except UsageError as error:
                raise UsageError(f"--then {procedure.text!r}: {name}: {error}") from None


def follow(
    sweep: "Plan[SweepPlan]", procedures: Sequence[Procedure], execution: ExecutionOptions, output: Output
) -> "tuple[Step, ...]":
    """Cuts what a sweep found and compares the cuts, cell by cell; one that fails does not hold up the others.

    A cell of which a search is missing is left out.

    Returns:
        For each procedure and cell the procedure, the cell and the comparison.

    Raises:
        ConnpruneError: of the first cell that failed, once the others are done; the same command goes on.
    """
    from connprune.documents.sweep import Step

    steps: list[Step] = []
    load = _loading(output)
    failed: list[ConnpruneError] = []
    for procedure, name, cell in _searched(sweep, procedures):
        label = ", ".join(f"{axis} {value}" for axis, value in cell.items())
        output.note(f"{label}: {procedure.text}")
        try:
            compared = compare(_comparison(procedure, sweep, name, execution, output, load), execution, output)
        except ConnpruneError as error:
            output.warning(f"{label}, {procedure.text}: {error}")
            failed.append(error)
        else:
            steps.append(Step(then=procedure.text, cell=cell, comparison=compared))
    if failed:
        of = len(steps) + len(failed)
        missing = ConnpruneError(f"{sweep.path}: {len(failed)} of {of} comparisons are missing; the reasons are above.")
        missing.exit_code = failed[0].exit_code
        raise missing
    return tuple(steps)


def commands_to_follow(
    sweep: "Plan[SweepPlan]", procedures: Sequence[Procedure], execution: ExecutionOptions, output: Output
) -> list[str]:
    """A command for each training of the comparisons that is left; the searches are cut here.

    A cell of which a search is missing is left out.

    Raises:
        ConnpruneError: a search cannot be cut, or a baseline not be made.
    """
    load = _loading(output)
    planned = [
        _comparison(procedure, sweep, name, execution, output, load)
        for procedure, name, _ in _searched(sweep, procedures)
    ]
    return [command for plan in planned for command in job_commands(plan, execution)]


def _loading(output: Output) -> "Load":
    """Loads the images of a search; those of the next one mostly are the same."""
    from connprune.experiments.rounds import once

    return once(lambda configuration: load_images(configuration, output), lambda configuration: configuration.data)


def _searched(sweep: "Plan[SweepPlan]", procedures: Sequence[Procedure]) -> list[tuple[Procedure, str, dict[str, str]]]:
    """Each procedure with each cell, its name and its values, of which no search is missing."""
    cells = [
        (name, cell)
        for name, cell in sweep.document.cells.items()
        if all(sweep.job(name, seed).is_finished for seed in sweep.seeds)
    ]
    return [(procedure, *cell) for procedure in procedures for cell in cells]


def _comparison(
    procedure: Procedure,
    sweep: "Plan[SweepPlan]",
    name: str,
    execution: ExecutionOptions,
    output: Output,
    load: "Load",
) -> "Plan[ComparisonPlan]":
    """The comparison of the cuts of a cell, planned unless it is there."""
    from connprune.experiments.plan import begin
    from connprune.experiments.searches import gather

    folder = sweep.path / "then" / name
    cuts = [
        _cut(
            procedure, sweep.job(name, seed), folder / procedure.folder / f"seed-{seed}", sweep, execution, output, load
        )
        for seed in sweep.seeds
    ]
    gathered = gather(
        cuts,
        procedure.against,
        procedure.epochs,
        procedure.seed,
        output.warning,
        procedure.start,
        procedure.settings,
    )
    seeds = procedure.seeds(gathered.seed) if procedure.seeds else [gathered.seed]
    planned = gathered.plan(seeds)
    path = folder / f"compare-{planned.identity}"
    if execution.only_collect and not path.exists():
        raise UsageError(f"{path}: there is no such comparison to collect.")
    return begin(path, planned, gathered.candidates, gathered.images)


def _cut(
    procedure: Procedure,
    search: "RunDirectory",
    path: Path,
    sweep: "Plan[SweepPlan]",
    execution: ExecutionOptions,
    output: Output,
    load: "Load",
) -> "RunDirectory":
    """The cut of one search, made unless it is there."""
    from connprune.runs.cut import read_cut
    from connprune.runs.directory import RunDirectory
    from connprune.training.pruning import write_cut

    if not path.exists():
        if execution.only_collect:
            raise UsageError(f"{search.path}: this search has not been cut yet; there is nothing to collect.")
        output.note(f"{search.path}:")
        examined = procedure.cutting.examine(search, execution.device_here, execution.data, output, load)
        try:
            pruned = procedure.cutting.cut(examined, output)
        except DisconnectedError as error:
            raise DisconnectedError(f"{search.path}: {error}") from None
        sweep.require_same()
        try:
            return write_cut(pruned, path)
        except (OSError, UsageError):
            # Another process may have made the same cut meanwhile.
            if not RunDirectory(path).cut.is_file():
                raise
    cut = RunDirectory.open(path)
    if read_cut(cut).parent_digest != search.digest():
        raise UsageError(f"{path}: this was cut from other weights than {search.path} has now; remove it.")
    return cut


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
            word = parameter.opts[0] if parameter.opts[0].startswith("-") else getattr(parameter, "metavar", None)
            raise UsageError(f"--then: {name}: found {word}, which the sweep itself decides.")
    return {option: context.params[option] for option in taken}
