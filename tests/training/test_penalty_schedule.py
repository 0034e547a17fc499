"""λ follows its warm-up and its target, whatever the gates do."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connprune.architecture.gates import Gates
from connprune.training.penalty_schedule import PenaltySchedule


def test_without_gates_there_is_no_penalty() -> None:
    schedule = PenaltySchedule(None, 10)
    assert schedule.weight(5) == 0
    assert schedule.directions(5, []) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.floats(0, 0.99), st.integers(0, 20))
def test_as_many_of_the_lowest_are_penalised_as_are_to_close(magnitudes: list[float], target: float, done: int) -> None:
    schedule = PenaltySchedule(Gates(penalty=0.1, target_sparsity=target), 20)
    directions = schedule.directions(done, magnitudes)
    if done < 8:
        assert directions == [1.0] * len(magnitudes)
        return
    assert directions.count(1.0) == math.ceil(target * len(magnitudes))
    held = [magnitude for magnitude, way in zip(magnitudes, directions, strict=True) if way == 1]
    free = [(magnitude, way) for magnitude, way in zip(magnitudes, directions, strict=True) if way != 1]
    assert max(held, default=0) <= min((magnitude for magnitude, _ in free), default=1)
    assert all((way == -1) == (magnitude < 0.5) for magnitude, way in free)


def test_the_coefficient_grows_only_while_too_few_are_closed() -> None:
    schedule = PenaltySchedule(Gates(penalty=0.1, target_sparsity=0.5), 20)
    schedule.after_epoch(3, 0.0)
    assert schedule.coefficient == 0.1
    schedule.after_epoch(10, 0.4)
    grown = schedule.coefficient
    assert grown > 0.1
    schedule.after_epoch(11, 0.5)
    assert schedule.coefficient == grown
    again = PenaltySchedule(Gates(penalty=0.1, target_sparsity=0.5), 20)
    again.load_state_dict(schedule.state_dict())
    assert again.weight(12) == schedule.weight(12)


@given(st.just(0.0) | st.floats(0.01, 0.99), st.integers(1, 500))
def test_a_share_warms_up_over_the_same_part_of_every_training(share: float, epochs: int) -> None:
    schedule = PenaltySchedule(Gates(penalty=0.1, penalty_warmup=share), epochs)
    assert schedule.weight(epochs) == pytest.approx(0.1)
    assert schedule.weight(share * epochs / 2) == pytest.approx(0.05 if share else 0.1)
    by_epochs = PenaltySchedule(Gates(penalty=0.1, penalty_warmup=7), epochs)
    assert by_epochs.weight(3.5) == pytest.approx(0.05)


@pytest.mark.parametrize("epochs", [5, 20, 100])
def test_lambda_can_grow_as_far_in_a_short_training(epochs: int) -> None:
    schedule = PenaltySchedule(Gates(penalty=0.1, target_sparsity=0.5), epochs)
    for done in range(1, epochs + 1):
        schedule.after_epoch(done, 0.0)
    assert 100 < schedule.coefficient / 0.1 < 10_000


def test_without_a_target_lambda_stays() -> None:
    schedule = PenaltySchedule(Gates(penalty=0.1), 20)
    schedule.after_epoch(15, 0.0)
    assert schedule.coefficient == 0.1
    assert schedule.directions(15, [0.1, 0.9]) == [1.0, 1.0]
