"""What a search may leave of a network: its gates' budgets in numbers."""

from connprune.architecture.architecture import Architecture
from connprune.architecture.rules import Budget, Counts
from connprune.architecture.shapes import gate_count, mac_count, parameter_count
from connprune.errors import UsageError
from connprune.mistakes import Mistake

_HALF = 0.5


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
                Mistake(
                    key=f"gates.budget.{name}",
                    found=str(getattr(wanted, name)),
                    expected=f"at least one of the {getattr(whole, name):,} that this network has",
                )
            )
    return most


def open_gates(architecture: Architecture) -> int:
    """How many gates `gates.open` lets be open at once, where the network has any: from 1 to all.

    Raises:
        UsageError: there are not so many.
    """
    count, wanted = gate_count(architecture), architecture.gates.open if architecture.gates else None
    if isinstance(wanted, int):
        if wanted > count:
            expected = f"at most {count}, as many gates as this network has"
            raise UsageError(Mistake(key="gates.open", found=str(wanted), expected=expected))
        return wanted
    share = float(wanted.removesuffix("%")) / 100 if wanted else _HALF
    return max(1, round(share * count))
