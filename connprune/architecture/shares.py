"""Shares of a count as whole numbers; a share is taken as it is written, so that 0.07 of 100 is 7."""

import math
from fractions import Fraction
from numbers import Rational


def at_most(share: float | Rational, count: int) -> int:
    """The largest whole number within the share of the count."""
    return math.floor(Fraction(str(share)) * count)


def at_least(share: float | Rational, count: int) -> int:
    """The smallest whole number that is not less than the share of the count."""
    return math.ceil(Fraction(str(share)) * count)
