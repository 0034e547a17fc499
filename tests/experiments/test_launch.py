import sys
from pathlib import Path

from connprune.experiments.launch import LOST_DEVICE, WorkerCommand, launch
from tests.experiments.helpers import Patience

LEAVE_A_FILE = "import os, pathlib, sys; pathlib.Path(sys.argv[1], str(os.getpid())).touch()"


def python(*words: str | Path) -> list[str]:
    return [sys.executable, "-S", "-c", *map(str, words)]


def test_one_whose_device_failed_is_followed_by_one_for_each_of_its_trainings(tmp_path: Path) -> None:
    lost, alone = python(f"raise SystemExit({LOST_DEVICE})"), python(LEAVE_A_FILE, tmp_path)
    assert launch([WorkerCommand(lost, 3, alone)], Patience()) == []
    assert len(list(tmp_path.iterdir())) == 3
