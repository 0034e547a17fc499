"""Work shared out among threads: the results are those of a loop, in its order, however many threads there are."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from connprune.data.flight import in_flight


@given(st.lists(st.integers(0, 9), max_size=40), st.integers(0, 20), st.sampled_from([None, 1, 2, 5]))
def test_the_results_are_those_of_a_loop(items: Sequence[int], most: int, threads: int | None) -> None:
    weighed = in_flight(items, lambda item: (item + 1, item), lambda begun: begun * 2, most, threads)
    assert list(weighed) == [2 * (item + 1) for item in items]
