"""Iterative pruning: several cuts with training in between, which is what its commands do one by one."""

import dataclasses
import signal
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import connprune as cp
from connprune.architecture.rules import Rule
from connprune.architecture.shares import approached
from connprune.data.splits import Splits
from connprune.documents.rounds import RoundSettings
from connprune.errors import ConnpruneError, DisconnectedError, InterruptedRunError, UsageError
from connprune.experiments.rounds import Place, Steps, begin, planned, read, work
from connprune.interface.pruning import steps_of
from connprune.interface.running import Watch
from connprune.interface.runs import PrunedRun, Run
from connprune.runs.cut import read_cut
from connprune.runs.directory import RunDirectory
from connprune.training.configuration import Configuration
from connprune.training.limited import Limited
from connprune.training.run import train_run
from tests.conftest import Command

CPU = torch.device("cpu")
SETTINGS = {"data.train_images": 100, "training.epochs": 1, "gates.penalty": 3e-3}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return cp.train(cp.config("digits", SETTINGS), path=tmp_path_factory.mktemp("runs") / "mine", device="cpu")


RULE = cp.Budget(macs=cp.Share(0.4))


def asked(rule: Rule | Limited, rounds: int, layers_only: bool = False) -> RoundSettings:
    return RoundSettings(
        rule=str(rule), by="gate", granularity="connection", layers_only=layers_only, settings=(), rounds=rounds
    )


@given(whole=st.integers(1, 10**9), share=st.floats(0.001, 1.5), rounds=st.integers(1, 20))
def test_each_round_leaves_the_same_share_of_what_there_is(whole: int, share: float, rounds: int) -> None:
    wanted = share * whole
    left = approached(whole, wanted, rounds)
    assert left[-1] == wanted
    assert len(left) == rounds
    before = [whole, *left]
    if share < 1:
        for was, now in zip(before, left, strict=False):
            assert now / was == pytest.approx(share ** (1 / rounds))
    else:
        assert set(left) == {wanted}


@pytest.mark.parametrize(
    ("rule", "layers_only"),
    [
        (cp.Keep(36), False),
        (cp.Sparsity(0.4), True),
        (cp.Budget(parameters=cp.Share(0.4)), False),
        (Limited(parameters=cp.Share(0.5), macs=cp.Share(0.6)), False),
        (Limited(points=3.0), True),
    ],
    ids=str,
)
def test_one_round_is_a_plain_cut(run: Run, rule: Rule | Limited, layers_only: bool, tmp_path: Path) -> None:
    steps = steps_of("gate", "connection", CPU, None)
    examined = steps.examine(run.directory)
    named = rule.rule(examined) if isinstance(rule, Limited) else rule
    document = planned(rule, examined, asked(rule, 1, layers_only))
    begin(place := Place(tmp_path / "cut"), document)
    try:
        plain = steps.cut(examined, cp.WholeLayers(named) if layers_only else named, False).document
    except DisconnectedError:
        with pytest.raises(DisconnectedError):
            work(place, document, steps)
        return
    cut = work(place, document, steps)
    wiring = ("chosen", "followed", "removed_layers", "before", "after", "parent", "ancestry", "rounds")
    assert read_cut(cut).model_dump_json(include=set(wiring)) == plain.model_dump_json(include=set(wiring))
    assert sorted(path.name for path in place.folder.iterdir()) == ["rounds.json"]


def test_rounds_are_the_commands_that_there_are(run: Run, command: Command) -> None:
    words = ("prune", run.path, "--max-params", "40%", "--rounds", "2", "--set", "gates.penalty=0.01", "--epochs", "1")
    limits = command(*words, "--dry-run", "--json", "--device", "cpu").json["limits"]
    document = command(*words, "--out", "in-rounds", "--device", "cpu", "--json").json
    allowed = [str(each["parameters"]) for each in limits]
    command("prune", run.path, "--max-params", allowed[0], "--out", "first", "--device", "cpu")
    command(
        "train", "--from", "first", "--epochs", "1", "--set", "gates.penalty=0.01", "--run", "on", "--device", "cpu"
    )
    command("prune", "on", "--max-params", allowed[1], "--out", "by-hand", "--device", "cpu")
    ours, theirs = (RunDirectory.open(Path(name)) for name in ("in-rounds", "by-hand"))
    assert ours.final.read_bytes() == theirs.final.read_bytes()
    assert ours.text(ours.architecture_file) == theirs.text(theirs.architecture_file)
    assert read_cut(ours).rounds == (str(Path("in-rounds-rounds/1-cut").resolve()),)
    assert document["rounds"] == list(read_cut(ours).rounds)
    assert read_cut(theirs).rounds == ()
    first = RunDirectory.open(Path(document["rounds"][0]))
    assert first.final.read_bytes() == RunDirectory.open(Path("first")).final.read_bytes()
    assert [Path(path).name for path in document["ancestry"]] == ["mine", "1-cut", "1-search"]
    listed = [Path(row["path"]).name for row in command("runs", ".", "--json").json["runs"]]
    assert sorted(listed) == ["by-hand", "first", "in-rounds", "on"]
    again = command("prune", "--resume", "--out", "in-rounds", "--json")
    assert again.json["after"] == document["after"]
    same = command(*words[:6], "--resume", "--out", "in-rounds")
    assert "this differs: settings (was ['gates.penalty=0.01', 'training.epochs=1'], now [])" in same.err
    assert same.code == 2


def test_what_was_interrupted_is_resumed(run: Run, tmp_path: Path) -> None:
    def made(name: str) -> PrunedRun:
        return run.prune(RULE, rounds=2, epochs=1, path=tmp_path / name, device="cpu")

    class Stopped:
        number: int | None = signal.SIGTERM

    def interrupted(run: RunDirectory, configuration: Configuration, splits: Splits) -> None:
        train_run(run, configuration, splits, CPU, Watch(None), Stopped())

    whole = made("whole")
    steps = steps_of("gate", "connection", CPU, None)
    stopping: Steps = dataclasses.replace(steps, train=interrupted)
    settings = asked(RULE, 2).model_copy(update={"settings": ("training.epochs=1",)})
    place = Place(tmp_path / "stopped")
    begin(place, planned(RULE, steps.examine(run.directory), settings))
    with pytest.raises(InterruptedRunError) as caught:
        work(place, read(place), stopping)
    assert caught.value.run is not None
    assert caught.value.run == ("rounds", place.path)
    assert not place.path.exists()
    assert place.search(1).summary.status == "interrupted"
    resumed = made("stopped")
    assert resumed.directory.final.read_bytes() == whole.directory.final.read_bytes()
    # What is done is not done again.
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    made("stopped")
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()} == before
    with pytest.raises(UsageError, match="this differs: rule"):
        run.prune(cp.Keep(40), rounds=2, epochs=1, path=tmp_path / "stopped", device="cpu")


def test_no_round_loses_more_than_was_allowed_of_the_first_run(run: Run, tmp_path: Path) -> None:
    steps = steps_of("gate", "connection", CPU, None)
    rule = Limited(points=5.0)
    settings = asked(rule, 2).model_copy(update={"settings": ("training.epochs=1",)})
    begin(place := Place(tmp_path / "cut"), planned(rule, steps.examine(run.directory), settings))
    least = run.summary.final.validation_accuracy - 0.05
    assert read(place).least_accuracy == pytest.approx(least)
    with suppress(ConnpruneError):
        work(place, read(place), steps)
    for number in (1, 2):
        if (cut := place.cut(number, 2)).summary_file.is_file():
            assert read_cut(cut).after.validation_accuracy >= least - 1e-9
    assert place.cut(1, 2).summary_file.is_file()


def test_what_cannot_be_done_in_rounds(run: Run, command: Command, tmp_path: Path) -> None:
    words = ("prune", run.path, "--device", "cpu")
    refused: list[tuple[tuple[str, ...], str]] = [
        (("--keep", "9", "--epochs", "1"), "--epochs and --set go with --rounds"),
        (("--threshold", "0.1", "--rounds", "2"), "--rounds approaches what is to be left"),
        (("--keep", "9", "--rounds", "2", "--resume"), "--resume goes with --out"),
        (("--keep", "99", "--rounds", "2"), "keep: found 99, expected 0 to 44"),
        (("--resume", "--out", "nowhere"), "there are no rounds to resume"),
        (("--rounds", "0", "--keep", "9"), "expected a whole number from 1 to 100"),
        (("--rounds", "2", "--dry-run", "--sweep"), "--sweep goes without --rounds"),
        (("--rounds", "2", "--keep", "9", "--set", "data.source=x"), "expected a key that begins with training."),
    ]
    for options, message in refused:
        outcome = command(*words, *options)
        assert outcome.code == 2, outcome
        assert message in outcome.err
    shown = command(*words, "--max-params", "25%", "--rounds", "2", "--dry-run", "--json").json
    first, last = (each["parameters"] for each in shown["limits"])
    assert last == pytest.approx(first / 2, abs=1)
    with pytest.raises(DisconnectedError, match="Round 1 of 2: No cut by these scores"):
        run.prune(cp.Budget(parameters=0), rounds=2, path=tmp_path / "none")
    with pytest.raises(UsageError, match="rounds: found 0"):
        run.prune(cp.Keep(9), rounds=0)
    with pytest.raises(UsageError, match="they are of the training between rounds"):
        run.prune(cp.Keep(9), epochs=3)
