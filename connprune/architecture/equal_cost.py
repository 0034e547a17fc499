"""Baselines that cost what the cut costs: random wirings of both counts, and reference wirings of other widths."""

from random import Random

from connprune.architecture.architecture import Architecture
from connprune.architecture.baselines import Pair, wired
from connprune.architecture.cutting import cut_connections
from connprune.architecture.rules import Budget, Unit
from connprune.architecture.shapes import mac_count, parameter_count
from connprune.architecture.widths import Scaling
from connprune.errors import DisconnectedError, NoBaselineError, UsageError

# How far the parameters, and the MACs, of a network may be from the cut's to cost the same.
TOLERANCE = 0.03
# After so many draws in a row without another wiring of the cut's cost none is looked for any more.
DRAWS = 100

# What a baseline of other widths can be fitted to, by the word for it after the colon.
FITTED = {"params": parameter_count, "macs": mac_count}


def costs_the_same(count: float, wanted: float) -> bool:
    """Whether a count is the wanted one within `TOLERANCE`."""
    return abs(count - wanted) <= TOLERANCE * wanted


def random_cost(pair: Pair, count: int) -> list[Architecture]:
    """Different random wirings with the parameters and the MACs of the cut, each within `TOLERANCE`.

    Each is what the cut would be by random scores: all connections of the parent get one, and are cut down to the two
    counts as `Budget` cuts, which puts back what still fits. A wiring that misses the tolerance is drawn again.

    Raises:
        NoBaselineError: `DRAWS` draws in a row gave no other wiring of that cost.
    """
    parameters, macs = parameter_count(pair.cut), mac_count(pair.cut)
    budget = Budget(int((1 + TOLERANCE) * parameters), int((1 + TOLERANCE) * macs))
    generator = Random(f"random-cost {pair.seed}")  # noqa: S311 - nothing here is secret
    taken = [pair.cut]
    since = 0
    while len(taken) <= count:
        scores: dict[Unit, float] = {connection: generator.random() for connection in pair.parent.all_connections}
        since += 1
        try:
            candidate = cut_connections(pair.parent, scores, budget)
        except DisconnectedError:
            candidate = pair.cut
        if (
            costs_the_same(parameter_count(candidate), parameters)
            and costs_the_same(mac_count(candidate), macs)
            and all(candidate.connections != other.connections for other in taken)
        ):
            taken.append(candidate)
            since = 0
        elif since == DRAWS:
            fewer = len(taken) - 1
            raise NoBaselineError(
                f"baseline random-cost:{count}: {DRAWS} random wirings in a row had not the cut's {parameters:,} "
                f"parameters and {macs:,} MACs, both within {TOLERANCE:.0%}, or were there already; "
                + (f"try random-cost:{fewer}." if fewer else "try random-params:N, or a cut by budgets.")
            )
    return taken[1:]


def scaled(pair: Pair, name: str, fitted: str) -> Architecture:
    """The baseline that is a reference wiring of the parent's layers with all their widths times one factor.

    The factor is the one whose count is nearest to the cut's; the other count is what it is.

    Args:
        pair: parent and cut.
        name: of the wiring: `dense`, the parent's own, `chain` or `residual`.
        fitted: which count, one of `FITTED`.

    Raises:
        NoBaselineError: the wiring is no part of the parent's, or no other widths fit together.
    """
    text, count = f"baseline {name}-scaled:{fitted}", FITTED[fitted]
    try:
        architecture = pair.parent if name == "dense" else wired(pair.parent, name)
    except UsageError as error:
        raise NoBaselineError(f"{text}: {error}") from None
    try:
        scaled = Scaling(architecture).to(count(pair.cut), count)
    except ValueError as error:
        raise NoBaselineError(f"{text}: {error}.") from None
    if scaled is None:
        raise NoBaselineError(f"{text}: the layers do not fit together in any other widths.")
    return scaled
