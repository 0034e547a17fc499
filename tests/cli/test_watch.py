"""`inspect --watch`: a training seen from outside, whatever becomes of it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.console import Console

from connprune.cli.output import Output
from connprune.cli.watch import watch_run
from connprune.errors import ConnpruneError, InterruptedRunError, UsageError
from connprune.processes import Process
from connprune.report.watching import duration, picture, spark
from connprune.runs.following import PATIENCE, Moment, follow
from tests.conftest import TINY, Command
from tests.training.helpers import StopAfter, configuration, go_on, start, train


class Waits:
    """Lets something happen at each wait, and counts them."""

    def __init__(self, *happenings: Callable[[], object]) -> None:
        self.happenings = list(happenings)
        self.count = 0

    def __call__(self) -> None:
        self.count += 1
        assert self.count < 100, "it never ends"
        if self.happenings:
            self.happenings.pop(0)()


def nothing() -> None:
    """Time passes."""


def stopped_after(path: Path, steps: int) -> Callable[[], None]:
    def happen() -> None:
        chosen = configuration()
        run = start(path, chosen)
        with pytest.raises(InterruptedRunError):
            go_on(run, chosen, StopAfter(steps))

    return happen


def resumed(path: Path) -> Callable[[], object]:
    from connprune.runs.directory import RunDirectory

    return lambda: go_on(RunDirectory(path), configuration())


def test_a_run_is_waited_for_and_followed_over_an_interruption_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "run"
    waits = Waits(nothing, nothing, stopped_after(path, 7), *[nothing] * (PATIENCE - 2), resumed(path))
    seen = list(follow(path, waits))
    assert [len(moment.metrics) for moment in seen] == [0, 1, 3, 3]
    assert [moment.has_ended for moment in seen] == [False, False, False, True]
    assert seen[0].state == "waiting for it to begin"
    assert seen[1].state == "interrupted, nobody works in it any more"
    assert seen[-1].is_finished
    assert seen[-1].gates is not None
    assert len(seen[-1].gates.values) == 4


def test_a_run_that_nobody_goes_on_with_has_ended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "run"
    stopped_after(path, 7)()
    waits = Waits()
    with pytest.raises(ConnpruneError, match=r"1 of 3 epochs are done. Go on with `connprune train --resume") as error:
        watch_run(path, Output(), waits)
    assert error.value.exit_code == 1
    assert waits.count == PATIENCE
    assert capsys.readouterr().out.count("epoch ") == 1


def test_a_run_that_was_ended_before_it_began_says_no_epochs(tmp_path: Path) -> None:
    path = tmp_path / "run"
    start(path, configuration()).summarise(status="interrupted")
    with pytest.raises(ConnpruneError, match=r"nobody works in it any more\. Go on with"):
        watch_run(path, Output(), Waits())


def test_a_line_an_epoch(command: Command, tmp_path: Path) -> None:
    run = train(tmp_path / "run")
    outcome = command("inspect", run.path, "--watch")
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert [line.split()[:2] for line in lines] == [["epoch", f"{number}/3"] for number in (1, 2, 3)]
    assert outcome.err == f"{run.path}: done\n"


def test_files_that_stay_damaged_are_refused(tmp_path: Path) -> None:
    run = train(tmp_path / "run")
    run.metrics.write_text("{}\n")
    with pytest.raises(UsageError, match="damaged"):
        list(follow(run.path, Waits()))
    run = train(tmp_path / "other")
    whole = run.metrics.read_bytes()
    run.metrics.write_text("{}\n")
    waits = Waits(nothing, lambda: run.metrics.write_bytes(whole))
    assert list(follow(run.path, waits))[-1].is_finished


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--watch", "--json", "x"], "--watch shows a run as it goes"),
        (["--watch", "--preset", "blog"], "--watch shows a run as it goes"),
        (["--watch", "--threshold", "0.5", "x"], "--watch shows a run as it goes"),
        (["--watch", "x", "y"], "--watch goes with a single run"),
        (["--watch"], "There is no train or retrain run"),
    ],
)
def test_refusals(command: Command, arguments: list[str], told: str) -> None:
    outcome = command("inspect", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert told in outcome.err


def test_a_cut_is_no_training_and_will_not_be_one(command: Command) -> None:
    command("train", *TINY)
    cut = command("prune", "--keep", "20").out.strip()
    waits = Waits()
    with pytest.raises(UsageError, match="expected a training to watch, found a cut"):
        list(follow(Path(cut), waits))
    assert waits.count == 0
    assert command("inspect", cut, "--watch").code == 2


@pytest.mark.parametrize(("width", "height"), [(80, 24), (60, 12), (200, 60)])
def test_the_picture_fits_the_terminal(tmp_path: Path, width: int, height: int) -> None:
    run = train(tmp_path / "run")
    moment = Moment(
        run,
        run.summary.model_copy(update={"status": "running"}),
        Process(7, "far"),
        run.read_metrics(),
        run.read_gates(),
    )
    console = Console(width=width, height=height, record=True, file=open(os.devnull, "w"))  # noqa: PTH123, SIM115
    console.print(picture(moment, width, height))
    console.file.close()
    lines = console.export_text().splitlines()
    assert len(lines) < height
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    assert "epoch 3/3" in text
    assert "44 gates open, 0 closed" in text
    assert "λ" in text
    assert (text.count("→") == 44) == (height == 60)


def test_times_and_sparks() -> None:
    assert [duration(seconds) for seconds in (0.4, 59.4, 200, 7500)] == ["0 s", "59 s", "3 min 20 s", "2 h 5 min"]
    assert spark([0, 0.5, 1, -1, 9]) == "▁▅███"


pty = pytest.importorskip("pty", reason="needs a pseudo-terminal")


class Terminal:
    """A command in a pseudo-terminal of 24 lines of 80 characters."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.text = ""
        leader, follower = pty.openpty()
        os.environ.setdefault("TERM", "xterm")
        environment = {**os.environ, "LINES": "24", "COLUMNS": "80"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "connprune", *arguments],
            stdin=follower,
            stdout=follower,
            stderr=follower,
            env=environment,
            cwd=folder,
            start_new_session=True,
        )
        os.close(follower)
        self._leader = leader

    def until(self, wanted: str | None) -> None:
        """Reads until a text has come, None is the end."""
        for part in self._parts():
            self.text += part.decode(errors="replace")
            if wanted and wanted in self.text:
                return
        assert wanted is None, self.text

    def _parts(self) -> Iterator[bytes]:
        while True:
            try:
                part = os.read(self._leader, 65536)
            except OSError:
                return
            if not part:
                return
            yield part

    def end(self) -> int:
        self.until(None)
        os.close(self._leader)
        return self.process.wait()


def test_a_training_beside_it_in_a_terminal(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "inspect", "run", "--watch")
    terminal.until("waiting for it to begin")
    command = [sys.executable, "-m", "connprune", "train", *TINY, "--run", str(tmp_path / "run"), "--quiet"]
    subprocess.run(command, check=True, capture_output=True)
    assert terminal.end() == 0
    assert "epoch 2/2" in terminal.text
    assert "gates open" in terminal.text
    assert re.search("→head +[▁-█]{3} ", terminal.text), "a curve of a start and two epochs"
    assert terminal.text.endswith("\x1b[?25h"), "the cursor is back"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_end_the_watching_alone(tmp_path: Path, number: signal.Signals, code: int) -> None:
    terminal = Terminal(tmp_path, "inspect", "run", "--watch")
    terminal.until("waiting for it to begin")
    terminal.process.send_signal(number)
    assert terminal.end() == code
    assert "\x1b[?25h" in terminal.text, "the cursor is back"
    assert "Traceback" not in terminal.text


def test_a_name_does_not_reach_the_terminal_raw(tmp_path: Path) -> None:
    run = start(tmp_path / "a\x1b[2Jb", configuration())
    console = Console(width=200, record=True, file=open(os.devnull, "w"))  # noqa: PTH123, SIM115
    console.print(picture(Moment(run, run.summary, None, [], None), 200, 24))
    console.file.close()
    assert "\x1b" not in console.export_text()
