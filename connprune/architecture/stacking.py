"""The aggregates that put their inputs one behind the other."""

from collections.abc import Sequence

from connprune.architecture.aggregates import Aggregate, register
from connprune.architecture.base import Shape
from connprune.architecture.shares import at_least


@register
class Concatenate(Aggregate):
    """One behind the other along the feature maps."""

    name = "concat"
    module = "connprune.network.stacking:Concatenate"
    stacks = only_stacks = True


@register
class Squeeze(Aggregate):
    """One behind the other, and then a learned 1×1 convolution to `feature_maps` or a `share` of what it reads."""

    name = "squeeze"
    module = "connprune.network.stacking:Squeeze"
    keys = frozenset({"feature_maps"})
    stacks = mixes = True

    def merged_maps(self, maps: Sequence[int]) -> int:
        return self.merge.feature_maps or at_least(self.merge.share, sum(maps))

    def parameters(self, brought: int, merged: Shape) -> int:
        return brought * merged.feature_maps

    def macs(self, brought: int, merged: Shape) -> int:
        return brought * merged.numel

    def after_cut(self, before: Sequence[int], left: Sequence[int], merged: int) -> dict[str, int]:
        return {} if self.merged_maps(left) == merged else {"feature_maps": merged}
