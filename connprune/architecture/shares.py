"""Shares of a count; as whole numbers they are taken as they are written, so that 0.07 of 100 is 7."""

import math
from fractions import Fraction
from numbers import Rational


def at_most(share: float | Rational, count: int) -> int:
    """The largest whole number within the share of the count."""
    return math.floor(Fraction(str(share)) * count)


def at_least(share: float | Rational, count: int) -> int:
    """The smallest whole number that is not less than the share of the count."""
    return math.ceil(Fraction(str(share)) * count)


def approached(whole: float, wanted: float, rounds: int) -> list[float]:
    """What is left after each of several rounds of which every one leaves the same share of what there was before it.

    So a network is pruned in Frankle, Carbin 2019: to a share p in n rounds by leaving p^(1/n) in each.

    Args:
        whole: what there is at first, above 0 unless `wanted` is at least as much.
        wanted: what is left in the end, exactly; where that is more than there is, it is so from the first round on.
        rounds: how many, from 1 upwards.
    """
    if wanted >= whole:
        return [wanted] * rounds
    return [*(whole * (wanted / whole) ** (number / rounds) for number in range(1, rounds)), wanted]
