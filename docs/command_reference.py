"""The reference of the command line: every command with its arguments and options, from what --help is made of."""

import re
from collections.abc import Iterable
from typing import Any

import typer

from connprune.cli.app import PANELS, command_line

INTRODUCTION = """\
# Commands

Every command with its arguments and options, as `connprune COMMAND --help` shows them. What goes to standard output,
which run is meant where none is named, and the exit codes: [the command line](command-line.md).
`docs/reference.py` writes this page from the commands themselves.
"""


def marked(text: str) -> str:
    """A text whose options are code: a site would make dashes of their hyphens."""
    return re.sub(r"(?<![\w`-])--[a-z][a-z-]*", r"`\g<0>`", text)


def cell(text: str) -> str:
    """A text in a cell of a table."""
    return " ".join(text.split()).replace("|", r"\|")


def name_of(parameter: Any) -> str:
    """How a parameter is written, with the word for its value."""
    value = parameter.metavar or ""
    if parameter.param_type_name == "argument":
        return f"`{value}`" + ("…" if parameter.nargs == -1 else "")
    names = sorted((*parameter.opts, *parameter.secondary_opts), key=len, reverse=True)
    return ", ".join(f"`{name} {value}`".replace(" `", "`") for name in names)


def meaning(parameter: Any) -> str:
    """What a parameter is for, and its default where that is a value."""
    has_default = isinstance(parameter.default, str | int | float) and not isinstance(parameter.default, bool)
    default = f" (default: `{parameter.default}`)" if has_default and "default:" not in parameter.help else ""
    return f"{parameter.help.rstrip('.')}{default}." if default else parameter.help


def table(parameters: Iterable[Any]) -> str:
    """A row for each."""
    rows = [f"| {cell(name_of(parameter))} | {cell(marked(meaning(parameter)))} |" for parameter in parameters]
    return "\n".join(["| | Meaning |", "| --- | --- |", *rows])


def paragraphs(text: str) -> str:
    """A command's help: what is to type stands in a block of its own."""
    shown = []
    for paragraph in text.replace(r"\[", "[").split("\n\n"):
        typed = paragraph.removeprefix("$ ")
        shown.append(f"```text\n{typed}\n```" if typed != paragraph else marked(paragraph))
    return "\n\n".join(shown)


def section(name: str, command: Any) -> str:
    """A command."""
    groups: dict[str, list[Any]] = {}
    for parameter in command.params:
        panel = "Arguments" if parameter.param_type_name == "argument" else parameter.rich_help_panel or "Options"
        groups.setdefault(panel, []).append(parameter)
    parts = [f"### {name}", paragraphs(command.help)]
    for panel, parameters in groups.items():
        parts += [f"{panel}:", table(parameters)]
    return "\n\n".join(parts)


def page() -> str:
    """The whole page."""
    commands: Any = typer.main.get_command(command_line())
    parts = [INTRODUCTION.rstrip()]
    for panel, names in PANELS.items():
        parts.append(f"## {panel}")
        parts += [section(name, commands.commands[name]) for name in names]
    return re.sub(r"\n{3,}", "\n\n", "\n\n".join(parts)) + "\n"
