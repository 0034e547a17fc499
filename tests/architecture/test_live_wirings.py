from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from itertools import combinations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from connprune.architecture.live_wirings import LiveWirings
from connprune.architecture.wirings import Wiring, chain, dense, in_order, residual


def by_trying(wiring: Mapping[str, Collection[str]], whole: Collection[str] = ()) -> Iterator[Wiring]:
    """Every subset of the connections that is a valid architecture's."""
    connections = [(source, target) for target, sources in wiring.items() for source in sources]
    for size in range(1, len(connections) + 1):
        for chosen in combinations(connections, size):
            found: dict[str, list[str]] = {}
            for source, target in chosen:
                found.setdefault(target, []).append(source)
            if any(len(found[name]) < len(wiring[name]) for name in whole if name in found):
                continue
            try:
                yield in_order(found, [name for name in wiring if name in found and name != "head"])
            except ValueError:
                continue


@st.composite
def wirings(draw: st.DrawFn) -> tuple[Wiring, list[str]]:
    """Some of the connections among up to three layers, and which layers read all their sources or none."""
    layers = ["a", "b", "c"][: draw(st.integers(0, 3))]
    full = dense(layers)
    chosen = {target: draw(st.lists(st.sampled_from(sources), unique=True)) for target, sources in full.items()}
    ordered = {
        target: tuple(source for source in sources if source in chosen[target]) for target, sources in full.items()
    }
    return ordered, draw(st.lists(st.sampled_from(layers), unique=True)) if layers else []


@given(wirings())
def test_they_are_those_that_trying_every_subset_finds(given: tuple[Wiring, list[str]]) -> None:
    wiring, whole = given
    space = LiveWirings(wiring, whole)
    expected = list(by_trying(wiring, whole))

    assert sorted(map(repr, space)) == sorted(map(repr, expected))
    assert space.count() == len(expected)
    sizes = Counter(sum(map(len, found.values())) for found in expected)
    assert [space.count(size) for size in range(12)] == [sizes[size] for size in range(12)]


def test_counts_of_dense_wirings_equal_a_hand_count() -> None:
    # No layer: input→head. One layer: with it read by the head alone, with the input read too, or without the layer.
    assert [LiveWirings(dense([])).count(), LiveWirings(dense(["a"])).count()] == [1, 3]
    # Two layers a, b. Neither: 1. Only a, only b: 2 each. Both: a reads the input; b reads a, or the input and a, or
    # the input; the head reads b and all that is unread: 4 ways when all else is read, but 2 when b left a unread.
    assert LiveWirings(dense(["a", "b"])).count() == 1 + 2 + 2 + 4 + 4 + 2


@pytest.mark.parametrize("connections", [None, 5])
def test_draws_are_uniform(connections: int | None) -> None:
    space = LiveWirings(dense(["a", "b", "c"]))
    random = Random(7)
    draws = Counter(repr(space.draw(random, connections)) for _ in range(40 * space.count(connections)))

    assert len(draws) == space.count(connections)
    assert stats.chisquare(list(draws.values())).pvalue > 1e-3


@given(st.integers(0, 2**32), st.integers(4, 30))
def test_a_draw_is_live_and_has_the_connections_asked_for(seed: int, connections: int) -> None:
    wiring = dense([f"layer{number}" for number in range(8)])
    drawn = LiveWirings(wiring).draw(Random(seed), connections)

    assert sum(map(len, drawn.values())) == connections
    assert in_order(drawn, [name for name in drawn if name != "head"]) == drawn


def test_asking_for_a_number_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="no live wiring has 2 connections"):
        LiveWirings({"head": ("input",)}).draw(Random(0), 2)


def test_a_residual_wiring_skips_blocks_of_two() -> None:
    layers = ["a", "b", "c", "d"]
    assert residual(layers) == {
        "a": ("input",),
        "b": ("a",),
        "c": ("input", "b"),
        "d": ("c",),
        "head": ("b", "d"),
    }
    assert residual(["a"]) == chain(["a"])
