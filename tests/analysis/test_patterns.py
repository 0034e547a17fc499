"""Patterns that recur, beside all the wirings that chance could give."""

from collections import Counter
from pathlib import Path
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from connprune.analysis.patterns import Pattern, block_of, patterns_of, recurrences
from connprune.architecture import Architecture, Connection
from connprune.architecture.baselines import wired, wirings_within
from connprune.architecture.cutting import restricted
from connprune.errors import DisconnectedError
from connprune.report.figures import patterns_figure
from connprune.report.patterns import patterns_document, patterns_text
from tests.report.figures.helpers import texts_of
from tests.strategies import architectures


@pytest.fixture(scope="module")
def parent() -> Architecture:
    layers = [{"kind": "conv", "feature_maps": 2, "stride": 2 if number == 3 else 1} for number in range(6)]
    image = {"feature_maps": 1, "height": 8, "width": 8}
    return Architecture.model_validate({"input": image, "classes": 2, "layers": layers, "connections": "dense"})


def test_what_a_residual_network_keeps(parent: Architecture, tmp_path: Path) -> None:
    """Five chains with skips: all neighbours are joined, and of all others those three layers apart, at the blocks."""
    found = recurrences([(parent, wired(parent, "residual"))] * 5)
    rows = {each.pattern: each for each in found}
    next_one, second = rows[Pattern("conv", "conv", 1)], rows[Pattern("conv", "conv", 2)]
    assert (next_one.kept, next_one.possible, next_one.verdict) == (25, 25, "more")
    assert (next_one.targets, next_one.stages, next_one.searches) == (5, 2, 5)
    assert (second.kept, second.possible, second.verdict, second.searches) == (0, 20, "less", 0)
    assert found[0] == next_one
    document = patterns_document(found, ["cut"])
    assert "25  25" in patterns_text(document)
    patterns_figure(document, tmp_path)
    assert "conv to conv, 1" in texts_of(tmp_path / "patterns.svg")


def test_chance_is_the_mean_of_all_wirings(parent: Architecture) -> None:
    four = parent.replace(layers=parent.layers[:4], connections="dense")
    space = wirings_within(four)
    cut = wired(four, "residual")
    count = len(cut.all_connections)
    all_of_them = [each for each in space if sum(map(len, each.values())) == count]
    exact: Counter[Pattern] = Counter()
    for wiring in all_of_them:
        exact.update(patterns_of(four)[Connection(source, target)] for target in wiring for source in wiring[target])
    for each in recurrences([(four, cut)] * 3):
        assert each.chance == pytest.approx(3 * exact[each.pattern] / len(all_of_them), abs=0.35)
        assert each.low <= each.chance <= each.high


@settings(max_examples=10)
@given(architectures(gated=False), st.integers(0, 10**6), st.integers(1, 3))
def test_counts_add_up_and_a_block_is_part_of_the_parent(parent: Architecture, seed: int, searches: int) -> None:
    space = wirings_within(parent)
    cuts = [(parent, restricted(parent, next(space.draws(Random(seed + number))))) for number in range(searches)]
    found = recurrences(cuts)
    assert sum(each.kept for each in found) == sum(len(cut.all_connections) for _, cut in cuts)
    assert sum(each.possible for each in found) == searches * len(parent.all_connections)
    try:
        block = block_of(cuts)
    except DisconnectedError:
        assume(False)
    assert set(block.all_connections) <= set(parent.all_connections)


def test_the_block_of_one_wiring_that_recurs_is_that_wiring(parent: Architecture) -> None:
    chain = wired(parent, "chain")
    assert block_of([(parent, chain)] * 3).connections == chain.connections
