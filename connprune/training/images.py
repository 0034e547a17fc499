"""Where the images of a run are now: a run is known by what they are, not by where they were."""

import os
from pathlib import Path

from connprune.data.named import SOURCES
from connprune.errors import ArgumentError, UsageError
from connprune.mistakes import Mistake
from connprune.runs.directory import RunDirectory
from connprune.training.configuration import Configuration

# Where the folder of images is that runs were made with, if no argument says it.
VARIABLE = "CONNPRUNE_DATA"


def moved(configuration: Configuration, data: str | None) -> Configuration:
    """A run's configuration with its images where they are now.

    Args:
        configuration: the run's.
        data: the folder, or the name of a data set; None is $CONNPRUNE_DATA for a folder, else where they were.

    Raises:
        UsageError: there is no such folder.
    """
    if data is None and configuration.data.source not in SOURCES:
        data = os.environ.get(VARIABLE)
    if data:
        here = configuration.data.model_copy(update={"source": data}).located()
        configuration = configuration.model_copy(update={"data": here})
    source = configuration.data.source
    if source not in SOURCES and not Path(source).exists():
        hint = (
            f"name the folder where its images are now, here or by {VARIABLE}; or the plug-in, if this is a data set "
            "of your own"
        )
        raise ArgumentError(Mistake(f"there is no {source}", key="data", hint=hint))
    return configuration


def require_same_images(run: RunDirectory, configuration: Configuration, known: str | None, found: str) -> None:
    """Refuses other images than those that a run was made with.

    Args:
        run: the run.
        configuration: says where the images were looked for.
        known: the digest of the run's images; None is not known.
        found: the digest of those that were found.

    Raises:
        UsageError: they are others.
    """
    if known not in (None, found):
        raise UsageError(
            f"{run.path}: the images in {configuration.data.source} are others than those that it was made with; name "
            f"the folder where those are, or start a new run."
        )
