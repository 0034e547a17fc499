"""An architecture with other widths: those of all its layers times one factor, chosen for what it may cost."""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cached_property
from math import floor, inf, lcm

from pydantic import ValidationError

from connprune.architecture.architecture import Architecture
from connprune.architecture.merging import MergeOverride


class Scaling:
    """What an architecture becomes when the widths of its layers are multiplied by a factor.

    Widths are the feature maps of the layers and of the merges that set how many they give, and the hidden layers of
    the head. Layers that follow what they read, like poolings, still do. Where feature maps come in groups, a width
    changes by whole multiples of them, so that the groups still divide whatever they divided.

    Args:
        architecture: what is scaled; no connection of it may state which of its source's feature maps it carries, since
            other widths do not have the same ones.

    Raises:
        ValueError: one does.
    """

    def __init__(self, architecture: Architecture) -> None:
        if architecture.selections:
            raise ValueError("some connections state which feature maps they carry, and other widths have others")
        self.architecture = architecture

    @cached_property
    def step(self) -> int:
        """What the widths of layers and merges change by multiples of."""
        return step_of(self.architecture)

    @cached_property
    def _layers(self) -> dict[str, int]:
        widths = {layer.name: getattr(layer, "feature_maps", None) for layer in self.architecture.layers}
        return {name: width for name, width in widths.items() if width is not None}

    @cached_property
    def _merges(self) -> dict[str, int]:
        targets = self.architecture.connections
        choosing = [name for name in targets if "feature_maps" in self.architecture.aggregate[name].keys]
        return {name: self.architecture.shapes.merged[name].feature_maps for name in choosing}

    def by(self, factor: Fraction) -> Architecture:
        """The architecture with every width times a factor, to the nearest that there is and at least the smallest.

        Raises:
            pydantic.ValidationError: its shapes do not fit, or are beyond a limit.
        """
        found = self.architecture
        merges = {
            name: found.merges.get(name, MergeOverride()).model_copy(
                update={"feature_maps": _scaled(width, factor, self.step)}
            )
            for name, width in self._merges.items()
        }
        layers = (
            layer.model_copy(update={"feature_maps": _scaled(self._layers[layer.name], factor, self.step)})
            if layer.name in self._layers
            else layer
            for layer in found.layers
        )
        hidden = tuple(_scaled(width, factor) for width in found.head.hidden)
        return found.replace(
            layers=tuple(layers),
            merges={**found.merges, **merges},
            head=found.head.model_copy(update={"hidden": hidden}),
        )

    def to(self, wanted: int, count: Callable[[Architecture], int]) -> Architecture | None:
        """The architecture whose count is nearest to the wanted one; of two that are as near, the smaller.

        Args:
            wanted: the count.
            count: what is counted, which grows with the widths.

        Returns:
            None if it fits no shapes at any of the widths that were tried.
        """
        made: dict[Fraction, Architecture | None] = {}

        def cost(factor: Fraction) -> float:
            if factor not in made:
                try:
                    made[factor] = self.by(factor)
                except ValidationError:
                    made[factor] = None
            found = made[factor]
            if found is None:
                # Widths that fit no shapes are too small or too large.
                return -inf if factor < 1 else inf
            return count(found)

        high = Fraction(1)
        while self._widths and cost(high) <= wanted:
            high *= 2
        low = high / 2
        while low >= self._smallest and cost(low) > wanted:
            low /= 2
        factors = sorted({low, *self._changes(low, high)})
        first_above = bisect_right(factors, float(wanted), key=cost)
        near = factors[max(0, first_above - 1) : first_above + 1]
        return made[min(near, key=lambda factor: abs(cost(factor) - wanted))]

    @cached_property
    def _widths(self) -> set[tuple[int, int]]:
        """Each width with what it changes by multiples of."""
        maps = {(width, self.step) for width in (*self._layers.values(), *self._merges.values())}
        return maps | {(width, 1) for width in self.architecture.head.hidden}

    @property
    def _smallest(self) -> Fraction:
        """Below this factor no width becomes smaller any more."""
        return Fraction(1, 2 * max((width for width, _ in self._widths), default=1))

    def _changes(self, low: Fraction, high: Fraction) -> Iterator[Fraction]:
        """The factors above `low` and up to `high` at which a width becomes another one."""
        for width, step in self._widths:
            first, last = (floor((factor - 1) * width / step + Fraction(1, 2)) for factor in (low, high))
            for times in range(first + 1, last + 1):
                yield 1 + Fraction((2 * times - 1) * step, 2 * width)


def step_of(architecture: Architecture) -> int:
    """What divides all widths that suit the layers and normalisations of an architecture in any wiring."""
    norms = (norm for target in architecture.connections for norm, _ in architecture.norms(target))
    layers = (layer.divisor() for layer in architecture.layers)
    return lcm(*layers, *(norm.group_size or 1 for norm in norms))


def _scaled(width: int, factor: Fraction, step: int = 1) -> int:
    """The number nearest to a width times a factor that is the width and some multiple of the step; at least 1."""
    smallest = (width - 1) % step + 1
    return max(smallest, width + step * floor((factor - 1) * width / step + Fraction(1, 2)))
