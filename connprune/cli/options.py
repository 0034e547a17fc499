"""The options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer


def whole_number(text: str) -> int:
    """Reads an option's value."""
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"found {text!r}, expected a whole number.") from None


def number(text: str) -> float:
    """Reads an option's value."""
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"found {text!r}, expected a number.") from None


def load_plugins(names: list[str] | None) -> None:
    """Imports what --plugin names."""
    from connprune.architecture.plugins import load_plugin

    for name in names or ():
        load_plugin(name)


RunArgument = Annotated[
    str | None,
    typer.Argument(metavar="RUN", help="A run directory; - reads the path from stdin; the newest if left out."),
]
CutArgument = Annotated[
    str | None,
    typer.Argument(metavar="CUT", help="A cut's directory; - reads the path from stdin; the newest if left out."),
]
PresetOption = Annotated[str | None, typer.Option("--preset", metavar="NAME", help="Start from this preset.")]
ConfigOption = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Start from this YAML file.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Set one key, like gates.penalty=0.003; may be repeated."),
]
RunsOption = Annotated[
    Path | None,
    typer.Option("--runs", metavar="DIR", help="Where runs are kept (default: $CONNPRUNE_RUNS, else ./runs)."),
]
DeviceOption = Annotated[
    str, typer.Option("--device", metavar="NAME", help="auto, cpu, cuda, cuda:N or mps; auto takes a GPU if there is.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no tables, only the result.")]
EpochsOption = Annotated[
    int | None, typer.Option("--epochs", metavar="N", parser=whole_number, help="How many epochs to train.")
]
SeedOption = Annotated[
    int | None, typer.Option("--seed", metavar="N", parser=whole_number, help="Seed of everything that is random.")
]
PluginOption = Annotated[
    list[str] | None,
    typer.Option("--plugin", metavar="MODULE", help="Import layers of your own from this module; may be repeated."),
]
CsvOption = Annotated[bool, typer.Option("--csv", help="Print comma-separated values instead.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show what would happen, write nothing.")]
