"""Where data sets are kept. Nothing here imports torch."""

import os
from pathlib import Path

import platformdirs

from connprune.files import absolute


def cache_folder(chosen: str | None = None) -> Path:
    """Where downloads and decoded images are kept: `data.cache`, $CONNPRUNE_CACHE, or the user's cache folder."""
    named = chosen or os.environ.get("CONNPRUNE_CACHE")
    return Path(absolute(named)) if named else Path(platformdirs.user_cache_dir("connprune"))
