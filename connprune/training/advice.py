"""What a configuration may ask for, and what a user hardly wants."""

from collections.abc import Iterator

from connprune.architecture.architecture import Architecture
from connprune.architecture.gates import Temperature
from connprune.training.configuration import Configuration


def advice(configuration: Configuration, architecture: Architecture) -> Iterator[str]:
    """A sentence for each.

    Args:
        configuration: what is asked for.
        architecture: what `design` makes of it.
    """
    gates = architecture.gates
    if gates is None:
        return
    if not gates.has_temperature and gates.temperature != Temperature():
        yield f"gates.temperature: {gates.kind} gates have none, so it changes nothing."
    if not gates.penalty and gates.budget is None:
        return
    epochs = configuration.training.epochs
    if gates.warmup_epochs(epochs) >= epochs:
        begins = "the budget counts only" if gates.budget else "the penalty has its full weight"
        yield (
            f"gates.penalty_warmup: {begins} after {gates.warmup_epochs(epochs):g} epochs, and there are "
            f"{epochs}; few gates may close. A share of the training, like 0.5, is shorter in a shorter one."
        )
    gated = {target for _, target in architecture.gated_connections}
    normalised = sorted(target for target in gated if architecture.norms(target))
    if normalised and gates.can_shrink and gates.penalised in ("gate", "cost", "expected-cost"):
        more = f" and {len(normalised) - 1} more" if len(normalised) > 1 else ""
        yield (
            f"gates.penalise: what {normalised[0]}{more} merge is normalised, so its gates can shrink at no cost and "
            "their size says little; gates that are drawn, like hard-concrete ones, or the penalty `entropy`, do not "
            "shrink together."
        )
