"""`connprune prune`."""

from pathlib import Path
from typing import Annotated

import typer

from connprune.cli import options
from connprune.cli.output import Output
from connprune.cli.session import load_images


def prune(
    run: options.RunArgument = None,
    threshold: Annotated[
        float | None,
        typer.Option("--threshold", metavar="T", parser=options.number, help="Cut connections with a gate below T."),
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option("--keep", metavar="N", parser=options.whole_number, help="Keep the N most open connections."),
    ] = None,
    sparsity: Annotated[
        float | None,
        typer.Option("--sparsity", metavar="S", parser=options.number, help="Cut this share of connections, 0 to 1."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Write the cut to this directory.")] = None,
    runs: options.RunsOption = None,
    device: options.DeviceOption = "auto",
    dry_run: options.DryRunOption = False,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Cut the connections whose gate ended near zero.

    Prints the path of the cut. Give one of --threshold, --keep and --sparsity. The trained weights are carried over,
    so the cut network works before any retraining, and its accuracy is shown beside its parent's.

      connprune prune --threshold 0.01
    """
    from connprune.architecture.cutting import Keep, Rule, Sparsity, Threshold
    from connprune.errors import UsageError
    from connprune.report.tables import cut_table, where_gates_lie
    from connprune.runs.find import find, new_path, runs_folder
    from connprune.training.device import choose_device
    from connprune.training.pruning import prune, write_cut

    output = Output(as_json, quiet)
    rules: list[Rule] = []
    if threshold is not None:
        rules.append(Threshold(threshold))
    if keep is not None:
        rules.append(Keep(keep))
    if sparsity is not None:
        rules.append(Sparsity(sparsity))
    if len(rules) != 1:
        raise UsageError(f"Give one of --threshold, --keep and --sparsity; found {len(rules) or 'none'} of them.")
    folder = runs_folder(runs)
    parent = find(run, folder, "train")
    pruned = prune(parent, rules[0], lambda configuration: load_images(configuration, output), choose_device(device))
    if not pruned.same_data:
        output.warning("the images have changed since the run was trained, so its accuracies may have too")
    output.note(cut_table(pruned.document))
    if not pruned.document["chosen"]:
        output.note(where_gates_lie(pruned.gates, rules[0]))
    if dry_run:
        output.plan(pruned.document)
        return
    cut = write_cut(pruned, out or new_path(folder, "cut"))
    output.result(str(cut.path), {**pruned.document, "cut": str(cut.path)})
