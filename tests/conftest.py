"""What the tests share: presets as architectures, and the command line as a user starts it."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Before torch is imported, here and in the commands that tests start: networks of this size gain nothing from a second
# thread, and threads that wait for each other lose much where tests share the cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch
from hypothesis import HealthCheck, settings
from PIL import Image

from connprune.architecture import Architecture
from connprune.cli.call import call
from connprune.data.settings import DataSettings
from connprune.data.sources import load
from connprune.training.configuration import design, resolve
from tests import command_lines

# A suite that runs in the background of a script, or behind nohup, would hand ignored signals on to what it starts.
for name in ("SIGINT", "SIGHUP", "SIGQUIT"):
    if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) is signal.SIG_IGN:
        signal.signal(getattr(signal, name), signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL)

# So many of each property at every change: few, since every run draws others. More of them for who has the time.
EXAMPLES = int(os.environ.get("CONNPRUNE_EXAMPLES", "30"))
settings.register_profile("tests", deadline=None, max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")

Run = Callable[..., subprocess.CompletedProcess[str]]

# Seconds after which a test gives a process up: far more than it takes on a machine that is busy with other things.
PATIENCE = 600

# The digits preset, small enough for seconds.
TINY = ("--preset", "digits", "--set", "data.train_images=160", "--epochs", "2", "--device", "cpu")


@dataclass(frozen=True)
class Outcome:
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Outcome]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Command]:
    """The command line in this process, in a folder of its own."""
    threads = torch.get_num_threads()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONNPRUNE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CONNPRUNE_RUNS", raising=False)

    def run(*arguments: str | Path, stdin: str = "") -> Outcome:
        monkeypatch.setattr(sys, "argv", ["connprune", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(os.fsencode(stdin))))
        code = call()
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    yield run
    # With another number of them later tests of this process would compute otherwise than processes that they start.
    torch.set_num_threads(threads)


def preset_architecture(name: str) -> Architecture:
    return design(resolve(preset=name))


@pytest.fixture(scope="session")
def blog() -> Architecture:
    return preset_architecture("blog")


@pytest.fixture(scope="session")
def digits() -> Architecture:
    return preset_architecture("digits")


@pytest.fixture
def connprune(tmp_path: Path) -> Run:
    """Starts the real command in a folder of its own."""

    def run(*arguments: str | Path, stdin: str = "", cwd: Path = tmp_path) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "CONNPRUNE_CACHE": str(tmp_path / "cache"), "COLUMNS": "80"}
        environment.pop("CONNPRUNE_RUNS", None)
        return subprocess.run(
            [sys.executable, "-m", "connprune", *map(str, arguments)],
            input=stdin,
            capture_output=True,
            text=True,
            cwd=cwd,
            env=environment,
            timeout=PATIENCE,
            check=False,
        )

    return run


@pytest.fixture
def forked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The real command in a process of its own as well, but a fork of this one, which need not import torch again."""
    command_lines.prepare()
    monkeypatch.setenv("CONNPRUNE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("CONNPRUNE_RUNS", raising=False)

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        words = list(map(str, arguments))
        ended = command_lines.run(tmp_path, *words)
        return subprocess.CompletedProcess(words, ended.code, ended.out, ended.err)

    return run


@pytest.fixture
def digits_folder(tmp_path: Path) -> Path:
    """Real images in the ImageFolder layout: six of each digit to train on, two to test with, as PNG files."""
    dataset = load(DataSettings(source="digits"))
    root = tmp_path / "images"
    for part, images, count in (("train", dataset.train, 6), ("test", dataset.test, 2)):
        for digit in range(10):
            folder = root / part / str(digit)
            folder.mkdir(parents=True)
            for number, image in enumerate(images.images[images.labels == digit][:count]):
                Image.fromarray(image[0].numpy()).save(folder / f"{number:03}.png")
    return root
