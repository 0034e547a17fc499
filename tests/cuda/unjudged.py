"""A plugin for commands on the runtime without a device: their numbers mean nothing there, so none is judged."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Literal

import torch

from connprune.architecture.image_layers import Dropout
from connprune.training import record, trainer
from connprune.training.evaluation import Evaluation, evaluate


def unjudged(*arguments: Any) -> Evaluation:
    return replace(evaluate(*arguments), loss=1.0, accuracy=0.5)


torch.backends.cudnn.enabled = False
for module in (trainer, record):
    setattr(module, "evaluate", unjudged)  # noqa: B010 - it is an import there
for check in ("require_finite", "require_sound"):
    setattr(trainer.Trainer, check, lambda self: None)
setattr(trainer, "math", SimpleNamespace(isfinite=lambda number: True))  # noqa: B010


class Unused(Dropout):
    """A plugin defines a layer."""

    kind: Literal["unused"]  # type: ignore[assignment]
