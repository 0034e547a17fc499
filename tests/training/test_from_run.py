"""Gates that start where another run's ended."""

from pathlib import Path

import pytest

from connprune.errors import InterruptedRunError, UsageError
from tests.training.helpers import StopAfter, configuration, go_on, start, train


def test_a_run_that_has_begun_goes_on_without_the_run_that_its_gates_are_from(tmp_path: Path) -> None:
    other = train(tmp_path / "other", "training.epochs=1")
    chosen = configuration(f"gates.initialisation={{kind: from-run, run: {other.path}}}", "training.epochs=2")
    run = start(tmp_path / "run", chosen)
    with pytest.raises(InterruptedRunError):
        go_on(run, chosen, StopAfter(3))
    other.path.rename(tmp_path / "moved")
    assert go_on(run, chosen).status == "finished"


@pytest.mark.parametrize("kind", ["linear", "hard-concrete", "softmax"])
def test_gates_that_are_made_of_w_in_another_way_are_no_start(tmp_path: Path, kind: str) -> None:
    other = train(tmp_path / "other", "training.epochs=1", "gates.penalty=0")
    start_there = f"gates.initialisation={{kind: from-run, run: {other.path}}}"
    chosen = configuration(start_there, f"gates.kind={kind}", "gates.penalty=0")
    with pytest.raises(UsageError, match=f"found sigmoid gates in .*expected gates that are made of w as {kind} gates"):
        go_on(start(tmp_path / "run", chosen), chosen)


def test_kinds_that_are_one_function_of_w_start_from_each_other(tmp_path: Path) -> None:
    other = train(tmp_path / "other", "training.epochs=1", "gates.penalty=0")
    start_there = f"gates.initialisation={{kind: from-run, run: {other.path}}}"
    for kind in ("bernoulli", "top-k", "reinforce"):
        chosen = configuration(start_there, f"gates.kind={kind}", "gates.penalty=0", "training.epochs=1")
        assert go_on(start(tmp_path / kind, chosen), chosen).status == "finished"
