"""Where data sets are kept. Nothing here imports torch."""

import os
from pathlib import Path

import platformdirs

from connprune.errors import UsageError
from connprune.files import absolute


def cache_folder(chosen: str | None = None) -> Path:
    """Where downloads and decoded images are kept: `data.cache`, $CONNPRUNE_CACHE, or the user's cache folder.

    Raises:
        UsageError: nothing is named, and the user has no home folder.
    """
    named = chosen or os.environ.get("CONNPRUNE_CACHE")
    if named:
        return Path(absolute(named))
    try:
        folder = Path(platformdirs.user_cache_dir("connprune"))
    except RuntimeError:
        folder = Path()
    if not folder.is_absolute():
        raise UsageError("CONNPRUNE_CACHE: this user has no home folder, so name one where images may be kept.")
    return folder
