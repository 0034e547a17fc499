import os
import subprocess
import sys
from pathlib import Path

import pytest

from connprune.experiments.ends import end_of, last_words, out_of_memory_kills


@pytest.mark.parametrize(
    ("number", "kills", "expected"),
    [
        (9, 0, "SIGKILL: somebody did this, or a limit on memory"),
        (9, 1, "SIGKILL: the machine ran out of memory and killed 1 process meanwhile"),
        (9, 2, "SIGKILL: the machine ran out of memory and killed 2 processes meanwhile"),
        (6, 2, "SIGABRT"),
        (11, 0, "SIGSEGV"),
    ],
)
def test_a_signal_is_named_and_memory_suspected_where_it_may_be_the_reason(
    number: int, kills: int, expected: str
) -> None:
    worker = subprocess.Popen([sys.executable, "-c", f"import os; os.kill(os.getpid(), {number})"])
    worker.wait()
    told = end_of("worker 1", worker.pid, worker.returncode, kills)
    assert told == f"worker 1 (process {worker.pid}) was ended by {expected}"


@pytest.mark.parametrize("code", [0, 1, 2, 3])
def test_who_ended_by_itself_has_had_its_say(code: int) -> None:
    assert end_of("worker 1", 1, code, 0) is None


def test_a_worker_that_saved_itself_was_asked_to_stop() -> None:
    assert end_of("worker 1", 7, 143, 0) == "worker 1 (process 7) was ended by SIGTERM"


def test_the_machine_counts_what_it_kills() -> None:
    assert out_of_memory_kills() >= 0


def test_the_last_words_are_the_newest_ones(tmp_path: Path) -> None:
    logs = [tmp_path / name for name in ("old", "new", "silent")]
    for log, text in zip(logs, ("nothing of this\n", "1\n\n2\n3\n  4\n", ""), strict=True):
        log.write_text(text, encoding="utf-8")
    os.utime(logs[0], (1, 1))
    assert last_words(logs) == "2 / 3 / 4"
    assert last_words(logs[2:]) is None


def test_the_last_words_are_not_the_lists_of_a_crash(tmp_path: Path) -> None:
    log = tmp_path / "worker"
    dump = "Fatal Python error: Aborted\n\nStack (most recent call first):\n  File x\n\nExtension modules: numpy\n"
    log.write_text(f"the driver gave up\n{dump}", encoding="utf-8")
    assert last_words([log]) == "the driver gave up / Fatal Python error: Aborted"
