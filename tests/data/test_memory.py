"""How much memory a process may take, and that decoding keeps to it."""

import os
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from connprune.data.flight import in_flight
from connprune.data.memory import memory
from tests.conftest import PATIENCE

MACHINE = 8 * 2**30


@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        ("", {}, MACHINE),
        (
            "0::/job/step\n",
            {"sys/fs/cgroup/job/step/memory.max": "max\n", "sys/fs/cgroup/job/memory.max": "1000"},
            1000,
        ),
        ("0::/job\n", {"sys/fs/cgroup/job/memory.max": "max\n"}, MACHINE),
        ("0::/not/shown/here\n", {"sys/fs/cgroup/memory.max": "2000\n"}, 2000),
        ("4:cpu,memory:/job\n", {"sys/fs/cgroup/memory/job/memory.limit_in_bytes": "3000\n"}, 3000),
        ("4:memory:/a/b\n0::/\n", {"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "4000\n"}, 4000),
        ("4:memory:/\n", {"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, MACHINE),
        ("4:cpu:/job\n", {"sys/fs/cgroup/memory/job/memory.limit_in_bytes": "3000\n"}, MACHINE),
        ("odd", {}, MACHINE),
    ],
)
def test_the_least_of_machine_and_control_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, groups: str, files: dict[str, str], expected: int
) -> None:
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 1, "SC_PHYS_PAGES": MACHINE}.__getitem__)
    for name, text in {"proc/self/cgroup": groups, **files}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert memory(tmp_path) == expected


@given(st.lists(st.integers(0, 30), max_size=60), st.integers(1, 40))
def test_no_more_bytes_in_flight_than_allowed(sizes: list[int], most: int) -> None:
    """Results come in order; what is under way fits, unless one task alone is larger."""
    lock, under_way, seen = threading.Lock(), Counter[int](), []

    def do(task: tuple[int, int]) -> int:
        number, size = task
        with lock:
            under_way[number] = size
            seen.append((under_way.total(), len([each for each in under_way.values() if each])))
        return number

    results = []
    for number in in_flight(enumerate(sizes), lambda task: (task, task[1]), do, most):
        results.append(number)
        with lock:
            del under_way[number]
    assert results == list(range(len(sizes)))
    assert all(total <= most or tasks == 1 for total, tasks in seen)


def test_an_error_ends_all_tasks() -> None:
    def do(number: int) -> int:
        if number == 3:
            raise ValueError("three")
        return number

    with pytest.raises(ValueError, match="three"):
        list(in_flight(range(100), lambda number: (number, 10), do, 10))
    assert not [thread for thread in threading.enumerate() if "ThreadPool" in thread.name]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_large_images_are_decoded_one_at_a_time(tmp_path: Path) -> None:
    """Twelve images of 88 million pixels, 350 MB each while they are decoded, within 1.5 GB in all."""
    for number in range(12):
        folder = tmp_path / "images" / f"c{number % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (11_000, 8_000), (number, 0, 0)).save(folder / f"{number}.png", compress_level=1)
    script = (
        "import sys; from connprune.data.settings import DataSettings; from connprune.data.sources import load; "
        "load(DataSettings(source=sys.argv[1], cache=sys.argv[2], size=(32, 32))); from pathlib import Path; "
        # Not ru_maxrss, which begins with what the process had from which this one was started.
        "print(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])"
    )
    arguments = [sys.executable, "-c", script, str(tmp_path / "images"), str(tmp_path / "cache")]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=PATIENCE)
    assert int(done.stdout) < 1.5e6
