"""The options that several commands share."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from connprune import builtin
from connprune.cli import completion, numbers
from connprune.printable import printable

if TYPE_CHECKING:
    from connprune.training.layered import Setting

# The panels that help shows options in; what has none is the command's own.
CONFIGURATION = "Configuration"
PATHS = "Paths"
HARDWARE = "Hardware"
OUTPUT = "Output"


def switch(*names: str, help: str, panel: str | None = None) -> Any:  # noqa: A002 - as typer calls it
    """An option that takes no value; help says no type for it."""
    return typer.Option(*names, metavar="", help=help, rich_help_panel=panel)


def load_plugins(names: list[str] | None) -> None:
    """Imports what installed packages offer, and what --plugin names."""
    from connprune import plugins

    plugins.load_plugins(names or ())


def assigned(assignments: list[str] | None) -> "list[Setting]":
    """What --set says.

    Raises:
        UsageError: one of them is no assignment.
    """
    from connprune.training.layered import Setting

    return [Setting.read(text, f"--set {text}") for text in assignments or ()]


def with_data(assignments: list[str] | None, data: str | None) -> "list[Setting]":
    """What --set says, and over it what --data does.

    Raises:
        UsageError: one of them is no assignment.
    """
    from connprune.mistakes import Mark
    from connprune.training.layered import Setting

    named = [] if data is None else [Setting("data.source", data, Mark(source=f"--data {data}"))]
    return [*assigned(assignments), *named]


def require_one_format(as_csv: bool, as_json: bool) -> None:
    """Refuses both --csv and --json.

    Raises:
        UsageError: both are given.
    """
    from connprune.errors import UsageError

    if as_csv and as_json:
        raise UsageError("Give one of --csv and --json, found both.")


def seed_numbers(text: str | None) -> Callable[[int], list[int]] | None:
    """Reads --seeds: a function from the recipe's own seed to all seeds; None if the option was not given.

    Raises:
        UsageError: the text is neither a number nor a list of different numbers, or these are too many.
    """
    from connprune.errors import UsageError
    from connprune.limits import TRAININGS

    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    chosen = [int(part) for part in parts if re.fullmatch("[0-9]{1,18}", part)]
    if len(set(chosen)) < len(parts) or chosen == [0]:
        raise UsageError(
            f"--seeds {printable(text[:60])}: expected how many, like 5, or a list of different ones, like 1,2,3."
        )
    count = chosen[0] if len(chosen) == 1 else len(chosen)
    if count > TRAININGS.most:
        raise UsageError(f"--seeds: these are {count:,}, {TRAININGS}.")
    if len(chosen) > 1:
        return lambda own: chosen
    return lambda own: list(range(own, own + count))


def prepare_cpu(threads: int | None) -> None:
    """Lets torch use so many CPU threads, None leaves the number to it, and keep the memory that it frees."""
    from connprune.training.memory import keep_freed_memory

    keep_freed_memory()
    if threads is not None:
        import torch

        torch.set_num_threads(threads)


RunArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="RUN",
        help="A run directory; - reads the path from stdin; the newest if left out.",
        autocompletion=completion.runs,
    ),
]
RunsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="RUN",
        help="Run directories; - reads one path from stdin; the newest if left out.",
        autocompletion=completion.runs,
    ),
]
CutsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="CUT",
        help="A cut's directory, or those of several searches; - reads one path from stdin; the newest if left out.",
        autocompletion=completion.runs,
    ),
]
PresetOption = Annotated[
    str | None,
    typer.Option(
        "--preset",
        metavar="NAME",
        help="Start from this preset.",
        rich_help_panel=CONFIGURATION,
        autocompletion=completion.presets,
    ),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Start from this YAML file.", rich_help_panel=CONFIGURATION),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Set one key, like gates.penalty=0.003; may be repeated.",
        rich_help_panel=CONFIGURATION,
        autocompletion=completion.keys,
    ),
]
RecipeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Set one key of the recipe, like training.optimizer.rate=1e-4; may be repeated.",
        rich_help_panel=CONFIGURATION,
        autocompletion=completion.keys,
    ),
]
DataOption = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="NAME|PATH",
        help=f"{', '.join(builtin.SOURCES)}, a folder of images, or a file: .npz, .npy, .safetensors, .parquet.",
        rich_help_panel=CONFIGURATION,
        autocompletion=completion.data_sets,
    ),
]
PlaceOption = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="NAME|PATH",
        help="Where the run's images are now, if they were moved (default: $CONNPRUNE_DATA, else where they were).",
        rich_help_panel=PATHS,
        autocompletion=completion.data_sets,
    ),
]
NewRunOption = Annotated[
    Path | None,
    typer.Option("--run", metavar="DIR", help="Write the run to this directory.", rich_help_panel=PATHS),
]
ResumeOption = Annotated[
    bool,
    switch(
        "--resume",
        help="Resume the run in --run, or the newest; begin one where there is none yet.",
        panel=PATHS,
    ),
]
RunsOption = Annotated[
    Path | None,
    typer.Option(
        "--runs",
        metavar="DIR",
        help="Where runs are kept (default: $CONNPRUNE_RUNS, else ./runs).",
        rich_help_panel=PATHS,
    ),
]
DeviceOption = Annotated[
    str,
    typer.Option(
        "--device",
        metavar="NAME",
        help="auto, cpu, cuda, cuda:N or mps; auto takes a GPU if there is one.",
        rich_help_panel=HARDWARE,
        autocompletion=completion.devices,
    ),
]
JsonOption = Annotated[bool, switch("--json", help="Print one JSON document instead.", panel=OUTPUT)]
QuietOption = Annotated[bool, switch("--quiet", "-q", help="No progress and no tables, only the result.", panel=OUTPUT)]
EpochsOption = Annotated[
    int | None,
    typer.Option(
        "--epochs",
        metavar="N",
        parser=numbers.whole_number,
        help="How many epochs to train.",
        rich_help_panel=CONFIGURATION,
    ),
]
SeedOption = Annotated[
    int | None,
    typer.Option(
        "--seed",
        metavar="N",
        parser=numbers.whole_number,
        help="Seed of everything that is random.",
        rich_help_panel=CONFIGURATION,
    ),
]
SeedsOption = Annotated[
    str | None,
    typer.Option(
        "--seeds", metavar="N|LIST", help="Train with N seeds, starting from the recipe's own, or with a list: 1,2,3."
    ),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(
        "--threads",
        metavar="N",
        parser=numbers.whole_number_from(1, 4_096),
        help="CPU threads to use (default: torch's choice).",
        rich_help_panel=HARDWARE,
    ),
]
JobsOption = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        metavar="N",
        parser=numbers.whole_number_from(1, 10_000),
        help="Train N at once (default: 1), in processes that share CPU threads and GPUs; on one GPU a process takes "
        "some steps of each in turn. With --on: N at once (default: as many as fit).",
        rich_help_panel=HARDWARE,
    ),
]
OnOption = Annotated[
    str | None,
    typer.Option(
        "--on",
        metavar="ray",
        help="Train on a Ray cluster: that of $RAY_ADDRESS, else one that runs on this machine, else a new one.",
        rich_help_panel=HARDWARE,
        autocompletion=completion.clusters,
    ),
]
ListOption = Annotated[
    bool, switch("--list", help="Train nothing; print a command for each remaining training.", panel=HARDWARE)
]
CollectOption = Annotated[
    bool, switch("--collect", help="Train nothing; collect the finished trainings.", panel=HARDWARE)
]
FiguresOption = Annotated[
    Path | None,
    typer.Option(
        "--figures",
        metavar="DIR",
        file_okay=False,
        help="Draw figures into this directory, as SVG and PNG.",
        rich_help_panel=OUTPUT,
    ),
]
HtmlOption = Annotated[
    Path | None,
    typer.Option("--html", metavar="FILE", help="Write a page with everything to this file.", rich_help_panel=OUTPUT),
]
RedactOption = Annotated[
    bool,
    switch("--redact", help="In the page leave out paths, command lines, folders, host and process.", panel=OUTPUT),
]
PluginOption = Annotated[
    list[str] | None,
    typer.Option(
        "--plugin",
        metavar="MODULE",
        help="Import parts of your own from this module, layers or others; may be repeated.",
        rich_help_panel=CONFIGURATION,
    ),
]
CsvOption = Annotated[bool, switch("--csv", help="Print comma-separated values instead.", panel=OUTPUT)]
DryRunOption = Annotated[bool, switch("--dry-run", help="Show what would happen; write nothing.", panel=OUTPUT)]
ExplainOption = Annotated[
    bool,
    switch(
        "--explain", help="Print the configuration, with a comment on each key that says what set it.", panel=OUTPUT
    ),
]
