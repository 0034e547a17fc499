"""The pressure on the gates: λ, its warm-up, and its steering towards a target."""

from typing import Any

from connprune.architecture.base import CLOSED
from connprune.architecture.gates import Gates

# λ is multiplied or divided by this after each epoch that misses or meets the target.
_STEP = 1.15
# Until this share of the training a gate below a tenth counts as on its way to closing, then only a closed one does.
_LENIENT_UNTIL, _LENIENT = 0.6, 0.1


class Pressure:
    """λ over a training.

    Args:
        gates: the settings; None is a network without gates.
        epochs: how many the training has.

    Attributes:
        strength: λ after the warm-up, as the steering has made it.
    """

    def __init__(self, gates: Gates | None, epochs: int) -> None:
        self.gates = gates
        self.epochs = epochs
        self.strength = gates.penalty if gates else 0.0

    def weight(self, done: float) -> float:
        """λ after so many epochs, fractions included: it grows linearly over the warm-up."""
        warmup = self.gates.penalty_warmup if self.gates else 0
        return self.strength * (min(1.0, done / warmup) if warmup else 1.0)

    def mark(self, done: int) -> float:
        """Below this a gate counts towards the target after so many epochs."""
        return _LENIENT if done < _LENIENT_UNTIL * self.epochs else CLOSED

    def after_epoch(self, done: int, low: float) -> None:
        """Steers λ: up while too few gates are low, down while too many are.

        Args:
            done: how many epochs are done.
            low: the share of connections whose gate is below `mark(done)`.
        """
        if self.gates is None or self.gates.target_sparsity is None or done < self.gates.penalty_warmup:
            return
        self.strength *= _STEP if low < self.gates.target_sparsity else 1 / _STEP

    def state_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        return {"strength": self.strength}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes back what `state_dict` gave."""
        self.strength = state["strength"]
