"""Merges, ways to resize, kinds of gates and their sharings, in combination."""

from itertools import product

import pytest
from _pytest.mark import ParameterSet

from tests.strategies import AGGREGATES, INTERPOLATIONS

KINDS = ("sigmoid", "linear", "hard-concrete")
SHARINGS = ("shared", "per-feature-map")
RESIZES = (*INTERPOLATIONS, "pad")


def combinations() -> list[ParameterSet]:
    """All of them; the fast ones meet every pair of a merge and a resize, and every other pair as well."""
    found = []
    for places in product(*(range(len(values)) for values in (AGGREGATES, RESIZES, KINDS, SHARINGS))):
        aggregate, resize, kind, sharing = places
        fast = kind == (aggregate + resize) % len(KINDS) and sharing == (aggregate + resize // 2) % len(SHARINGS)
        values = (AGGREGATES[aggregate], RESIZES[resize], KINDS[kind], SHARINGS[sharing])
        found.append(pytest.param(*values, marks=[] if fast else pytest.mark.slow))
    return found
