"""What a cut says of itself."""

from typing import Any

from connprune.architecture.cutting import COUNTS
from connprune.errors import UsageError
from connprune.files import read_sealed_json
from connprune.runs.directory import RunDirectory
from connprune.runs.links import followed

# What of a cut's document names other runs.
LINKS = ("parent", "ancestry")


def read_cut(run: RunDirectory) -> dict[str, Any]:
    """What `cut.json` holds.

    Raises:
        UsageError: the run is no cut, or the file is damaged.
    """
    if not run.cut.is_file():
        raise UsageError(f"{run.path}: this run is no cut; make one with `connprune prune {run.path}`.")
    document = read_sealed_json(run.cut)
    pairs = [document.get(key) for key in (*COUNTS, "results")]
    if not all(isinstance(pair, dict) and {"parent", "cut"} <= set(pair) for pair in pairs):
        raise UsageError(f"{run.cut}: this file is damaged: counts or results are missing.")
    return followed(document, run.path, *LINKS)
