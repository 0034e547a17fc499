"""The commands, put together."""

from collections.abc import Callable
from inspect import cleandoc
from typing import Annotated

import typer

from connprune import __version__
from connprune.cli.bench import bench
from connprune.cli.check import check
from connprune.cli.data import data
from connprune.cli.env import env
from connprune.cli.evaluate import evaluate
from connprune.cli.export import export
from connprune.cli.help import Command, Group
from connprune.cli.inspect import inspect
from connprune.cli.predict import predict
from connprune.cli.presets import presets
from connprune.cli.prune import prune
from connprune.cli.retrain import retrain
from connprune.cli.runs import runs
from connprune.cli.schema import schema
from connprune.cli.sweep import sweep
from connprune.cli.train import train
from connprune.cli.work import work

WORKFLOW = "Search, cut, compare"
UTILITIES = "Utilities"
PANELS: dict[str, tuple[Callable[..., None], ...]] = {
    WORKFLOW: (train, inspect, prune, retrain, sweep, evaluate, predict, export),
    UTILITIES: (runs, check, presets, schema, data, bench, env),
}


def help_of(command: Callable[..., None]) -> str:
    """A command's docstring for any width: its text flows, and a paragraph that begins with `connprune` is to type."""
    paragraphs = (text.strip() for text in cleandoc(command.__doc__ or "").split("\n\n"))
    shown = [f"$ {text}" if text.startswith("connprune ") else " ".join(text.splitlines()) for text in paragraphs]
    return "\n\n".join(shown).replace("[", r"\[")


app = typer.Typer(
    cls=Group,
    name="connprune",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

for panel, commands in PANELS.items():
    for command in commands:
        app.command(cls=Command, help=help_of(command), rich_help_panel=panel)(command)
app.command(hidden=True)(work)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"connprune {__version__}")
        raise typer.Exit


def connprune(
    version: Annotated[
        bool,
        typer.Option("--version", metavar="", callback=_show_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """Search which layer should feed which, cut what is not needed, retrain what is left.

    A first run, on images that come with the package:

      connprune train --preset digits

      connprune prune --threshold 0.01

      connprune retrain
    """


app.callback(help=help_of(connprune))(connprune)
