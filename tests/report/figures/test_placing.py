"""Labels keep apart, and what is on the Pareto front is not beaten."""

from itertools import combinations, pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from connprune.analysis.pareto import front
from connprune.report.figures.labels import amount, apart, height_of, shortened
from connprune.report.figures.paths import label_places
from connprune.report.figures.placing import Box, beside

numbers = st.floats(-5, 5)


@given(st.lists(numbers, max_size=20), st.floats(0, 1))
def test_places_keep_their_order_a_gap_and_the_limits(wanted: list[float], gap: float) -> None:
    low, high = -3.0, 3.0
    places = apart(wanted, gap, low, high)
    room = min(gap, (high - low) / max(1, len(wanted) - 1))
    assert (np.diff(np.sort(places)) >= room - 1e-9).all()
    assert all(low - 1e-9 <= place <= high + 1e-9 for place in places)
    order = np.argsort(wanted, kind="stable")
    assert (np.diff(places[order]) >= 0).all()


@given(st.lists(numbers, min_size=2, max_size=8))
def test_places_that_are_apart_stay(wanted: list[float]) -> None:
    spread = [number * 10 + value for number, value in enumerate(wanted)]
    assert apart(spread, 0.0, -100, 1000).tolist() == [float(place) for place in spread]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.floats(1.2, 4.4))
def test_direct_labels_neither_overlap_nor_leave_their_panel(final: list[float], tall: float) -> None:
    low, high = -0.03, 1.03
    places = label_places(final, tall, low, high)
    line = height_of(6.5) * (high - low) / tall
    heights = sorted(place for _, place in places)
    assert all(upper - lower >= line * 0.999 for lower, upper in pairwise(heights))
    assert heights[0] >= low + line / 2 - 1e-9
    assert heights[-1] <= high - line / 2 + 1e-9
    left_out = set(range(len(final))) - {number for number, _ in places}
    assert all(final[number] <= min(final[shown] for shown, _ in places) for number in left_out)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=20))
def test_nothing_beats_the_front(networks: list[tuple[int, int]]) -> None:
    costs, gains = [cost for cost, _ in networks], [gain for _, gain in networks]
    chosen = front(costs, gains)

    def beaten(number: int) -> bool:
        return any(
            cost <= costs[number] and gain >= gains[number] and (cost, gain) != (costs[number], gains[number])
            for cost, gain in networks
        )

    assert not any(beaten(number) for number in chosen)
    kept = {networks[number] for number in chosen}
    assert all(beaten(number) for number, network in enumerate(networks) if network not in kept)
    assert [costs[number] for number in chosen] == sorted({costs[number] for number in chosen})


@given(st.sets(st.tuples(st.integers(0, 4), st.integers(0, 6)), min_size=1, max_size=8), st.floats(0.2, 0.9))
def test_labels_beside_points_lie_free(cells: set[tuple[int, int]], width: float) -> None:
    points = [(0.2 + 0.7 * x, 0.2 + 0.4 * y) for x, y in sorted(cells)]
    area = Box(0, 0, 3.6, 3.0)
    labels = beside(points, [(width, 0.12)] * len(points), area)
    assert all(label.overlap(area) > 0.999 * label.area for label in labels)
    assert all(one.overlap(other) < 1e-6 for one, other in combinations(labels, 2))


def test_numbers_and_names_are_short() -> None:
    assert [amount(number) for number in (0, 950, 999.7, 1537, 29_558_518, 2e9)] == [
        "0", "950", "1 k", "1.54 k", "29.6 M", "2 G"
    ]  # fmt: skip
    assert shortened("a" * 40) != shortened("a" * 39 + "b")
    assert len(shortened("a" * 40)) == 16
    assert shortened("transition1-conv") == "transition1-conv"
