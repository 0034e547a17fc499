"""Baselines of the cut's cost, for any parent and any cut of it."""

from random import Random

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from connprune.architecture import Architecture, equal_cost
from connprune.architecture.baselines import Pair, wired, wirings_within
from connprune.architecture.cutting import restricted
from connprune.architecture.shapes import mac_count, parameter_count
from connprune.errors import NoBaselineError, UsageError
from tests.strategies import architectures


@st.composite
def contests(draw: st.DrawFn) -> Pair:
    parent = draw(architectures(gated=False))
    wiring = next(wirings_within(parent).draws(Random(draw(st.integers(0, 10**6)))))
    return Pair(parent, restricted(parent, wiring), draw(st.integers(0, 10)))


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(contests(), st.integers(1, 3))
def test_random_wirings_have_both_counts(monkeypatch: pytest.MonkeyPatch, pair: Pair, count: int) -> None:
    monkeypatch.setattr(equal_cost, "DRAWS", 10)
    try:
        found = equal_cost.random_cost(pair, count)
    except NoBaselineError:
        event("there are too few")
        return
    event("found")
    assert len(found) == count
    assert len({repr(each.connections) for each in (pair.cut, *found)}) == count + 1
    for each in found:
        assert set(each.all_connections) <= set(pair.parent.all_connections)
        for counted in (parameter_count, mac_count):
            assert abs(counted(each) - counted(pair.cut)) <= 0.03 * counted(pair.cut)
    assert equal_cost.random_cost(pair, count) == found


@settings(max_examples=25)
@given(contests(), st.sampled_from(["dense", "chain", "residual"]), st.sampled_from(["params", "macs"]))
def test_scaled_wirings_are_the_reference_ones_with_other_widths(pair: Pair, name: str, fitted: str) -> None:
    count = equal_cost.FITTED[fitted]
    try:
        whole = pair.parent if name == "dense" else wired(pair.parent, name)
        found = equal_cost.scaled(pair, name, fitted)
    except UsageError:
        return
    assert isinstance(found, Architecture)
    assert found.connections == whole.connections
    assert abs(count(found) - count(pair.cut)) <= abs(count(whole) - count(pair.cut))
