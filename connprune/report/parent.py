"""The run that a cut was made from, as far as it is still there."""

from dataclasses import dataclass
from pathlib import Path

from connprune.architecture.architecture import Architecture
from connprune.errors import UsageError
from connprune.runs.cut import read_cut
from connprune.runs.directory import RunDirectory
from connprune.runs.gate_history import GateHistory


@dataclass(frozen=True)
class Parent:
    """The run that a cut was made from.

    Attributes:
        name: of its directory.
        architecture: its layers and connections.
        gates: of its training, if it had any.
    """

    name: str
    architecture: Architecture
    gates: GateHistory | None


def parent_of(cut: RunDirectory) -> tuple[Parent | None, str]:
    """The run that a cut was made from; or None, and why: it is looked for where it was, and must be what was cut."""
    try:
        report = read_cut(cut)
        run = RunDirectory.open(Path(report.parent))
        if report.parent_digest != run.digest():
            return None, f"The parent, {run.path.name}, has been trained anew since"
        gates = run.read_gates() if run.gates.exists() else None
        return Parent(run.path.name, run.architecture(), gates), ""
    except (UsageError, OSError):
        return None, "The parent is not where it was, or cannot be read"
