"""A signal is raised until the process unwinds, noted by a training, and heeded only if it was not ignored before."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from connprune.errors import ConnpruneError, InterruptedRunError
from connprune.signals import STOPPING, Stop
from tests.conftest import PATIENCE

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")

# Loses the first of two interruptions in the way of a careless library.
LOSSES = {
    "a library that catches errors": "try: os.kill(os.getpid(), signal.SIGINT)\nexcept Exception: pass",
    "a library that catches everything": "try: os.kill(os.getpid(), signal.SIGINT)\nexcept: pass",
    "a finaliser": """
class Dying:
    def __del__(self): os.kill(os.getpid(), signal.SIGINT)
Dying()""",
    "another error in its place": """
try: os.kill(os.getpid(), signal.SIGINT)
except BaseException:
    try: raise ImportError('numpy') from None
    except ImportError: pass""",
}
PROGRAM = """
import os, signal, sys, time
from connprune.errors import InterruptedRunError
from connprune.signals import Interrupts
interrupts = Interrupts()
interrupts.begin()
try:
    {}
    for _ in range(600): time.sleep(0.1)
    print('never')
except InterruptedRunError as error:
    interrupts.end()
    print(error.exit_code)
"""


def run(body: str) -> subprocess.CompletedProcess[str]:
    program = PROGRAM.format(body.strip().replace("\n", "\n    "))
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE, check=False
    )


@pytest.mark.parametrize("loss", LOSSES)
def test_an_interruption_that_was_lost_is_raised_again(loss: str) -> None:
    done = run(LOSSES[loss])
    assert (done.stdout, done.stderr, done.returncode) == ("130\n", "", 0)


def test_what_is_imported_is_imported_whole(tmp_path: Path) -> None:
    """In the middle of an import torch's C++ takes no exception."""
    module = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nfor _ in range(10**6): pass\nprint('whole')\n"
    (tmp_path / "interrupted.py").write_text(module, encoding="utf-8")
    done = run(f"sys.path.insert(0, {str(tmp_path)!r})\nimport interrupted")
    assert (done.stdout, done.stderr, done.returncode) == ("whole\n130\n", "", 0)


def test_an_import_that_takes_long_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "endless.py").write_text(
        "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\nwhile True: pass\n", encoding="utf-8"
    )
    done = run(f"sys.path.insert(0, {str(tmp_path)!r})\nimport endless")
    assert (done.stdout, done.stderr, done.returncode) == ("", "Error: Interrupted.\n", 143)


def test_what_undoes_is_not_interrupted_again() -> None:
    done = run("""
try: os.kill(os.getpid(), signal.SIGTERM)
finally:
    time.sleep(0.5)
    try: time.sleep(0.5)
    except OSError: pass
    print('undone')""")
    assert (done.stdout, done.stderr, done.returncode) == ("undone\n143\n", "", 0)


def test_it_is_no_error_that_anybody_may_catch() -> None:
    assert not issubclass(InterruptedRunError, Exception)
    assert not issubclass(InterruptedRunError, ConnpruneError)


@pytest.mark.parametrize("number", STOPPING)
def test_a_training_notes_a_signal_and_it_is_raised_in_the_end(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    stop = Stop()
    with pytest.raises(InterruptedRunError) as caught, stop:
        os.kill(os.getpid(), number)
    assert stop.number == number
    assert caught.value.exit_code == 128 + number
    assert signal.getsignal(number) == before


@pytest.mark.parametrize("number", STOPPING)
def test_a_signal_that_is_ignored_stays_ignored(number: signal.Signals) -> None:
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with Stop() as stop:
            os.kill(os.getpid(), number)
        assert stop.number is None
        assert signal.getsignal(number) == signal.SIG_IGN
    finally:
        signal.signal(number, before)


LATE = """
import os, signal, sys
from connprune.cli import process
class Late(process.Interrupts):
    ends = 0
    def end(self):
        self.ends += 1
        if self.ends == 1: os.kill(os.getpid(), signal.SIGTERM)
        super().end()
process.Interrupts = Late
sys.argv = ["connprune", "--version"]
sys.exit(process.run())
"""


def test_a_signal_at_the_very_end_is_no_crash() -> None:
    done = subprocess.run([sys.executable, "-c", LATE], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 128 + signal.SIGTERM
    assert "Traceback" not in done.stderr
