"""The commands, put together."""

from typing import Annotated

import typer

from connprune import __version__
from connprune.cli.bench import bench
from connprune.cli.data import data
from connprune.cli.export import export
from connprune.cli.inspect import inspect
from connprune.cli.presets import presets
from connprune.cli.prune import prune
from connprune.cli.retrain import retrain
from connprune.cli.sweep import sweep
from connprune.cli.train import train
from connprune.cli.work import work

app = typer.Typer(
    name="connprune",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

for command in (train, inspect, prune, retrain, export, sweep, bench, data, presets):
    app.command()(command)
app.command(hidden=True)(work)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"connprune {__version__}")
        raise typer.Exit


@app.callback()
def connprune(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Search which layer should feed which, cut what is not needed, retrain what is left.

    A first run, on images that come with the package:

      connprune train --preset digits

      connprune prune --threshold 0.01

      connprune retrain
    """
