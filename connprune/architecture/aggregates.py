"""What an aggregate is as data, and the registry in which a merge's `aggregate` in YAML is looked up.

An aggregate is two classes, as a layer is: one here, which says what becomes of shapes, counts and cuts and needs no
torch, and a torch module, which the first one names and which is imported when a network is built.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from connprune.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connprune.architecture.base import Shape
    from connprune.architecture.merging import Merge


class Aggregate:
    """How the inputs of a target, of one height and width, become one tensor.

    The first line of a subclass's docstring says so to users.

    Args:
        merge: the settings.
    """

    # What `aggregate` says in YAML.
    name: ClassVar[str]
    # Where the torch module is, as "package.module:Class"; called with the architecture and the target.
    module: ClassVar[str]
    # The keys of `merge` that are null for aggregates that do not name them here.
    keys: ClassVar[frozenset[str]] = frozenset()
    # Whether the inputs' feature maps stand one behind the other before anything else happens to them.
    stacks: ClassVar[bool] = False
    # Whether nothing else happens to them.
    only_stacks: ClassVar[bool] = False
    # Whether each feature map that it gives is made of all that it reads. The first layer does without such a merge.
    mixes: ClassVar[bool] = False

    def __init__(self, merge: Merge) -> None:
        self.merge = merge

    def merged_maps(self, maps: Sequence[int]) -> int:
        """The feature maps that it gives.

        Args:
            maps: how many each input brings; where inputs are not stacked, how far they reach.
        """
        return sum(maps) if self.stacks else max(maps)

    def parameters(self, brought: int, merged: Shape) -> int:
        """How many numbers it learns: linear in each of `brought` and `merged.feature_maps`.

        Args:
            brought: the feature maps of all inputs together.
            merged: what it gives.
        """
        return 0

    def macs(self, brought: int, merged: Shape) -> int:
        """Multiply-accumulates for one image, linear like `parameters`."""
        return 0

    def after_cut(self, before: Sequence[int], left: Sequence[int], merged: int) -> dict[str, int]:
        """The keys of `merge` that a cut sets, so that what is left is merged as it was.

        Args:
            before: how many feature maps each input brought.
            left: how many each one that is left brings.
            merged: how many feature maps the target still reads.
        """
        return {}


AGGREGATES: Registry[type[Aggregate]] = Registry(
    "aggregate", "connprune.merges", lambda aggregate: getattr(aggregate, "name", None), Aggregate
)
register = AGGREGATES.register
