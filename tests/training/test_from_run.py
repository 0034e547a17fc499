"""Gates that start where another run's ended."""

from pathlib import Path

import pytest

from connprune.errors import InterruptedRunError
from tests.training.helpers import StopAfter, configuration, go_on, start, train


def test_a_run_that_has_begun_goes_on_without_the_run_that_its_gates_are_from(tmp_path: Path) -> None:
    other = train(tmp_path / "other", "training.epochs=1")
    chosen = configuration(f"gates.initialisation={{kind: from-run, run: {other.path}}}", "training.epochs=2")
    run = start(tmp_path / "run", chosen)
    with pytest.raises(InterruptedRunError):
        go_on(run, chosen, StopAfter(3))
    other.path.rename(tmp_path / "moved")
    assert go_on(run, chosen).status == "finished"
