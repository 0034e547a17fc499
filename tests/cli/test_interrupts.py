"""Ctrl-C at any moment of any command ends it, with the same code, and without a traceback."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import PATIENCE, TINY

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")

COMMANDS = {
    "train --dry-run": ["train", *TINY, "--dry-run"],
    "train": ["train", *TINY, "--run", "new"],
    "inspect": ["inspect", "run"],
    "inspect --figures": ["inspect", "run", "--figures", "new"],
    "prune": ["prune", "run", "--keep", "30", "--out", "new"],
    "export": ["export", "run", "--format", "safetensors", "--out", "new"],
    "retrain": ["retrain", "cut", "--epochs", "2", "--run", "new", "--device", "cpu"],
    "runs": ["runs", "."],
    "check": ["check", "run"],
    "presets": ["presets", "digits"],
}


class Process:
    """A command that can be stopped, looked at and interrupted."""

    def __init__(self, folder: Path, arguments: list[str]) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "connprune", *arguments],
            cwd=folder,
            env={**os.environ, "CONNPRUNE_CACHE": str(folder / "cache")},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def state(self, key: str) -> str:
        """What the kernel says of the process."""
        lines = Path(f"/proc/{self.popen.pid}/status").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith(f"{key}:"))

    def wait_for_handlers(self) -> None:
        """Waits for the first line of ours: what comes before it is Python's."""
        bit = 1 << (signal.SIGTERM - 1)
        while not int(self.state("SigCgt"), 16) & bit:
            assert self.popen.poll() is None, self.popen.communicate()

    def interrupt(self, number: signal.Signals) -> bool:
        """Sends the signal to a process that certainly has not ended; returns whether there was one."""
        self.popen.send_signal(signal.SIGSTOP)
        try:
            while (state := self.state("State")[0]) not in "TZX":
                time.sleep(0.001)
        except FileNotFoundError:
            return False
        if state == "T":
            self.popen.send_signal(number)
            self.popen.send_signal(signal.SIGCONT)
        return state == "T"


def sweep(folder: Path, arguments: list[str], moments: int) -> tuple[Counter[int], list[str]]:
    """Interrupts a command at moments over all of its time; counts exit codes, and gives what is not as promised."""
    started = time.monotonic()
    whole = Process(folder, arguments)
    out, err = whole.popen.communicate(timeout=PATIENCE)
    assert whole.popen.returncode == 0, err
    seconds = time.monotonic() - started
    codes: Counter[int] = Counter()
    wrong = []
    for moment in range(moments):
        clear(folder)
        process = Process(folder, arguments)
        process.wait_for_handlers()
        time.sleep(seconds * moment / moments)
        interrupted = process.interrupt(signal.SIGINT)
        out, err = process.popen.communicate(timeout=PATIENCE)
        code = process.popen.returncode
        codes[code] += 1
        # Python itself, when it takes its modules down, leaves the signal to the system.
        wanted = (130, -signal.SIGINT) if interrupted else (0,)
        if code not in wanted or "Traceback" in err or "Exception ignored" in err:
            wrong.append(f"moment {moment} of {moments}, {seconds * moment / moments:.3f} s: {code}\n{out}\n{err}")
    clear(folder)
    return codes, wrong


def clear(folder: Path) -> None:
    """Removes what the command has made."""
    for made in folder.glob("new*"):
        if made.is_dir():
            shutil.rmtree(made)
        else:
            made.unlink()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training and a cut."""
    path = tmp_path_factory.mktemp("interrupts")
    for arguments in (["train", *TINY, "--run", "run"], ["prune", "run", "--keep", "30", "--out", "cut"]):
        process = Process(path, arguments)
        process.popen.communicate(timeout=PATIENCE)
        assert process.popen.returncode == 0
    return path


def test_ctrl_c_while_a_command_starts(tmp_path: Path) -> None:
    codes, wrong = sweep(tmp_path, ["inspect", "--preset", "digits"], 6)
    assert not wrong, "\n".join(wrong)
    assert codes[130] + codes[-signal.SIGINT] > 3


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_ctrl_c_ends_a_command_at_every_moment(folder: Path, name: str) -> None:
    codes, wrong = sweep(folder, COMMANDS[name], int(os.environ.get("CONNPRUNE_TEST_MOMENTS", "20")))
    print(f"{name}: {dict(codes)}")
    assert not wrong, "\n".join(wrong)
    assert not list(folder.glob(".*")), "something half written is left"
