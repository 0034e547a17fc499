"""`connprune prune`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from connprune.cli import completion, numbers, options
from connprune.cli.output import Output
from connprune.cli.session import load_images

# The panel of the options of which one is needed.
RULES = "Rules: give one, or both budgets"
RULE_OPTIONS = ("--threshold", "--keep", "--sparsity", "--keep-per-layer", "--max-params", "--max-macs")


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
            metavar="RULER",
            help="What scores: gate, strength, saliency, ablation or random.",
            autocompletion=completion.rulers,
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
        bool, options.switch("--sweep", help="With --dry-run: what a range of thresholds would leave.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Write the cut to this directory.", rich_help_panel=options.FOLDERS),
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
    from connprune.architecture.base import SCHEMA
    from connprune.architecture.cutting import gentle_cut
    from connprune.architecture.rules import Budget, Keep, KeepPerLayer, Rule, Sparsity, Threshold, WholeLayers
    from connprune.errors import UsageError
    from connprune.files import require_replaceable
    from connprune.names import unknown
    from connprune.report.tables import cut_table, sweep_table, where_scores_lie
    from connprune.runs.find import find, new_path, runs_folder, stem_of
    from connprune.training.device import choose_device
    from connprune.training.pruning import GRANULARITIES, Granularity, examine, prune, write_cut
    from connprune.training.pruning import sweep as try_thresholds
    from connprune.training.rulers import RULERS

    options.load_plugins(plugins)
    options.prepare_cpu(threads)
    output = Output(as_json, quiet)
    given: list[Rule | None] = [
        None if threshold is None else Threshold(threshold),
        None if keep is None else Keep(keep),
        None if sparsity is None else Sparsity(sparsity),
        None if keep_per_layer is None else KeepPerLayer(keep_per_layer),
        None if max_params is max_macs is None else Budget(max_params, max_macs),
    ]
    rules = [rule for rule in given if rule is not None]
    if sweep and (rules or not dry_run):
        raise UsageError("--sweep goes with --dry-run and without a rule: it tries thresholds and writes nothing.")
    if as_csv and (not sweep or as_json):
        raise UsageError("--csv goes with --sweep and without --json.")
    wanted = f"Give one of {', '.join(RULE_OPTIONS)}, or both budgets; found {len(rules) or 'none'} of them."
    if len(rules) > 1:
        raise UsageError(wanted)
    if by not in RULERS:
        raise UsageError(f"--by: {unknown(by, RULERS)}")
    if granularity not in (None, *GRANULARITIES):
        raise UsageError(f"--granularity: found {granularity!r}, expected {' or '.join(GRANULARITIES)}.")
    if out is not None and not dry_run:
        require_replaceable(out)
    folder = runs_folder(runs)
    parent = find(run, folder, "train", pass_over=True, warn=output.warning)
    gates = parent.architecture().gates
    if not rules and not sweep:
        if gates is None or gates.budget is None:
            raise UsageError(wanted)
        rules = [Budget.of(gates.budget)]
    natural: Granularity = "feature-map" if gates and gates.sharing == "per-feature-map" else "connection"
    place = choose_device(device, output.warning)
    examined = examine(parent, by, granularity or natural, lambda found: load_images(found, output), place, data)
    if not examined.same_data:
        output.warning(
            "the images have changed since the run was trained: the validation images were drawn anew from those that "
            "are there, some of which it may have been trained on, and no accuracy is comparable with the run's"
        )
    if sweep:
        rows = try_thresholds(examined)
        document = {"schema": SCHEMA, "parent": str(parent.path), "by": by, "rows": rows}
        output.table(sweep_table(rows), rows, document, as_csv)
        return
    rule = WholeLayers(rules[0]) if layers_only else rules[0]
    pruned = prune(examined, rule)
    output.note(cut_table(pruned.document))
    if not pruned.document["chosen"]:
        advice = gentle_cut(examined.network.architecture, examined.scores)
        output.note(where_scores_lie(examined.all_scores, by, rule, gates, advice))
    if dry_run:
        output.plan(pruned.document)
        return
    cut = write_cut(pruned, out or new_path(folder, f"{stem_of(parent.path)}-cut"))
    output.result(str(cut.path), {**pruned.document, "cut": str(cut.path)})
