"""How a layer's feature maps hang together, so that a cut can follow them through it."""

from collections.abc import Collection
from math import lcm
from typing import NamedTuple


class Blocks(NamedTuple):
    """Feature maps that stay or go together, in the input and in the output of a layer.

    Attributes:
        reads: how many feature maps of the input make a block; it is of no use without one of them, so it goes with the
            first that a cut removes.
        gives: how many of the output make a block; it stays as long as one of them is read.
        linked: whether the n-th block of the output is made of the n-th block of the input and of nothing else; if not,
            each is made of the whole input.
    """

    reads: int = 1
    gives: int = 1
    linked: bool = False

    def complete(self, numbers: Collection[int]) -> set[int]:
        """Those feature maps of the input whose blocks lack none."""
        if self.reads == 1:
            return set(numbers)
        counts: dict[int, int] = {}
        for number in numbers:
            counts[number // self.reads] = counts.get(number // self.reads, 0) + 1
        return {number for number in numbers if counts[number // self.reads] == self.reads}

    def made_of(self, numbers: Collection[int], outputs: int) -> set[int]:
        """The feature maps of the output, of which there are so many, that can be made of these of the input."""
        if not self.linked:
            return set(range(outputs)) if numbers else set()
        return _blocks(numbers, self.reads, self.gives)

    def whole(self, numbers: Collection[int]) -> set[int]:
        """The blocks of the output that these are in."""
        return _blocks(numbers, self.gives, self.gives)

    def needed_for(self, numbers: Collection[int], inputs: int) -> set[int]:
        """The feature maps of the input, of which there are so many, that these of the output are made of."""
        if not self.linked:
            return set(range(inputs)) if numbers else set()
        return _blocks(numbers, self.gives, self.reads)


def normalised(blocks: Blocks, before: int = 1, after: int = 1) -> Blocks:
    """The blocks of a layer some of whose feature maps are normalised together.

    Args:
        blocks: what they are without that.
        before: how many of the input are normalised together.
        after: how many of the output are.
    """
    reads, gives = lcm(blocks.reads, before), lcm(blocks.gives, after)
    if not blocks.linked:
        return Blocks(reads, gives)
    times = lcm(reads // blocks.reads, gives // blocks.gives)
    return Blocks(blocks.reads * times, blocks.gives * times, linked=True)


def _blocks(numbers: Collection[int], before: int, after: int) -> set[int]:
    """All numbers of the blocks, of so many after, whose blocks of so many before have one of these numbers."""
    if before == after == 1:
        return set(numbers)
    return {block * after + number for block in {number // before for number in numbers} for number in range(after)}
