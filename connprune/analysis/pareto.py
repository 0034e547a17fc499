"""The Pareto front."""

from collections.abc import Sequence


def front(costs: Sequence[float], gains: Sequence[float]) -> list[int]:
    """What nothing else beats in one respect without losing in the other, by rising cost."""
    order = sorted(range(len(costs)), key=lambda number: (costs[number], -gains[number]))
    found: list[int] = []
    for number in order:
        if not found or gains[number] > gains[found[-1]]:
            found.append(number)
    return found
