"""What a cut says of itself."""

from connprune.documents.cut import CutDocument
from connprune.errors import UsageError
from connprune.runs.directory import RunDirectory
from connprune.runs.links import read_document


def read_cut(run: RunDirectory) -> CutDocument:
    """What `cut.json` holds.

    Raises:
        UsageError: the run is no cut, or the file is damaged.
    """
    if not run.cut.is_file():
        raise UsageError(f"{run.path}: this run is no cut; make one with `connprune prune {run.path}`.")
    return read_document(CutDocument, run.cut)
