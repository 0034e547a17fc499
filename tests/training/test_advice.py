"""What a user is told of a configuration that does not do what it seems to."""

import pytest

from connprune.training.advice import advice_on_extending
from connprune.training.configuration import resolve

PLAIN = ("training.schedule={kind: constant}", "gates.penalty_warmup=2", "gates.temperature={start: 1.0, end: 1.0}")


@pytest.mark.parametrize(
    ("assignment", "named"),
    [
        ("training.schedule={kind: constant}", None),
        ("training.schedule={kind: plateau}", None),
        ("training.schedule={kind: step, milestones: [2, 4]}", None),
        ("training.schedule={kind: constant, warmup: 3}", None),
        ("training.schedule={kind: cosine}", "training.schedule"),
        ("training.schedule={kind: step}", "training.schedule"),
        ("training.schedule={kind: constant, warmup: 0.5}", "training.schedule"),
        ("gates.penalty_warmup=0.5", "gates.penalty_warmup"),
        ("gates.temperature={start: 1.0, end: 0.2}", "gates.temperature"),
        ("gates.target_sparsity=0.5", "gates.target_sparsity"),
    ],
)
def test_what_is_spread_over_the_epochs_is_named_when_they_become_more(assignment: str, named: str | None) -> None:
    short, long = (
        resolve("digits", assignments=[*PLAIN, f"training.epochs={epochs}", assignment]) for epochs in (6, 12)
    )
    told = advice_on_extending(short, long)
    assert (told is None) == (named is None)
    assert told is None or f"6 became 12, over which {named} is spread" in told
    assert advice_on_extending(short, short) is None
