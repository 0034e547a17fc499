"""`connprune prune`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from connprune import builtin
from connprune.cli import completion, numbers, options
from connprune.cli.cutting import Cutting, rule_of
from connprune.cli.output import Output
from connprune.cli.rounds import Rounds, prune_in_rounds
from connprune.names import one_of

if TYPE_CHECKING:
    from connprune.training.pruning import Examined, Pruned

# The panel of the options of which one is needed.
RULES = "Rules: give one, or several that begin with --max"
ROUNDS = "Iterative pruning"

ThresholdOption = Annotated[
    float | None,
    typer.Option(
        "--threshold",
        metavar="T",
        parser=numbers.number_from(0),
        help="Cut every score below T.",
        rich_help_panel=RULES,
    ),
]
KeepOption = Annotated[
    int | None,
    typer.Option(
        "--keep",
        metavar="N",
        parser=numbers.whole_number_from(0),
        help="Keep the N highest scores.",
        rich_help_panel=RULES,
    ),
]
SparsityOption = Annotated[
    float | None,
    typer.Option(
        "--sparsity",
        metavar="S",
        parser=numbers.number_from(0, 1),
        help="Cut the lowest share S, 0 to 1.",
        rich_help_panel=RULES,
    ),
]
KeepPerLayerOption = Annotated[
    int | None,
    typer.Option(
        "--keep-per-layer",
        metavar="K",
        parser=numbers.whole_number_from(1),
        help="Keep K inputs of each layer.",
        rich_help_panel=RULES,
    ),
]
MaxParamsOption = Annotated[
    Any,
    typer.Option(
        "--max-params",
        metavar="N|P%",
        parser=numbers.budget,
        help="Cut down to N parameters, or P% of the parent's.",
        rich_help_panel=RULES,
    ),
]
MaxMacsOption = Annotated[
    Any,
    typer.Option(
        "--max-macs",
        metavar="N|P%",
        parser=numbers.budget,
        help="Cut down to N MACs, or P% of the parent's.",
        rich_help_panel=RULES,
    ),
]
MaxLatencyOption = Annotated[
    Any,
    typer.Option(
        "--max-latency",
        metavar="MS|P%",
        parser=numbers.latency,
        help="Cut down to so many ms for one image, here, or P% of the parent's.",
        rich_help_panel=RULES,
    ),
]
MaxDropOption = Annotated[
    float | None,
    typer.Option(
        "--max-drop",
        metavar="POINTS",
        parser=numbers.number_from(0, 100),
        help="Cut all that goes without more than POINTS less validation accuracy.",
        rich_help_panel=RULES,
    ),
]
CriterionOption = Annotated[
    str,
    typer.Option(
        "--by",
        metavar="CRITERION",
        help=f"Importance criterion: {one_of(builtin.CRITERIA)}.",
        autocompletion=completion.criteria,
    ),
]
GranularityOption = Annotated[
    str | None,
    typer.Option(
        "--granularity",
        metavar="G",
        help="connection or feature-map (default: as the gates are).",
        autocompletion=completion.granularities,
    ),
]
LayersOnlyOption = Annotated[bool, options.switch("--layers-only", help="Remove whole layers.")]
SweepOption = Annotated[
    bool, options.switch("--sweep", help="With --dry-run: show what a range of thresholds would keep.")
]
RoundsOption = Annotated[
    int,
    typer.Option(
        "--rounds",
        metavar="N",
        parser=numbers.whole_number_from(1, 100),
        help="Cut in N rounds, each as large a share of what is left, and train in between.",
        rich_help_panel=ROUNDS,
    ),
]
BetweenOption = Annotated[
    int | None,
    typer.Option(
        "--epochs",
        metavar="N",
        parser=numbers.whole_number_from(1),
        help="How many epochs to train between two rounds (default: as the run has it).",
        rich_help_panel=ROUNDS,
    ),
]
BetweenSetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Set one key of that training, like training.optimizer.rate=1e-4; may be repeated.",
        rich_help_panel=ROUNDS,
        autocompletion=completion.keys,
    ),
]
ResumeOption = Annotated[bool, options.switch("--resume", help="Resume the rounds of the cut in --out.", panel=ROUNDS)]
OutOption = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Write the cut to this directory.", rich_help_panel=options.PATHS),
]


def prune(
    run: options.RunArgument = None,
    threshold: ThresholdOption = None,
    keep: KeepOption = None,
    sparsity: SparsityOption = None,
    keep_per_layer: KeepPerLayerOption = None,
    max_params: MaxParamsOption = None,
    max_macs: MaxMacsOption = None,
    max_latency: MaxLatencyOption = None,
    max_drop: MaxDropOption = None,
    by: CriterionOption = "gate",
    granularity: GranularityOption = None,
    layers_only: LayersOnlyOption = False,
    rounds: RoundsOption = 1,
    epochs: BetweenOption = None,
    assignments: BetweenSetOption = None,
    resume: ResumeOption = False,
    sweep: SweepOption = False,
    out: OutOption = None,
    data: options.PlaceOption = None,
    runs: options.RunsOption = None,
    device: options.DeviceOption = "auto",
    threads: options.ThreadsOption = None,
    dry_run: options.DryRunOption = False,
    as_csv: options.CsvOption = False,
    plugins: options.PluginOption = None,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Cut the connections whose gate ended near zero.

    Prints the path of the cut. Give one rule, or several of those that begin with --max; a run whose gates had a budget
    is cut down to that without a rule. The trained weights are carried over, so the cut works before any retraining.
    With --rounds it trains on between several cuts, which are kept beside the last one.

      connprune prune --max-drop 0.5
    """
    from connprune.runs.find import runs_folder

    options.load_plugins(plugins)
    options.prepare_cpu(threads)
    output, folder = Output(as_json, quiet), runs_folder(runs)
    rule = rule_of(threshold, keep, sparsity, keep_per_layer, max_params, max_macs, max_latency, max_drop)
    cutting = Cutting.of(rule, by, granularity, layers_only)
    several = Rounds(rounds, epochs, tuple(assignments or ()), resume)
    _require_together(cutting, sweep, dry_run, as_csv, as_json)
    several.require_together(cutting, out, dry_run, sweep)
    if several.are_wanted:
        prune_in_rounds(run, out, folder, cutting, several, device, data, dry_run, output)
    else:
        _prune_once(run, out, folder, cutting, device, data, dry_run, sweep, as_csv, output)


def _prune_once(
    run: str | None,
    out: Path | None,
    folder: Path,
    cutting: Cutting,
    device: str,
    data: str | None,
    dry_run: bool,
    sweep: bool,
    as_csv: bool,
    output: Output,
) -> None:
    """Cuts a run, or shows what a range of thresholds would keep."""
    from connprune.runs.find import find, new_path, stem_of

    _require_free(out, dry_run)
    parent = find(run, folder, "train", pass_over=True, warn=output.warning)
    if sweep:
        _show_thresholds(cutting, cutting.examine(parent, device, data, output), as_csv, output)
        return
    cutting.require_rule(parent.architecture().gates)
    pruned = cutting.cut(cutting.examine(parent, device, data, output), output)
    _write(pruned, None if dry_run else out or new_path(folder, f"{stem_of(parent.path)}-cut"), output)


def _require_together(cutting: Cutting, sweep: bool, dry_run: bool, as_csv: bool, as_json: bool) -> None:
    """Refuses what does not go with --sweep, or only with it."""
    from connprune.errors import UsageError

    if sweep and (cutting.rule or not dry_run):
        raise UsageError("--sweep goes with --dry-run and without a rule: it tries thresholds and writes nothing.")
    if as_csv and (not sweep or as_json):
        raise UsageError("--csv goes with --sweep and without --json.")


def _require_free(out: Path | None, dry_run: bool) -> None:
    """Refuses a place that holds something, before anything is measured."""
    from connprune.files import require_replaceable

    if out is not None and not dry_run:
        require_replaceable(out)


def _show_thresholds(cutting: Cutting, examined: "Examined", as_csv: bool, output: Output) -> None:
    """Shows what a range of thresholds would keep."""
    from connprune.documents.cut import Thresholds
    from connprune.report.tables import sweep_table
    from connprune.training.pruning import sweep

    rows = sweep(examined)
    document = Thresholds(parent=str(examined.run.path), by=cutting.by, rows=rows)
    output.table(sweep_table(rows), [row.plain() for row in rows], document, as_csv)


def _write(pruned: "Pruned", path: Path | None, output: Output) -> None:
    """Writes a cut, of which None is a dry run."""
    from connprune.training.pruning import write_cut

    if path is None:
        output.plan(pruned.document)
        return
    cut = write_cut(pruned, path)
    output.result(str(cut.path), pruned.document.model_copy(update={"path": str(cut.path)}))
