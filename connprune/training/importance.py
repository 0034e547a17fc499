"""The importance criteria of a cut by their names. Nothing here imports torch."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from connprune import builtin
from connprune.registry import Registry

if TYPE_CHECKING:
    from torch import Tensor

    from connprune.training.criteria import Evidence

# Gives, in the order of the architecture's gated connections, the score of each one, or of each feature map of it.
Criterion = Callable[["Evidence"], "list[Tensor]"]


def _name(criterion: Criterion) -> str:
    return str(getattr(criterion, "__name__", "")).replace("_", "-")


CRITERIA: Registry[Criterion] = Registry("importance criterion", "connprune.criteria", _name, builtin=builtin.CRITERIA)
criterion = CRITERIA.register
