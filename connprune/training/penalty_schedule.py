"""The schedule of the penalty on the gates: λ, its warm-up, and its control towards a target."""

from collections.abc import Sequence

from connprune.architecture.gates import Gates
from connprune.architecture.shares import at_least

# With a target, all gates are penalised alike until this share of the training, so that they can show which the network
# needs least; from then on only these are penalised.
_ALL_UNTIL = 0.4
# If too few gates are closed after each of the epochs that are left, λ grows by this factor over all of them: so a
# short training raises it as far as a long one.
_GROWTH = 1000.0
_HALF_OPEN = 0.5
# How far from the target is near enough.
TOLERANCE = 0.05


class PenaltySchedule:
    """λ over a training, and where the penalty moves each connection.

    Args:
        gates: the settings; None is a network without gates.
        epochs: how many the training has.

    Attributes:
        coefficient: λ after the warm-up, as the control has made it.
    """

    def __init__(self, gates: Gates | None, epochs: int) -> None:
        self.target = gates.target_sparsity if gates else None
        self.warmup = gates.warmup_epochs(epochs) if gates else 0
        self.epochs = epochs
        self.is_constraint = gates is not None and gates.budget is not None
        self.coefficient = 1.0 if self.is_constraint else gates.penalty if gates else 0.0

    def weight(self, done: float) -> float:
        """λ after so many epochs, fractions included: it grows linearly over the warm-up.

        A constraint has a λ of its own for each count; what it gets is whether the warm-up is over.
        """
        if self.is_constraint:
            return float(done >= self.warmup)
        return self.coefficient * (min(1.0, done / self.warmup) if self.warmup else 1.0)

    def directions(self, done: int, magnitudes: Sequence[float]) -> list[float]:
        """Where the penalty moves each connection in the next epoch: 1 is closed, -1 open, 0 nowhere.

        All are moved towards closed; with a target only as many as it asks for, and of the others those that are nearer
        to closed than to open are moved towards open, since a falling temperature would close them too.

        Args:
            done: how many epochs are done.
            magnitudes: of each connection's gate, of several the largest.
        """
        if self.target is None or done < _ALL_UNTIL * self.epochs:
            return [1.0] * len(magnitudes)
        lowest = sorted(range(len(magnitudes)), key=magnitudes.__getitem__)
        chosen = set(lowest[: at_least(self.target, len(magnitudes))])
        return [
            1.0 if number in chosen else -1.0 if magnitude < _HALF_OPEN else 0.0
            for number, magnitude in enumerate(magnitudes)
        ]

    def after_epoch(self, done: int, closed: float) -> None:
        """Raises λ while the target is not reached.

        Args:
            done: how many epochs are done.
            closed: the share of connections whose gate is closed.
        """
        if self.target is not None and done >= _ALL_UNTIL * self.epochs and closed < self.target:
            self.coefficient *= _GROWTH ** (1 / ((1 - _ALL_UNTIL) * self.epochs))

    def state_dict(self) -> dict[str, float]:
        """Plain values that JSON can hold."""
        return {"coefficient": self.coefficient}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Takes back what `state_dict` gave."""
        self.coefficient = state["coefficient"]
