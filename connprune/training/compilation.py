"""A training step whose network torch has compiled."""

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn

from connprune.data.batches import Draws
from connprune.training.step import TrainingStep


class CompiledStep:
    """Does what a step does, up to rounding, with the network's passes compiled, and with the same random numbers.

    That it cannot be compiled shows in the first step, which is then taken as it is, and so are all others.

    Args:
        step: its network is replaced by the compiled one.
        warn: is told once, in a sentence, if it cannot be compiled.
    """

    def __init__(self, step: TrainingStep, warn: Callable[[str], None]) -> None:
        self._step = step
        self._plain = step.network
        self._warn = warn
        # Batches have two sizes, each compiled for itself. Random numbers come from torch's own operations, not from
        # compiled ones that draw others.
        compiled = torch.compile(step.network, dynamic=False, options={"fallback_random": True})
        step.network = cast("nn.Module", compiled)

    def __call__(self, draws: Draws, coefficient: Tensor) -> None:
        """One step; the arguments are the step's own."""
        try:
            self._step(draws, coefficient)
        except Exception as error:
            # What torch cannot compile shows as its own exceptions or as Python's, so it is the plain step that tells.
            if self._step.network is self._plain:
                raise
            self._step.network = self._plain
            self._step(draws, coefficient)
            reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
            self._warn(f"training.compile: the network cannot be compiled, so steps are taken as they are ({reason})")
