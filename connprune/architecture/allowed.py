"""What a search may leave of a network: its gates' budget in numbers."""

from connprune.architecture.architecture import Architecture
from connprune.architecture.rules import Budget, Counts
from connprune.architecture.shapes import mac_count, parameter_count
from connprune.errors import UsageError


def allowed(architecture: Architecture) -> dict[str, int]:
    """For each count that `gates.budget` names, how many this network may have of it.

    Raises:
        UsageError: a percentage of this network is less than one.
    """
    if architecture.gates is None or architecture.gates.budget is None:
        return {}
    wanted = architecture.gates.budget
    whole = Counts(parameter_count(architecture), mac_count(architecture))
    most = Budget.of(wanted).resolved(whole)
    for name, limit in most.items():
        if limit < 1:
            raise UsageError(
                f"gates.budget.{name}: found {getattr(wanted, name)}, but of the {getattr(whole, name):,} that this "
                "network has that is less than one; give more."
            )
    return most
