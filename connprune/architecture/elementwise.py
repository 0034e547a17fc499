"""The aggregates that go feature map by feature map; inputs with fewer of them are filled up with zeros."""

from collections.abc import Sequence

from connprune.architecture.aggregates import Aggregate, register


@register
class Sum(Aggregate):
    """Added up, feature map by feature map, inputs with fewer of them filled up with zeros."""

    name = "sum"
    module = "connprune.network.elementwise:Sum"


@register
class Maximum(Aggregate):
    """The largest, feature map by feature map, inputs with fewer of them filled up with zeros."""

    name = "max"
    module = "connprune.network.elementwise:Maximum"


@register
class Mean(Aggregate):
    """As `sum`, divided by the `denominator`, or else by the number of connections into the target."""

    name = "mean"
    module = "connprune.network.elementwise:Mean"
    keys = frozenset({"denominator"})

    def denominator(self, connections: int) -> int:
        """What the sum of so many inputs is divided by, for every feature map."""
        return self.merge.denominator or connections

    def after_cut(self, before: Sequence[int], left: Sequence[int], merged: int) -> dict[str, int]:
        # An input behind a gate at 0 counts, so it goes on counting when it is cut.
        denominator = self.denominator(len(before))
        return {} if self.denominator(len(left)) == denominator else {"denominator": denominator}
