"""Shares of a count are taken as they are written, by whoever rounds them."""

import math
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connprune.architecture import Architecture
from connprune.architecture.gates import Gates
from connprune.architecture.shares import at_least, at_most
from connprune.training.penalty_schedule import PenaltySchedule


@given(st.decimals(0, 1, places=3), st.integers(0, 10_000))
def test_a_share_is_taken_as_it_is_written(share: Decimal, count: int) -> None:
    exact = Fraction(share) * count
    for written in (float(share), Fraction(share)):
        assert (at_most(written, count), at_least(written, count)) == (math.floor(exact), math.ceil(exact))


def test_what_a_squeeze_gives(digits: Architecture) -> None:
    """0.07 · 100 is more than 7 in binary."""
    squeezed = digits.replace(merge={"aggregate": "squeeze", "share": 0.07})
    read = sum(squeezed.read[connection].maps for connection in squeezed.all_connections if connection.target == "head")
    assert squeezed.shapes.merged["head"].feature_maps == math.ceil(Fraction("0.07") * read)
    directions = PenaltySchedule(Gates(penalty=0.1, target_sparsity=0.07), 10).directions(9, [0.9] * 100)
    assert directions.count(1.0) == 7


@pytest.mark.parametrize("override", [{"interpolation": "nearest"}, {"resize": "pad"}, {"size": [4, 4]}])
def test_an_override_of_the_first_target_leaves_its_input_unmixed(
    digits: Architecture, override: dict[str, object]
) -> None:
    squeezed = digits.replace(merge={"aggregate": "squeeze"}, merges={"conv1": override})
    assert squeezed.merge_of("conv1").aggregate == "concat"
    assert squeezed.shapes.merged["conv1"].feature_maps == 1
    asked = digits.replace(merge={"aggregate": "squeeze"}, merges={"conv1": {"aggregate": "squeeze"}})
    assert asked.merge_of("conv1").aggregate == "squeeze"


def test_an_override_with_a_share_does_not_inherit_a_number_of_feature_maps(digits: Architecture) -> None:
    merge = {"aggregate": "squeeze", "feature_maps": 3}
    squeezed = digits.replace(merge=merge, merges={"head": {"share": 1.0}, "pool1": {"share": 0.5, "feature_maps": 2}})
    read = sum(squeezed.read[connection].maps for connection in squeezed.all_connections if connection.target == "head")
    assert squeezed.shapes.merged["head"].feature_maps == read
    assert squeezed.shapes.merged["pool1"].feature_maps == 2
    assert squeezed.shapes.merged["conv2"].feature_maps == 3
