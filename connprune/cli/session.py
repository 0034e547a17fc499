"""What the commands that train or evaluate have in common."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from connprune.cli.output import Output
from connprune.cli.progress import watch
from connprune.signals import Stop

if TYPE_CHECKING:
    import torch

    from connprune.data.images import Dataset
    from connprune.data.splits import Splits
    from connprune.documents.run import Trained
    from connprune.runs.directory import RunDirectory
    from connprune.training.configuration import Configuration
    from connprune.training.group import Group


def find_network(run: str | None, runs: Path | None, output: Output) -> "RunDirectory":
    """The run or the cut whose network a command is about: the named one, or the newest that no process works in.

    Raises:
        UsageError: there is none.
    """
    from connprune.runs.find import find, runs_folder

    return find(run, runs_folder(runs), "train", "cut", "retrain", pass_over=True, warn=output.warning)


def load_images(configuration: "Configuration", output: Output) -> "Dataset":
    """Loads the images of a configuration, and says what a user may not expect of them.

    Raises:
        InterruptedRunError: a signal came meanwhile.
    """
    from connprune.data.progress import stoppable
    from connprune.data.sources import load

    with Stop() as stop:
        dataset = load(configuration.data, stoppable(output.progress, stop))
    for note in dataset.notes:
        output.note(f"Note: {note}")
    if dataset.damaged:
        warn_of_damaged(dataset.damaged, output)
    return dataset


def warn_of_damaged(images: Sequence[str], output: Output) -> None:
    """Names damaged images that were left out."""
    more = f" and {len(images) - 5} more" if len(images) > 5 else ""
    output.warning(f"left out {len(images)} damaged images: {'; '.join(images[:5])}{more}")


def train_to_end(
    run: "RunDirectory",
    configuration: "Configuration",
    splits: "Splits",
    device: "torch.device",
    output: Output,
    group: "Group | None" = None,
) -> "Trained":
    """Trains a run while showing its progress, and returns its summary."""
    from connprune.training.run import train_run

    with Stop() as stop, watch(output) as watcher:
        return train_run(run, configuration, splits, device, watcher, stop, group)


def split_images(configuration: "Configuration", dataset: "Dataset", output: Output) -> "Splits":
    """Splits images, and says what a user may not expect of the split."""
    from connprune.training.run import split_data

    splits = split_data(configuration, dataset)
    for note in splits.notes:
        output.note(f"Note: {note}")
    return splits


def tell_classes(summary: "Trained", source: str, output: Output) -> None:
    """Says how each class did in a finished training, unless the data set is balanced."""
    from connprune.data.named import is_balanced
    from connprune.report.tables import class_table

    if not is_balanced(source):
        output.note(class_table(summary.per_class or ()))


def result_line(summary: "Trained") -> str:
    """A finished training in one line."""
    final, gates = summary.final, summary.gated_connections
    closed = f"  {summary.gates_closed} of {gates} gates closed" if gates else ""
    if summary.all_gates_closed:
        closed += " (all of them: with a smaller penalty what is needed stays open)"
    target = summary.target_sparsity
    if target and not target.met:
        closed += f" (target {target.wanted:.0%} not reached)"
    return (
        f"after epoch {final.epoch}: validation {final.validation_accuracy:.2%}"
        f"  test {final.test_accuracy:.2%}{closed}"
        f"  {summary.training_seconds:.0f} s of training in {summary.wall_seconds:.0f} s"
    )
