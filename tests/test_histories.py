"""Hundreds of histories of a folder: commands, kills, and what people do to files, in any order.

`pytest -m slow tests/test_histories.py`
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.command_lines import Blow, Ended, contents, lasting, prepare, run

CONFIGURATIONS = {
    "sigmoid": "gates: {penalty: 0.01}\n",
    "exact-zeros": "gates: {kind: hard-concrete, sharing: per-feature-map}\n",
}
COMMON = """preset: digits
layers:
  - {kind: conv, feature_maps: 3}
  - {kind: conv, feature_maps: 2}
head: {hidden: []}
data: {train_images: 40}
"""
NAMES = ["a", "b", "c"]
# What is written with a digest. Damage to anything else changes no result.
SEALED = ("config.yaml", "architecture.yaml", "metrics.jsonl", "gates.safetensors", "best.safetensors",
          "final.safetensors", "summary.json", "cut.json")  # fmt: skip
RULES = [("--keep", "3"), ("--sparsity", "0.4"), ("--threshold", "0.5")]
BLOWS = st.builds(Blow, st.sampled_from([signal.SIGKILL, signal.SIGTERM]), st.integers(1, 90))


@dataclass(frozen=True)
class Made:
    """How a directory came to be: the words of the commands, each on what the one before made."""

    steps: tuple[tuple[str, ...], ...]

    @property
    def kind(self) -> str:
        return self.steps[-1][0]


@dataclass
class Place:
    """What is known of a directory.

    Attributes:
        made: how it came to be.
        finished: whether a command said so.
        damaged: files that were edited since.
    """

    made: Made
    finished: bool
    damaged: set[str] = field(default_factory=set)


WHOLE: dict[Made, Path | None] = {}


def whole_or_refused(made: Made) -> Path | None:
    """The directory that the same commands make if nobody disturbs them, and only they are run; None if none is made.

    A cut of a cut may ask for more gates than are left.
    """
    if made not in WHOLE:
        folder = _new_folder()
        source = shutil.copytree(whole(Made(made.steps[:-1])), folder / "from") if len(made.steps) > 1 else None
        ended = run(folder, *_words(made, "whole", "from" if source else None))
        assert ended.code == 0 or (ended.code == 2 and made.kind == "prune"), ended.told
        WHOLE[made] = folder / "whole" if ended.code == 0 else None
    return WHOLE[made]


def whole(made: Made) -> Path:
    """The directory that the same commands certainly make."""
    path = whole_or_refused(made)
    assert path, made
    return path


def _words(made: Made, name: str, source: str | None) -> list[str]:
    command, *rest = made.steps[-1]
    place = "--out" if command == "prune" else "--run"
    return [command, *([source] if source else []), *rest, place, name, "--device", "cpu", "--quiet"]


def _new_folder() -> Path:
    # In memory where that is possible: what is flushed to a disk costs more than it trains.
    base = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="histories-", dir=base if os.access(base, os.W_OK) else None))
    FOLDERS.append(folder)
    for name, text in CONFIGURATIONS.items():
        (folder / f"{name}.yaml").write_text(COMMON + text, encoding="utf-8")
    return folder


FOLDERS: list[Path] = []


class Histories(RuleBasedStateMachine):
    """A folder, and what is known of the directories in it."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = _new_folder()
        self.places: dict[str, Place] = {}

    def teardown(self) -> None:
        shutil.rmtree(self.folder)
        FOLDERS.remove(self.folder)

    # What commands do

    @initialize(config=st.sampled_from(sorted(CONFIGURATIONS)), cut=st.booleans(), how=st.sampled_from(RULES))
    def something_is_there(self, config: str, cut: bool, how: tuple[str, ...]) -> None:
        made = _training(config, 1)
        shutil.copytree(whole(made), self.folder / "a")
        self.places["a"] = Place(made, finished=True)
        if cut:
            made = Made((*made.steps, ("prune", *how)))
            shutil.copytree(whole(made), self.folder / "b")
            self.places["b"] = Place(made, finished=True)

    @rule(
        name=st.sampled_from(NAMES),
        config=st.sampled_from(sorted(CONFIGURATIONS)),
        seed=st.integers(1, 2),
        blow=st.none() | BLOWS,
    )
    def train(self, name: str, config: str, seed: int, blow: Blow | None) -> None:
        self._make(name, _training(config, seed), None, blow)

    @rule(
        source=st.sampled_from(NAMES), name=st.sampled_from(NAMES), how=st.sampled_from(RULES), blow=st.none() | BLOWS
    )
    def prune(self, source: str, name: str, how: tuple[str, ...], blow: Blow | None) -> None:
        self._make_from(source, name, ("prune", *how), {"train", "prune"}, blow)

    @rule(source=st.sampled_from(NAMES), name=st.sampled_from(NAMES), seed=st.integers(1, 2), blow=st.none() | BLOWS)
    def retrain(self, source: str, name: str, seed: int, blow: Blow | None) -> None:
        self._make_from(source, name, ("retrain", "--seed", str(seed), "--epochs", "1"), {"prune"}, blow)

    @precondition(lambda self: self.places)
    @rule(name=st.sampled_from(NAMES), blow=st.none() | BLOWS)
    def resume(self, name: str, blow: Blow | None) -> None:
        place = self.places.get(name)
        if place is None or place.made.kind == "prune":
            return
        ended = run(self.folder, place.made.kind, "--resume", "--run", name, "--device", "cpu", "--quiet", blow=blow)
        if ended.code == 0:
            place.finished = True
            if not place.damaged:
                self._require_whole(name, ended)
        elif not blow and not place.damaged:
            # Only of what was killed before it was a run there is nothing to go on with.
            assert ended.code == 2, ended.told
            assert not place.finished, ended.told
            assert not (self.folder / name / "summary.json").exists(), ended.told

    @rule(name=st.sampled_from(NAMES), command=st.sampled_from(["inspect", "check"]))
    def look(self, name: str, command: str) -> None:
        before = contents(self.folder)
        ended = run(self.folder, command, name)
        assert contents(self.folder) == before, ended.told
        place = self.places.get(name)
        if place is None:
            assert ended.code == 2, ended.told
        elif place.finished and not place.damaged:
            assert ended.code == 0, ended.told
        elif place.damaged and command == "check":
            assert ended.code == 2, ended.told
            assert any(file in ended.out + ended.err for file in place.damaged), (ended.told, place.damaged)

    @rule(words=st.sampled_from([("runs", "--runs", "."), ("runs", "--runs", ".", "--json")]))
    def list_all(self, words: tuple[str, ...]) -> None:
        before = contents(self.folder)
        ended = run(self.folder, *words)
        assert (ended.code, contents(self.folder)) == (0, before), ended.told

    # What people do

    @precondition(lambda self: self.places)
    @rule(name=st.sampled_from(NAMES), other=st.sampled_from(NAMES), copies=st.booleans())
    def move(self, name: str, other: str, copies: bool) -> None:
        if name in self.places and not (self.folder / other).exists():
            if copies:
                shutil.copytree(self.folder / name, self.folder / other)
                self.places[other] = replace(self.places[name], damaged=set(self.places[name].damaged))
            else:
                (self.folder / name).rename(self.folder / other)
                self.places[other] = self.places.pop(name)

    @rule(name=st.sampled_from(NAMES))
    def delete(self, name: str) -> None:
        shutil.rmtree(self.folder / name, ignore_errors=True)
        self.places.pop(name, None)

    @precondition(lambda self: self.places)
    @rule(
        name=st.sampled_from(NAMES),
        file=st.sampled_from(SEALED),
        where=st.floats(0, 1, exclude_max=True),
        how=st.sampled_from(["truncate", "flip", "replace"]),
    )
    def edit(self, name: str, file: str, where: float, how: str) -> None:
        path = self.folder / name / file
        place = self.places.get(name)
        if place is None or not place.finished or not path.exists():
            return
        before = path.read_bytes()
        at = int(len(before) * where)
        changed = {
            "truncate": before[:at],
            "flip": before[:at] + bytes([before[at] ^ 4]) + before[at + 1 :] if before else b"x",
            "replace": b"layers: []\n" if file.endswith(".yaml") else b"{}\n",
        }[how]
        if changed != before:
            path.write_bytes(changed)
            place.damaged.add(file)

    # What must hold

    def _make_from(self, source: str, name: str, step: tuple[str, ...], kinds: set[str], blow: Blow | None) -> None:
        place = self.places.get(source)
        if source == name:
            return
        if place is None or place.made.kind not in kinds:
            ended = run(self.folder, step[0], source, *step[1:], *_to(step, name), "--quiet")
            assert ended.code in (1, 2), ended.told
        else:
            self._make(name, Made((*place.made.steps, step)), source, blow)

    def _make(self, name: str, made: Made, source: str | None, blow: Blow | None) -> None:
        parent = self.places[source] if source else None
        before = _own(self.folder / name)
        ended = run(self.folder, *_words(made, name, source), blow=blow)
        if before:
            assert ended.code == 2 or (blow and ended.code != 0), ended.told
            assert _own(self.folder / name) == before, ended.told
            return
        sound = parent is None or (parent.finished and not parent.damaged)
        if ended.code == 0:
            assert parent is None or parent.finished, ended.told
            self.places[name] = Place(made, finished=True)
            self._require_whole(name, ended)
        elif blow is None:
            assert not sound or whole_or_refused(made) is None, ended.told
            assert ended.code == 2, ended.told
            if parent and parent.damaged:
                assert any(file in ended.err for file in parent.damaged), (ended.told, parent.damaged)
        if ended.code != 0 and (self.folder / name).exists():
            if made.kind == "prune":
                # It is there whole, or not at all.
                self.places[name] = Place(made, finished=True)
                self._require_whole(name, ended)
            else:
                self.places[name] = Place(made, finished=False)

    def _require_whole(self, name: str, ended: Ended) -> None:
        found, expected = lasting(self.folder / name), lasting(whole(self.places[name].made))
        assert [key for key in expected if found[key] != expected[key]] == [], ended.told


def _training(config: str, seed: int) -> Made:
    return Made((("train", "--config", f"{config}.yaml", "--seed", str(seed), "--epochs", "2"),))


def _own(folder: Path) -> dict[str, bytes]:
    """What is in a folder but for what a killed command left there under a hidden name, which the next one sweeps."""
    return {name: held for name, held in contents(folder).items() if not re.search(r"(^|/)\.", name)}


def _to(step: tuple[str, ...], name: str) -> list[str]:
    return ["--out" if step[0] == "prune" else "--run", f"{name}-refused"]


HISTORIES = settings(
    max_examples=int(os.environ.get("CONNPRUNE_HISTORIES", "500")),
    stateful_step_count=8,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def search() -> None:
    """Tries them; an AssertionError tells the shortest that goes wrong."""
    from hypothesis.stateful import run_state_machine_as_test

    prepare()
    os.environ["CONNPRUNE_CACHE"] = str(_new_folder() / "cache")
    os.environ.pop("CONNPRUNE_RUNS", None)
    try:
        run_state_machine_as_test(Histories, settings=HISTORIES)
    finally:
        for folder in FOLDERS:
            shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.slow
def test_no_history_ends_in_a_traceback_a_mixed_run_or_a_wrong_result() -> None:
    # In a process of its own: a fork of one that has made gradients can make none.
    command = [sys.executable, "-c", "from tests.test_histories import search; search()"]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
