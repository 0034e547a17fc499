"""What was started under a guardian ends with the process that asked for it, however that ends."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from connprune.experiments.guardian import guarded
from tests.conftest import PATIENCE

# A process that starts another one, which starts another one, in sessions of their own; all ignore what they can.
LASTING = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
depth, folder = int(sys.argv[1]), sys.argv[2]
if depth:
    subprocess.Popen([sys.executable, "-c", sys.argv[3], str(depth - 1), *sys.argv[2:]], start_new_session=True)
open(f"{folder}/{depth}", "w").close()
time.sleep(600)
"""
COMMAND = """
import subprocess, sys, time
from connprune.experiments.guardian import guarded
with guarded(sys.argv[1]) as folder:
    subprocess.Popen([sys.executable, "-c", sys.argv[2], "2", str(folder), sys.argv[2]])
    print(folder, flush=True)
    time.sleep(600)
"""


def running(folder: Path) -> list[str]:
    """The processes that name a folder in their command lines, zombies left out."""
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if str(folder) in line]


def wait_for(*paths: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not all(path.exists() for path in paths):
        assert time.monotonic() < deadline


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_outlives_a_command_that_is_killed(tmp_path: Path, number: signal.Signals) -> None:
    command = subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(tmp_path), LASTING], stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    assert command.stdout
    folder = Path(command.stdout.readline().strip())
    wait_for(*(folder / str(depth) for depth in range(3)))
    command.send_signal(number)
    command.communicate(timeout=PATIENCE)

    deadline = time.monotonic() + PATIENCE
    while folder.exists() or running(folder):
        assert time.monotonic() < deadline


def test_nothing_is_left_when_the_block_ends(tmp_path: Path) -> None:
    with guarded(str(tmp_path)) as folder:
        assert folder.stat().st_mode & 0o077 == 0
        child = subprocess.Popen([sys.executable, "-c", LASTING, "1", str(folder), LASTING])
        wait_for(folder / "0", folder / "1")
    assert child.wait(PATIENCE) == -signal.SIGKILL
    assert not folder.exists()
    assert running(folder) == []


def test_others_are_left_alone(tmp_path: Path) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", LASTING, "0", str(tmp_path), ""])
    with guarded(str(tmp_path)):
        pass
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()
