"""Widths times one factor: what follows from them stays consistent, and the count comes as near as it can."""

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from connprune.architecture import Architecture
from connprune.architecture.merging import Selection
from connprune.architecture.shapes import mac_count, parameter_count
from connprune.architecture.widths import Scaling
from tests.strategies import architectures

COUNTS = st.sampled_from([parameter_count, mac_count])


def widths(architecture: Architecture) -> list[int]:
    """Every width that a factor applies to."""
    layers: list[int | None] = [getattr(layer, "feature_maps", None) for layer in architecture.layers]
    squeezes = [
        architecture.shapes.merged[target].feature_maps
        for target in architecture.connections
        if architecture.merge_of(target).aggregate == "squeeze"
    ]
    return [width for width in (*layers, *squeezes, *architecture.head.hidden) if width is not None]


@given(architectures(gated=False), st.fractions(Fraction(1, 20), 5))
def test_widths_are_the_nearest_whole_ones_that_groups_divide(parent: Architecture, factor: Fraction) -> None:
    scaling = Scaling(parent)
    try:
        found = scaling.by(factor)
    except ValidationError:
        # A maximum may now come from another source, and so to a width that groups do not divide; or a normalisation
        # is left with a single value.
        assert any(parent.norms(target) for target in parent.connections) or scaling.step > 1
        return
    assert (found.connections, found.merge, found.input) == (parent.connections, parent.merge, parent.input)
    assert [layer.name for layer in found.layers] == [layer.name for layer in parent.layers]
    for before, after in zip(widths(parent), widths(found), strict=True):
        assert after >= 1
        assert abs(after - max(Fraction(1), factor * before)) <= max(scaling.step - 1, 0.5)


@given(architectures(gated=False))
def test_the_factor_one_changes_nothing_that_counts(parent: Architecture) -> None:
    found = Scaling(parent).by(Fraction(1))
    assert (found.layers, found.head, found.shapes) == (parent.layers, parent.head, parent.shapes)
    assert (parameter_count(found), mac_count(found)) == (parameter_count(parent), mac_count(parent))


@given(architectures(gated=False), st.fractions(Fraction(1, 10), 3), COUNTS)
def test_a_count_that_some_widths_have_is_met(parent, factor, count) -> None:  # type: ignore[no-untyped-def]
    scaling = Scaling(parent)
    try:
        wanted = count(scaling.by(factor))
    except ValidationError:
        assume(False)
    found = scaling.to(wanted, count)
    assert found is not None
    assert scaling.step > 1 or count(found) == wanted


@given(architectures(gated=False), st.integers(1, 20_000), COUNTS, st.fractions(Fraction(1, 20), 8))
def test_no_factor_comes_nearer(parent, wanted, count, other) -> None:  # type: ignore[no-untyped-def]
    scaling = Scaling(parent)
    assume(scaling.step == 1)
    found = scaling.to(wanted, count)
    assert found is not None
    try:
        beside = scaling.by(other)
    except ValidationError:
        return
    assert abs(count(found) - wanted) <= abs(count(beside) - wanted)


def test_groups_keep_dividing_what_they_divide() -> None:
    parent = Architecture.model_validate(
        {
            "input": {"feature_maps": 8, "height": 8, "width": 8},
            "classes": 2,
            "layers": [
                {"kind": "conv", "feature_maps": 24, "norm": {"kind": "group", "group_size": 6}},
                {"kind": "max-pool"},
                {"kind": "depthwise-conv"},
                {"kind": "conv", "feature_maps": 16, "groups": 4},
            ],
            "connections": "chain",
            "head": {"hidden": [10]},
        }
    )
    found = Scaling(parent).to(parameter_count(parent) * 3, parameter_count)
    assert found is not None
    first, second = widths(found)[:2]
    assert (first % 12, second % 12) == (0, 16 % 12)
    assert abs(parameter_count(found) / parameter_count(parent) - 3) < 0.5


def test_widths_that_a_selection_names_cannot_be_others() -> None:
    parent = Architecture.model_validate(
        {
            "input": {"feature_maps": 3, "height": 4, "width": 4},
            "classes": 2,
            "layers": [{"kind": "conv", "feature_maps": 4}],
            "connections": "chain",
            "selections": {"head": {"conv1": Selection(take=(0, 2))}},
        }
    )
    with pytest.raises(ValueError, match="which feature maps they carry"):
        Scaling(parent)
