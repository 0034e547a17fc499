"""The commands, put together."""

from collections.abc import Callable, Iterable
from importlib import import_module
from inspect import cleandoc
from typing import Annotated

import typer

from connprune import __version__
from connprune.cli.help import Command, Group

WORKFLOW = "Search, cut, compare"
UTILITIES = "Utilities"
# Each command with the first line of its docstring: --help imports none of them.
PANELS = {
    WORKFLOW: {
        "train": "Train gates and weights together.",
        "inspect": "Show an architecture, its connections and their gates.",
        "prune": "Cut the connections whose gate ended near zero.",
        "retrain": "Train a cut architecture, from scratch unless --from says otherwise, and compare it.",
        "grow": "Make a larger network of a cut: its wiring as a block, repeated in stages.",
        "sweep": "Train every combination of some settings with every seed, and compare them.",
        "evaluate": "Evaluate a finished run or a cut: accuracy, each class, which are taken for which.",
        "predict": "Say what image files show, by a finished run or a cut.",
        "export": "Write the network of a finished run for other software, or draw its wiring.",
    },
    UTILITIES: {
        "runs": "List runs, cuts and experiments, and the state of each.",
        "runs diff": "Show in which settings, counts and results two runs differ.",
        "runs rm": "Remove runs, cuts or experiments, unless another was made from them.",
        "check": "Check a file or a run, and list everything that is wrong with it.",
        "presets": "List the presets, or print one as YAML.",
        "schema": "Print the JSON Schema of a configuration, a sweep or a result.",
        "data": "Download a data set into the cache and check it.",
        "bench": "Measure how fast training and forward passes are on this machine.",
        "env": "Print what a bug report needs: versions, machine, devices, extras, variables and folders.",
    },
}
# What a worker of an experiment is started with.
HIDDEN = "work"


def command_line(words: Iterable[str] | None = None) -> typer.Typer:
    """All commands; imported are those alone that are to be executed or to say what they take.

    Args:
        words: of the line that was typed; None imports every command.
    """
    typed = None if words is None else {part for word in words for part in word.split()}
    app = typer.Typer(
        cls=Group,
        name="connprune",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for panel, commands in PANELS.items():
        for name, summary in commands.items():
            command = _imported(name) if typed is None or typed.issuperset(name.split()) else _nothing
            text = help_of(command) if command is not _nothing else summary
            app.command(name, cls=Command, help=text, rich_help_panel=panel)(command)
    if typed is None or HIDDEN in typed:
        app.command(HIDDEN, hidden=True)(_imported(HIDDEN))
    app.callback(help=help_of(connprune))(connprune)
    return app


def _imported(name: str) -> Callable[..., None]:
    name = name.replace(" ", "_")
    command: Callable[..., None] = getattr(import_module(f"connprune.cli.{name}"), name)
    return command


def _nothing() -> None:
    """Stands for a command that is only listed."""


def help_of(command: Callable[..., None]) -> str:
    """A command's docstring for any width: its text flows, and a paragraph that begins with `connprune` is to type."""
    paragraphs = (text.strip() for text in cleandoc(command.__doc__ or "").split("\n\n"))
    shown = [f"$ {text}" if text.startswith("connprune ") else " ".join(text.splitlines()) for text in paragraphs]
    return "\n\n".join(shown).replace("[", r"\[")


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
