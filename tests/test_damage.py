"""Damaged runs: each file of a real training, cut and comparison, cut short or with one bit turned, at many places.

Whatever the damage, the commands that read the file end as they promise: with their result, or with one clear refusal.
"""

import os
import random
import shutil
import sys
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest

from connprune.cli import main
from tests.conftest import TINY

PLACES = 200
RESUME = ("train", "--resume", "--run", "run", "--device", "cpu")
INSPECT = ("inspect", "run", "--json")
PRUNE = ("prune", "run", "--keep", "20", "--dry-run", "--json", "--device", "cpu")
LIST = ("retrain", "cut", "--against", "dense", "--list", "--run", "comparison-of-cut")
GO_ON = ("retrain", "--resume", "--list", "--run", "comparison")
# Each file with the commands that read it.
FILES: dict[str, tuple[tuple[str, ...], ...]] = {
    "run/config.yaml": (PRUNE, RESUME),
    "run/architecture.yaml": (INSPECT, PRUNE, RESUME),
    "run/metrics.jsonl": (RESUME,),
    "run/gates.safetensors": (INSPECT, PRUNE, RESUME),
    "run/checkpoint/latest.safetensors": (RESUME,),
    "run/best.safetensors": (RESUME,),
    "run/final.safetensors": (PRUNE,),
    "run/summary.json": (INSPECT, PRUNE, RESUME),
    "cut/config.yaml": (LIST,),
    "cut/architecture.yaml": (LIST,),
    "cut/cut.json": (LIST,),
    "cut/parent.yaml": (LIST,),
    "cut/gates.safetensors": (("inspect", "cut", "--json"),),
    "cut/final.safetensors": (("prune", "cut", "--keep", "20", "--dry-run", "--json", "--device", "cpu"),),
    "cut/summary.json": (("inspect", "cut", "--json"),),
    "comparison/plan.json": (GO_ON,),
    "comparison/summary.json": (GO_ON,),
    "comparison/jobs/dense/seed-1337/summary.json": (GO_ON, ("retrain", "--collect", "--run", "comparison")),
    "comparison/jobs/dense/seed-1337/architecture.yaml": (("retrain", "--collect", "--run", "comparison"),),
}


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


def started(*arguments: str) -> Ended:
    """A command in this process and this folder."""
    out, err = StringIO(), StringIO()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("argv", ["connprune", *arguments]), ("stdout", out), ("stderr", err)):
            patch.setattr(sys, name, value)
        with pytest.raises(SystemExit) as exited:
            main()
    return Ended(int(exited.value.code or 0), out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training, a cut of it and a comparison, each finished."""
    folder = tmp_path_factory.mktemp("whole")
    before = Path.cwd()
    os.chdir(folder)
    assert started(*TINY_TRAIN).code == 0
    assert started("prune", "run", "--keep", "30", "--out", "cut", "--device", "cpu").code == 0
    compared = started(
        "retrain", "cut", "--against", "dense", "--run", "comparison", "--epochs", "1", "--device", "cpu"
    )
    assert compared.code == 0, compared.err
    os.chdir(before)
    return folder


TINY_TRAIN = ("train", *TINY, "--run", "run")


def damaged(whole: bytes, chance: random.Random) -> bytes:
    """Cut short, or one bit turned."""
    place = chance.randrange(len(whole))
    if chance.random() < 0.3:
        return whole[:place]
    return whole[:place] + bytes([whole[place] ^ (1 << chance.randrange(8))]) + whole[place + 1 :]


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_no_damage_is_a_surprise(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    content = (whole / name).read_bytes()
    chance = random.Random(name)
    for number in range(PLACES):
        place = tmp_path / str(number)
        directory = name.partition("/")[0]
        shutil.copytree(whole / directory, place / directory)
        monkeypatch.chdir(place)
        (place / name).write_bytes(damaged(content, chance))
        command = FILES[name][number % len(FILES[name])]
        ended = started(*command)
        what = (number, command, ended)
        assert ended.code in (0, 1, 2, 3), what
        assert "Traceback" not in ended.err, what
        assert "CONNPRUNE_TRACEBACK" not in ended.err, what
        if ended.code == 2:
            assert ended.out == "", what
            assert "Error: " in ended.err, what
        shutil.rmtree(place)
