"""How wide and how deep a block may grow: the width, and the number of copies, that meet a budget."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from math import isqrt

from connprune.architecture.architecture import Architecture
from connprune.architecture.growing import grown
from connprune.architecture.growth import Growth
from connprune.architecture.shapes import mac_count, parameter_count
from connprune.errors import UsageError
from connprune.limits import LAYERS

# Widths are multiples of one part of so many.
_PARTS = 1024
# No network of the smallest width that there is needs more.
_WIDEST = 2**20


@dataclass(frozen=True)
class Most:
    """What a network may cost at most.

    Attributes:
        parameters: None is any number.
        macs: multiply-accumulates per image; None is any number.
    """

    parameters: int | None = None
    macs: int | None = None

    def allows(self, architecture: Architecture) -> bool:
        """Whether it costs no more."""
        return (self.parameters is None or parameter_count(architecture) <= self.parameters) and (
            self.macs is None or mac_count(architecture) <= self.macs
        )

    def __str__(self) -> str:
        said = {"parameters": self.parameters, "MACs": self.macs}
        return " and ".join(f"at most {count:,} {name}" for name, count in said.items() if count is not None)


def fitted(block: Architecture, growth: Growth, most: Most) -> Growth:
    """As `widest`.

    Raises:
        UsageError: as `widest` does; or no width meets the budget.
    """
    chosen = widest(block, growth, most)
    if chosen is None:
        raise _refusal(block, growth, most)
    return chosen


def widest(block: Architecture, growth: Growth, most: Most) -> Growth | None:
    """The growth with the largest width, in steps of 1/1024, at which the network costs no more.

    Args:
        block: what is repeated.
        growth: how; its width does not matter.
        most: what the network may cost.

    Returns:
        None if it costs more at any width.

    """
    parts = _last(lambda parts: (network := _of_width(block, growth, parts)) is not None and most.allows(network))
    return replace(growth, width=Fraction(parts, _PARTS)) if parts else None


def of_macs(block: Architecture, growth: Growth, macs: int) -> Growth:
    """The growth with the width, in steps of 1/1024, at which the MACs are nearest to a number.

    Args:
        block: what is repeated.
        growth: how; its width does not matter.
        macs: multiply-accumulates per image.

    Raises:
        UsageError: as `grown` does.
    """
    below = widest(block, growth, Most(macs=macs))
    above = replace(growth, width=(below.width if below else 0) + Fraction(1, _PARTS))
    near = [each for each in (below, above) if each is not None]
    return min(near, key=lambda each: abs(mac_count(grown(block, each)) - macs))


def balanced(block: Architecture, growth: Growth, most: Most) -> Growth:
    """The growth whose copies and width are balanced within a budget, from one copy for each stage on.

    Copies for each stage are about as many as the square of the width, so costs are spent on depth and on width alike,
    as Tan, Le 2019 ("EfficientNet") found best: with 1.2 times the layers 1.1 times the width. Of the numbers of copies
    that leave the width no smaller than that it is the largest, and the width is the largest within the budget.

    Args:
        block: what is repeated.
        growth: how; copies and width do not matter.
        most: what the network may cost.

    Raises:
        UsageError: as `grown` does; or one copy of the smallest width costs more.
    """
    stages = growth.stages or growth.usual_stages

    def fits(more: int) -> bool:
        """Whether so many copies more than stages fit, at the least width that they may have."""
        repeat = stages + more
        if repeat * len(block.layers) > LAYERS.most:
            return False
        parts = isqrt(_PARTS**2 * repeat // stages) + 1
        network = _of_width(block, replace(growth, repeat=repeat), parts)
        return network is not None and most.allows(network)

    return fitted(block, replace(growth, repeat=stages + _last(fits)), most)


def _refusal(block: Architecture, growth: Growth, most: Most) -> UsageError:
    """What to raise where no width meets a budget."""
    smallest = grown(block, replace(growth, width=Fraction(1, _PARTS)))
    copies = f"{growth.repeat} {'copy' if growth.repeat == 1 else 'copies'}"
    return UsageError(
        f"found {most}, but {copies} of the smallest width cost {parameter_count(smallest):,} parameters and "
        f"{mac_count(smallest):,} MACs; allow more, or have fewer copies or smaller images."
    )


def _of_width(block: Architecture, growth: Growth, parts: int) -> Architecture | None:
    """The network of a width in parts; None if there is none, as beyond a limit."""
    try:
        return grown(block, replace(growth, width=Fraction(parts, _PARTS)))
    except UsageError:
        return None


def _last(fits: Callable[[int], bool]) -> int:
    """The largest number of parts that fits, where all smaller ones do; 0 if none does."""
    low, high = 0, 1
    while high <= _WIDEST and fits(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if fits(middle):
            low = middle
        else:
            high = middle
    return low
