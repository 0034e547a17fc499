"""Pieces of work that take turns in one process, each as if it were alone there."""

from collections.abc import Iterator, Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from connprune.errors import InterruptedRunError
from connprune.experiments.side_by_side import side_by_side
from connprune.training.turns import Turns, finished

CPU = torch.device("cpu")


def drawing(seed: int, steps: int) -> Turns[list[float]]:
    """Seeds and draws as a training does."""
    torch.manual_seed(seed)
    drawn = []
    for _ in range(steps):
        drawn.append(torch.rand(()).item())
        yield
    return drawn


@given(st.lists(st.tuples(st.integers(0, 2**31), st.integers(0, 5)), max_size=6), st.integers(1, 4), st.integers(1, 3))
def test_each_draws_what_it_draws_alone(work: Sequence[tuple[int, int]], at_once: int, steps: int) -> None:
    begun = ((number, drawing(*one)) for number, one in enumerate(work))
    before = torch.get_rng_state()
    results = dict(side_by_side(begun, at_once, CPU, steps))
    if at_once > 1:
        assert torch.get_rng_state().equal(before)
    assert results == {number: finished(drawing(*one)) for number, one in enumerate(work)}


class Asked:
    """Whether there was a request to stop, which trainings look for at each step."""

    def __init__(self, after: int) -> None:
        self.looks = after
        self.begun: list[str] = []
        self.closed: list[str] = []

    def work(self, names: str) -> Iterator[tuple[str, Turns[str]]]:
        for name in names:
            self.begun.append(name)
            yield name, self.training(name)

    def training(self, name: str) -> Turns[str]:
        try:
            for _ in range(3):
                self.looks -= 1
                if self.looks < 0:
                    raise InterruptedRunError(f"{name} is saved.", 15)
                yield
            return name
        except GeneratorExit:
            self.closed.append(name)
            raise


def test_all_that_are_under_way_are_interrupted_and_no_more_are_begun() -> None:
    asked = Asked(5)
    with pytest.raises(InterruptedRunError, match="c is saved"):
        list(side_by_side(asked.work("abcde"), 3, CPU, steps=1))
    assert (asked.begun, asked.looks, asked.closed) == (["a", "b", "c"], -3, [])


def failing() -> Turns[str]:
    yield
    raise ZeroDivisionError


def test_an_error_closes_the_others() -> None:
    asked = Asked(100)
    work = iter([*asked.work("ab"), ("failing", failing())])
    with pytest.raises(ZeroDivisionError):
        list(side_by_side(work, 3, CPU, steps=1))
    assert asked.closed == ["a", "b"]
