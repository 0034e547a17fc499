"""`connprune data`."""

from pathlib import Path
from typing import Annotated

import typer

from connprune.cli import completion, options
from connprune.cli.output import Output


def data(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="cifar10, cifar100, mnist, fashion-mnist, svhn or stl10.",
            autocompletion=completion.downloads,
        ),
    ],
    cache: Annotated[
        Path | None,
        typer.Option("--cache", metavar="DIR", help="Where to keep it (default: $CONNPRUNE_CACHE, else your cache)."),
    ] = None,
    plugins: options.PluginOption = None,
) -> None:
    """Download a data set into the cache and check it.

    Prints the cache folder. An interrupted download resumes when the command is run again.

      connprune data cifar10
    """
    from connprune.data.named import SOURCES
    from connprune.data.settings import DataSettings
    from connprune.data.sources import download
    from connprune.errors import UsageError
    from connprune.names import unknown

    options.load_plugins(plugins)
    if name not in SOURCES:
        raise UsageError(unknown("data", name, SOURCES))
    settings = DataSettings(source=name, cache=str(cache) if cache else None)
    output = Output()
    output.result(str(download(settings, output.progress)))
