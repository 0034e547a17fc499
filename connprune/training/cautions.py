"""What a configuration may ask for, and what a user hardly wants."""

from collections.abc import Iterator

from connprune.architecture.architecture import Architecture
from connprune.training.configuration import Configuration


def cautions(configuration: Configuration, architecture: Architecture) -> Iterator[str]:
    """A sentence for each.

    Args:
        configuration: what is asked for.
        architecture: what `design` makes of it.
    """
    gates = architecture.gates
    if gates is None or not gates.penalty:
        return
    epochs = configuration.training.epochs
    if gates.penalty_warmup >= epochs:
        yield (
            f"gates.penalty_warmup: the penalty has its full weight after {gates.penalty_warmup} epochs, and there are "
            f"{epochs}; few gates may close."
        )
    gated = {target for _, target in architecture.gated_connections}
    normalised = sorted(gated & {layer.name for layer in architecture.layers if layer.kind == "batch-norm"})
    if normalised and gates.kind != "hard-concrete" and gates.penalised in ("gate", "cost"):
        more = f" and {len(normalised) - 1} more" if len(normalised) > 1 else ""
        yield (
            f"gates.penalise: what {normalised[0]}{more} merge is normalised, so its gates can shrink at no cost and "
            "their size says little; hard-concrete gates, or the penalty `entropy`, do not shrink together."
        )
