"""The network of the training that a cut came from."""

from connprune.architecture.architecture import Architecture
from connprune.architecture.base import INPUT
from connprune.errors import UsageError
from connprune.runs.directory import RunDirectory
from connprune.training.configuration import configuration_in


def first_architecture(cut: RunDirectory) -> Architecture:
    """What was first trained, before any cut; the cut's own files say it, wherever its parent is now.

    Raises:
        UsageError: the cut was written before cuts kept that, or its files are damaged.
    """
    if not cut.parent.is_file():
        raise UsageError(f"{cut.path}: this cut has no {cut.parent.name}; make it again with `connprune prune`.")
    given = cut.architecture()
    return configuration_in(cut, cut.parent).architecture_for(given.shapes.output[INPUT], given.classes)
