"""Arrays that are larger than the memory that a process may take."""

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import PATIENCE

# What a process may take besides the files that it maps: torch alone wants a good part of it.
ALLOWED = 5 * 2**28
# For images of each side what keeps the training of a few of them short.
SIDES = {32: ("data.train_images=512",), 224: ("data.train_images=64", "layers.0.stride=4")}


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (ALLOWED, ALLOWED))


@pytest.fixture(params=SIDES)
def side(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def arrays(tmp_path: Path, side: int) -> Iterator[Path]:
    """Images of twice the memory: bright ones and dark ones."""
    row = 3 * side**2
    count = 2 * ALLOWED // row
    folder = tmp_path / "arrays"
    folder.mkdir()
    labels = np.arange(count) % 2
    np.save(folder / "labels.npy", labels)
    noise = np.random.default_rng(0).integers(0, 128, (min(512, count // 2), side, side, 3), dtype=np.uint8)
    images = np.lib.format.open_memmap(folder / "images.npy", "w+", np.uint8, (count, side, side, 3))
    for start in range(0, count, len(noise)):
        part = images[start : start + len(noise)]
        part[:] = noise[: len(part)] + np.uint8(128) * labels[start : start + len(part), None, None, None].astype(
            np.uint8
        )
    images.flush()
    assert (folder / "images.npy").stat().st_size > 2 * ALLOWED - row
    yield folder
    # Gigabytes, which pytest would keep.
    shutil.rmtree(folder)
    shutil.rmtree(tmp_path / "cache", ignore_errors=True)


@pytest.fixture
def under_the_limit(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "CONNPRUNE_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"},
            timeout=PATIENCE,
            check=False,
            preexec_fn=limited,
        )

    return run


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the limit on data counts what is mapped on Linux alone")
def test_a_training_on_twice_the_allowed_memory(
    tmp_path: Path, side: int, arrays: Path, under_the_limit: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    whole = under_the_limit("-c", f"import numpy; numpy.load({str(arrays / 'images.npy')!r})")
    assert "MemoryError" in whole.stderr

    few = ("data.validation=0.0005", "data.test=0.0005", "data.augment.shift=0", *SIDES[side])
    settings = [word for setting in few for word in ("--set", setting)]
    trained = under_the_limit(
        *("-m", "connprune", "train", "--preset", "digits", "--data", arrays, "--epochs", "1", "--run", "mine", "-q"),
        *("--device", "cpu", "--threads", "1", "--set", "training.batch_size=8", *settings),
    )
    assert (trained.returncode, trained.stderr) == (0, "")
    summary = json.loads((tmp_path / "mine" / "summary.json").read_text())
    assert summary["final"]["test_accuracy"] > (0.9 if side == 32 else -1)
    again = under_the_limit("-m", "connprune", "evaluate", "mine", "--json", "--threads", "1")
    assert json.loads(again.stdout)["accuracy"] == summary["final"]["test_accuracy"]
