import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from connprune.architecture.strict_yaml import parse
from tests.conftest import Command
from tests.experiments.helpers import lasting

SWEEP = """
base:
  preset: digits
  data: {train_images: 64}
  training: {epochs: 1}
seeds: 2
axes:
  start:
    low: {gates.initialisation: {kind: constant, value: -6}}
    high: {gates.initialisation: {kind: constant, value: 3}}
  merge.interpolation: [bilinear, nearest]
"""


@pytest.fixture
def file(command: Command) -> Path:
    path = Path("start.yaml")
    path.write_text(SWEEP, encoding="utf-8")
    return path


def test_a_sweep_trains_the_grid_and_says_what_each_axis_does(command: Command, file: Path) -> None:
    done = command("sweep", file, "--json", "--figures", "figures")

    assert done.code == 0, done.err
    assert re.search(r"^8 trainings in [\d.]+ s: [\d.]+ a minute\.$", done.err, re.MULTILINE), done.err
    found = done.json
    assert [row["cell"] for row in found["rows"]] == [
        {"start": start, "merge.interpolation": interpolation}
        for start in ("low", "high")
        for interpolation in ("bilinear", "nearest")
    ]
    assert [row["seeds"] for row in found["rows"]] == [2] * 4
    # sigmoid(-6) is below 0.01, sigmoid(3) far above; an epoch changes neither.
    assert [row["gates_closed"] for row in found["rows"]] == [44, 44, 0, 0]
    low, high = found["axes"]["start"]
    assert (low["label"], low["difference"]) == ("low", None)
    assert high["difference"]["mean"] == pytest.approx(high["test_accuracy"] - low["test_accuracy"])
    assert high["wirings"]["jaccard_with_first"] == 0
    assert high["wirings"]["jaccard_between_seeds"] == 1
    assert low["wirings"]["decided_epoch"] == 0
    assert {path.name for path in Path("figures").iterdir()} == {"sweep.svg", "sweep.png"}


def test_the_same_sweep_goes_on_and_has_a_row_a_cell_as_csv(command: Command, file: Path) -> None:
    first = command("sweep", file, "--json")
    again = command("sweep", file, "--json")
    assert "8 of 8 trainings are done" in again.err
    assert "a minute" not in again.err
    assert lasting(first.json) == lasting(again.json)
    table = command("sweep", "--collect", "--csv")
    assert table.out.splitlines()[0].startswith("start,merge.interpolation,name,seeds,test_accuracy")
    assert len(table.out.splitlines()) == 5


def test_a_dry_run_lists_the_cells_and_writes_nothing(command: Command, file: Path) -> None:
    done = command("sweep", file, "--dry-run", "--json")
    assert done.code == 0
    assert done.json["trainings"] == 8
    assert len(done.json["cells"]) == 4
    assert not Path("runs").exists()


def test_listed_commands_can_be_collected(command: Command, file: Path) -> None:
    listed = command("sweep", file, "--list").out.splitlines()
    assert len(listed) == 8
    program, *words = shlex.split(listed[0])
    assert Path(program).is_absolute()
    assert subprocess.run([program, "--version"], check=True, capture_output=True).stdout.startswith(b"connprune ")
    assert words[:3] == ["train", "--resume", "--run"]
    assert command("sweep", "--collect").code == 1
    assert command(*listed[0].split()[1:]).code == 0
    early = command("sweep", "--collect")
    assert early.code == 1
    assert "7 of 8 trainings are not finished yet; go on with `connprune sweep --resume" in early.err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("axes: {}", "axes: found {}, expected"),
        ("seeds: 3", "axes: this key is missing"),
        ("axes: {gates.penalty: []}", "expected at least one value on each axis"),
        (
            "axes: {gates.penalty: [0.1]}\nseeds: [1, 1]",
            "expected at least one value on each axis, and different seeds",
        ),
        ("axes: {gates.penaltyy: [0.1]}", "gates.penaltyy: there is no such key; did you mean 'penalty'?"),
        ("axes: {training.epochs: [few]}", "training.epochs: found 'few'"),
        ("axes: {training.epochs: [1, 2]}\nseed: 3", "seed: there is no such key; did you mean 'seeds'?"),
        (
            "axes: {gates.rate: [" + ", ".join(f"0.{number}1" for number in range(50)) + "]}\nseeds: 1000",
            "these are 50,000, more than 10,000 trainings",
        ),
        ("base: {presett: digits}\naxes: {gates.rate: [0.1]}", "presett: there is no such key"),
        ("axes: {gates.rate: [0.1, 0.1]}", "axes.gates.rate: a value stands here twice"),
        ("axes: {training.seed: [1, 2]}", "'training.seed' cannot be here: seeds have a key of their own"),
        ("axes: {gates.rate: [0.1], start: {high: {gates.rate: 0.2}}}", "'gates.rate' cannot be here: two axes set it"),
        ("axes: [1", "this is no valid YAML"),
    ],
)
def test_a_bad_sweep_is_refused(command: Command, text: str, message: str) -> None:
    Path("bad.yaml").write_text(text, encoding="utf-8")
    done = command("sweep", "bad.yaml")
    assert (done.code, done.out) == (2, "")
    assert message in done.err


def test_a_null_is_a_value(command: Command) -> None:
    Path("null.yaml").write_text(
        "base: {preset: digits, gates: {rate: 0.01}}\naxes: {gates.rate: [null, 0.02]}", encoding="utf-8"
    )
    jobs = [line.split()[4] for line in command("sweep", "null.yaml", "--list").out.splitlines()]
    resolved: list[Any] = [parse((Path(job) / "config.yaml").read_text(), job).data for job in jobs]
    rates = [data["gates"]["rate"] for data in resolved]
    assert rates == [None, 0.02]


def test_only_a_sweep_can_be_gone_on_with(command: Command, file: Path) -> None:
    assert command("sweep", file, "--run", "mine", "--list").code == 0
    assert "this is no comparison" not in command("sweep", "--collect", "--run", "mine").err
    assert "expected a sweep's file" not in command("sweep", "--resume", "--dry-run").err
    assert command("sweep", "--resume", "--run", "mine", "--dry-run").code == 2
    assert command("retrain", "--resume", "--run", "mine").code == 2


def test_a_missing_file_is_refused(command: Command) -> None:
    assert "cannot read this file" in command("sweep", "nothing.yaml").err
    assert "Give the sweep's YAML file" in command("sweep").err


SEARCHES = """
base:
  preset: digits
  data: {train_images: 96}
  training: {epochs: 1}
seeds: 2
axes:
  merge.interpolation: [nearest]
"""
STEPS = "prune --keep 30 / retrain --against random --seeds 1"


def test_searches_are_cut_and_compared_as_by_hand(command: Command) -> None:
    Path("searches.yaml").write_text(SEARCHES, encoding="utf-8")
    sweep = ("sweep", "searches.yaml", "--run", "all", "--then", STEPS)
    assert "there is no such sweep" in command(*sweep, "--collect").err
    assert len(command(*sweep, "--list").out.splitlines()) == 2
    assert command("sweep", "searches.yaml", "--run", "all").code == 0
    early = command(*sweep, "--collect")
    assert (early.code, "has not been cut yet" in early.err) == (2, True)
    # Each of two searches has a cut and a random wiring to train.
    assert len(command(*sweep, "--list").out.splitlines()) == 4
    done = command(*sweep, "--json")
    assert done.code == 0, done.err
    (found,) = done.json["then"]
    assert (found["then"], found["cell"]) == (STEPS, {"merge.interpolation": "nearest"})

    cuts = [f"cut-{seed}" for seed in (1337, 1338)]
    for cut, search in zip(cuts, sorted(Path("all/jobs").glob("*/seed-*")), strict=True):
        assert command("prune", search, "--keep", "30", "--out", cut).code == 0
    by_hand = command("retrain", *cuts, "--against", "random", "--seeds", "1", "--json").json
    assert found["comparison"]["unit"] == "search"
    assert [row["test_accuracy"] for row in found["comparison"]["rows"]] == [
        row["test_accuracy"] for row in by_hand["rows"]
    ]
    assert [_untimed(text) for text in found["comparison"]["verdicts"]] == [
        _untimed(text) for text in by_hand["verdicts"]
    ]

    again = command(*sweep)
    assert (again.code, again.out) == (0, "all\n")
    assert "4 of 4 trainings are done" in again.err
    assert command("check", "all").code == 0
    # A search that was trained anew is another one than was cut.
    shutil.copytree("all/jobs/001-nearest/seed-1338", "other")
    shutil.rmtree("all/jobs/001-nearest/seed-1337")
    shutil.copytree("other", "all/jobs/001-nearest/seed-1337")
    stale = command(*sweep, "--collect")
    assert (stale.code, "was cut from other weights" in stale.err) == (2, True)


def test_a_cell_that_cannot_be_cut_does_not_hold_up_the_others(command: Command) -> None:
    cells = "{shut: {gates.initialisation.value: -6}, open: {gates.initialisation.value: 6}}"
    text = SEARCHES.replace("seeds: 2", "seeds: 1").partition("axes:")[0] + f"axes:\n  start: {cells}\n"
    Path("two.yaml").write_text(text, encoding="utf-8")
    steps = "prune --threshold 0.5 / retrain --against chain"
    done = command("sweep", "two.yaml", "--run", "two", "--then", steps, "-q")
    assert (done.code, done.out) == (3, "")
    assert "start shut" in done.err
    assert "001-shut/seed-1337: The cut (threshold 0.5) would leave no path" in done.err
    assert "1 of 2 comparisons are missing" in done.err
    (compared,) = Path("two/then").glob("*/compare-*/comparison.json")
    assert "002-open" in str(compared)


def test_a_search_that_diverges_does_not_hold_up_the_other_cells(command: Command) -> None:
    cells = "{hot: {training.optimizer.rate: 1.0e+30}, mild: {training.optimizer.rate: 0.003}}"
    text = SEARCHES.replace("seeds: 2", "seeds: 1").partition("axes:")[0] + f"axes:\n  optimizer: {cells}\n"
    Path("two.yaml").write_text(text, encoding="utf-8")
    done = command("sweep", "two.yaml", "--run", "two", "--then", "prune --keep 30 / retrain --against chain", "-q")
    assert (done.code, done.out) == (1, "")
    assert "001-hot seed 1337: failed: The training diverged" in done.err
    assert "1 of 2 trainings are not finished" in done.err
    (compared,) = Path("two/then").glob("*/compare-*/comparison.json")
    assert "002-mild" in str(compared)


def test_what_follows_the_cells_that_are_done_is_listed_and_collected(command: Command) -> None:
    cells = "{hot: {training.optimizer.rate: 1.0e+30}, mild: {training.optimizer.rate: 0.003}}"
    text = SEARCHES.replace("seeds: 2", "seeds: 1").partition("axes:")[0] + f"axes:\n  optimizer: {cells}\n"
    Path("two.yaml").write_text(text, encoding="utf-8")
    sweep = ("sweep", "two.yaml", "--run", "two", "--then", "prune --keep 30 / retrain --against chain")
    for line in command(*sweep, "--list").out.splitlines():
        command(*shlex.split(line)[1:])
    listed = command(*sweep, "--list")
    (hot, *following) = listed.out.splitlines()
    assert "once the searches are done" in listed.err
    assert "jobs/001-hot" in hot
    assert len(following) == 2
    assert all("then/002-mild" in line for line in following)
    for line in following:
        assert command(*shlex.split(line)[1:]).code == 0
    collected = command(*sweep, "--collect")
    assert (collected.code, "1 of 2 trainings are not finished" in collected.err) == (1, True)
    assert [path.parts[2] for path in Path("two/then").rglob("comparison.json")] == ["002-mild"]


def test_a_cell_without_gates_is_refused_at_once(command: Command) -> None:
    Path("none.yaml").write_text(SEARCHES.replace("merge.interpolation: [nearest]", "gates: [null]"), encoding="utf-8")
    for more in ((), ("--dry-run",)):
        done = command("sweep", "none.yaml", "--run", "none", "--then", STEPS, *more)
        assert (done.code, "this cell has no gates" in done.err) == (2, True)
    assert not Path("none").exists()


def _untimed(text: str) -> str:
    return text.partition(" The cut takes ")[0]


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ("prune --keep 3", 'expected "prune OPTIONS / retrain OPTIONS"'),
        ("retrain --against dense / prune --keep 3", 'expected "prune OPTIONS / retrain OPTIONS"'),
        ("", 'expected "prune OPTIONS / retrain OPTIONS"'),
        ("prune --keep 3 /", 'expected "prune OPTIONS / retrain OPTIONS"'),
        ("/ retrain --against dense", 'expected "prune OPTIONS / retrain OPTIONS"'),
        ("prune 'x", "No closing quotation"),
        ("prune x --keep 3 / retrain --against dense", "--then: prune: found RUN, which the sweep"),
        ("prune --keep 3 / retrain x --against dense", "--then: retrain: found CUT, which the sweep"),
        ("prune --keep 3 / retrain --against dense,dense", "baseline dense: it is named twice"),
        ("prune --keep 3 / retrain --against dense --epochs 0", "epochs"),
        ("prune --keep 3 / retrain", "retrain needs --against"),
        ("prune --keep few / retrain --against dense", "--then: prune: Invalid value for '--keep': found 'few'"),
        ("prune --kep 3 / retrain --against dense", "--then: prune: No such option: --kep"),
        ("prune --keep 3 --out x / retrain --against dense", "--then: prune: found --out, which the sweep"),
        ("prune --keep 3 / retrain --against dense --run x", "--then: retrain: found --run, which the sweep"),
        ("prune --help / retrain --against dense", "--then: prune: No such option: --help"),
        ("prune --keep 3 / retrain --against denser", "baseline denser: expected one of"),
        ("prune --keep 3 / retrain --against dense --seeds x", "--seeds x: expected how many"),
        ("prune --keep 3 --sparsity 0.5 / retrain --against dense", "found 2 of them"),
        ("prune / retrain --against dense", "found none of them"),
    ],
)
def test_steps_that_cannot_be_are_refused_before_anything_is_trained(
    command: Command, file: Path, steps: str, message: str
) -> None:
    done = command("sweep", file, "--run", "mine", "--then", steps)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert not list(Path().rglob("metrics.jsonl"))
