"""What a configuration may ask for, and what a user hardly wants."""

from collections.abc import Iterator

from connprune.architecture.architecture import Architecture
from connprune.architecture.gates import Temperature, epochs_of
from connprune.training.configuration import Configuration
from connprune.training.schedules import Plateau, Schedule


def advice(configuration: Configuration, architecture: Architecture) -> Iterator[str]:
    """A sentence for each.

    Args:
        configuration: what is asked for.
        architecture: what `design` makes of it.
    """
    gates = architecture.gates
    if gates is None:
        return
    if not gates.kind_class.has_temperature and gates.temperature != Temperature():
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
    if normalised and gates.kind_class.can_shrink and gates.penalised in ("gate", "cost", "expected-cost"):
        more = f" and {len(normalised) - 1} more" if len(normalised) > 1 else ""
        yield (
            f"gates.penalise: what {normalised[0]}{more} merge is normalised, so its gates can shrink at no cost and "
            "their size says little; gates that are drawn, like hard-concrete ones, or the penalty `entropy`, do not "
            "shrink together."
        )


def advice_on_extending(before: Configuration, after: Configuration) -> str | None:
    """What makes a training that is extended another than one that was as long from its start; None if nothing does.

    Args:
        before: as it began.
        after: as it goes on, with the same epochs or more.
    """
    epochs, longer = before.training.epochs, after.training.epochs
    spread = ["training.schedule"] if _is_spread(after.training.schedule, epochs, longer) else []
    gates = after.gates
    if gates is not None:
        if gates.kind_class.has_temperature and gates.temperature.start != gates.temperature.end:
            spread.append("gates.temperature")
        if gates.warmup_epochs(epochs) != gates.warmup_epochs(longer):
            spread.append("gates.penalty_warmup")
        spread += [f"gates.{key}" for key in ("target_sparsity", "budget") if getattr(gates, key) is not None]
    if longer == epochs or not spread:
        return None
    return (
        f"training.epochs: {epochs} became {longer}, over which {', '.join(spread)} "
        f"{'is' if len(spread) == 1 else 'are'} spread, so what they stand for goes back to where a training of "
        f"{longer} epochs has it; the result is not that of one."
    )


def _is_spread(schedule: Schedule, epochs: int, longer: int) -> bool:
    """Whether the rates of the same epoch differ between a shorter training and a longer one."""
    if epochs_of(schedule.warmup, epochs) != epochs_of(schedule.warmup, longer):
        return True
    if isinstance(schedule, Plateau):
        return False
    return any(schedule.multiplier(done, epochs) != schedule.multiplier(done, longer) for done in range(epochs + 1))
