"""`connprune prune`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from connprune import builtin
from connprune.cli import completion, numbers, options
from connprune.cli.cutting import Cutting
from connprune.cli.output import Output
from connprune.names import one_of

# The panel of the options of which one is needed.
RULES = "Rules: give one, or both budgets"


def prune(
    run: options.RunArgument = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            "--threshold",
            metavar="T",
            parser=numbers.number_from(0),
            help="Cut every score below T.",
            rich_help_panel=RULES,
        ),
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option(
            "--keep",
            metavar="N",
            parser=numbers.whole_number_from(0),
            help="Keep the N highest scores.",
            rich_help_panel=RULES,
        ),
    ] = None,
    sparsity: Annotated[
        float | None,
        typer.Option(
            "--sparsity",
            metavar="S",
            parser=numbers.number_from(0, 1),
            help="Cut the lowest share S, 0 to 1.",
            rich_help_panel=RULES,
        ),
    ] = None,
    keep_per_layer: Annotated[
        int | None,
        typer.Option(
            "--keep-per-layer",
            metavar="K",
            parser=numbers.whole_number_from(1),
            help="Keep K inputs of each layer.",
            rich_help_panel=RULES,
        ),
    ] = None,
    max_params: Annotated[
        Any,
        typer.Option(
            "--max-params",
            metavar="N|P%",
            parser=numbers.budget,
            help="Cut down to N parameters, or P% of the parent's.",
            rich_help_panel=RULES,
        ),
    ] = None,
    max_macs: Annotated[
        Any,
        typer.Option(
            "--max-macs",
            metavar="N|P%",
            parser=numbers.budget,
            help="Cut down to N MACs, or P% of the parent's.",
            rich_help_panel=RULES,
        ),
    ] = None,
    by: Annotated[
        str,
        typer.Option(
            "--by",
            metavar="CRITERION",
            help=f"Importance criterion: {one_of(builtin.CRITERIA)}.",
            autocompletion=completion.criteria,
        ),
    ] = "gate",
    granularity: Annotated[
        str | None,
        typer.Option(
            "--granularity",
            metavar="G",
            help="connection or feature-map (default: as the gates are).",
            autocompletion=completion.granularities,
        ),
    ] = None,
    layers_only: Annotated[bool, options.switch("--layers-only", help="Remove whole layers.")] = False,
    sweep: Annotated[
        bool, options.switch("--sweep", help="With --dry-run: show what a range of thresholds would keep.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Write the cut to this directory.", rich_help_panel=options.PATHS),
    ] = None,
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

    Prints the path of the cut. Give one of --threshold, --keep, --sparsity, --keep-per-layer, --max-params and
    --max-macs, or the last two together; a run whose gates had a budget is cut down to that without a rule. The trained
    weights are carried over, so the cut network works before any retraining, and its accuracy is shown beside its
    parent's.

      connprune prune --max-macs 50%
    """
    from connprune.documents.cut import Thresholds
    from connprune.errors import UsageError
    from connprune.files import require_replaceable
    from connprune.report.tables import sweep_table
    from connprune.runs.find import find, new_path, runs_folder, stem_of
    from connprune.training.pruning import sweep as try_thresholds
    from connprune.training.pruning import write_cut

    options.load_plugins(plugins)
    options.prepare_cpu(threads)
    output = Output(as_json, quiet)
    cutting = Cutting.of(
        threshold=threshold,
        keep=keep,
        sparsity=sparsity,
        keep_per_layer=keep_per_layer,
        max_params=max_params,
        max_macs=max_macs,
        by=by,
        granularity=granularity,
        layers_only=layers_only,
    )
    if sweep and (cutting.rule or not dry_run):
        raise UsageError("--sweep goes with --dry-run and without a rule: it tries thresholds and writes nothing.")
    if as_csv and (not sweep or as_json):
        raise UsageError("--csv goes with --sweep and without --json.")
    if out is not None and not dry_run:
        require_replaceable(out)
    folder = runs_folder(runs)
    parent = find(run, folder, "train", pass_over=True, warn=output.warning)
    if sweep:
        rows = try_thresholds(cutting.examine(parent, device, data, output))
        document = Thresholds(parent=str(parent.path), by=by, rows=rows)
        output.table(sweep_table(rows), [row.plain() for row in rows], document, as_csv)
        return
    rule = cutting.rule_for(parent.architecture().gates)
    pruned = cutting.cut(cutting.examine(parent, device, data, output), rule, output)
    if dry_run:
        output.plan(pruned.document)
        return
    cut = write_cut(pruned, out or new_path(folder, f"{stem_of(parent.path)}-cut"))
    output.result(str(cut.path), pruned.document.model_copy(update={"path": str(cut.path)}))
