"""Bad input gets one clear sentence, the contract's exit code, and leaves nothing half-written."""

import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import TINY, Command


def assert_refused(outcome, code: int = 2) -> None:  # type: ignore[no-untyped-def]
    assert outcome.code == code, outcome
    assert outcome.out == ""
    assert outcome.err.count("\n") <= 4, outcome.err
    assert "Error" in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["train", "--preset", "digit"], "found 'digit', expected one of"),
        (["train", "--config", "none.yaml"], "none.yaml: cannot read this file"),
        (
            ["train", "--data", "nowhere"],
            "fashion-mnist, svhn, stl10, or an existing folder of images, an .npz file",
        ),
        (["train", "--data", "cifar10"], "get it with `connprune data cifar10`"),
        (["train", "--preset", "digits", "--epochs", "0"], "training.epochs: found 0"),
        (["train", "--preset", "digits", "--epochs", "x"], "'--epochs': found 'x', expected a whole number"),
        (["train", "--threads", "0"], "'--threads': found 0, expected a whole number from 1 to 4,096"),
        (["sweep", "x.yaml", "--jobs", "two"], "'--jobs': found 'two', expected a whole number"),
        (["prune", "--threshold", "low"], "'--threshold': found 'low', expected a number"),
        (["train", "--preset", "digits", "--seed", "-1"], "training.seed: found -1"),
        (["train", "--preset", "digits", "--device", "tpu"], "--device: found 'tpu'"),
        (["train", "--preset", "digits", "--device", "cuda:99"], "CUDA devices here"),
        (["train", "--preset", "digits", "--set", "a"], "expected KEY=VALUE"),
        (["train", "--preset", "digits", "--no-such"], "--no-such"),
        (["train", "--preset", "digits", "--set", "layers.2.size=9"], "the layer 'pool1' got"),
        (["train", "--preset", "blog", "--data", "digits"], "the layer 'pool2' got"),
        (["train", "--preset", "digits", "--set", "layers.0.kind=[a]"], "layers.0: found the kind ['a']"),
        (["train", "--preset", "digits", "--set", "data.train_images=9999"], "data.train_images: found 9999"),
        (
            ["train", "--preset", "digits", "--set", "data.validation=0.9999"],
            "data.validation: found 0.9999, which holds out 1,347 of 1,347 training images and leaves 0 to train on",
        ),
        (["train", "--preset", "digits", "--set", "data.size=[4, 4]"], "size belongs to a folder of images"),
        (["inspect", "x", "--set", "gates.kind=linear"], "Give a run, or"),
        (["train", "--resume"], "There is no train run in runs"),
        (["inspect"], "There is no train or cut or retrain run in runs"),
        (["inspect", "nowhere"], "nowhere: there is no such run"),
        (["inspect", ""], "The name of the run is empty"),
        (["inspect", "."], "this directory is no run"),
        (["inspect", "--csv", "--json", "--preset", "blog"], "--csv and --json"),
        (["inspect", "--preset", "blog", "--history"], "no gates recorded"),
        (["inspect", "x", "--preset", "blog"], "Give a run, or --preset, --config and --set"),
        (["prune"], "make one with `connprune train`"),
        (
            ["prune", "--keep", "3", "--threshold", "0.5"],
            "Give one of --threshold, --keep, --sparsity, --keep-per-layer, or any of --max-params, --max-macs, "
            "--max-latency, --max-drop; found 2 of them",
        ),
        (["prune", "--keep", "3", "--max-drop", "1"], "found 2 of them"),
        (["prune", "--max-drop", "-1"], "'--max-drop': found '-1', expected a number from 0 to 100"),
        (["prune", "--max-latency", "0ms"], "'--max-latency': found '0ms', expected milliseconds above 0, like 3ms"),
        (["prune", "--max-latency", "3s"], "'--max-latency': found '3s', expected milliseconds above 0, like 3ms"),
        (
            ["prune", "--max-macs", "half"],
            "'--max-macs': found 'half', expected a whole number, or a percentage like 50%",
        ),
        (["prune", "--max-params", "120%"], "'--max-params': A budget of 120%: expected 0% to 100% of the parent"),
        (["prune", "--keep", "3", "--max-macs", "50%"], "found 2 of them"),
        (["prune", "--threshold", "0.1", "--keep", "3"], "found 2 of them"),
        (["prune", "--threshold", "0.1"], "make one with `connprune train`"),
        (["prune", "--keep", "3", "--by", "magic"], "--by: found 'magic', expected one of gate, strength"),
        (["prune", "--keep", "3", "--granularity", "pixel"], "--granularity: found 'pixel', expected connection or"),
        (["train", "--plugin", "nowhere"], "plug-in nowhere: cannot import this module: ModuleNotFoundError"),
        (["train", "--plugin", "noise.py"], "give the name of the module, without its folder and without .py"),
        (["train", "--preset", ""], "preset: found '', expected one of"),
        (["train", "--preset", "digits", "--set", "layers=[1]"], "found 1, expected a mapping with a kind"),
        (["train", "--preset", "digits", "--set", "layers=[1]"], "(command line: `--set layers=[1]`)"),
        (["train", "--preset", "digits", "--set", "layers.0.name=Hé"], "expected lower-case letters, digits, _ and -"),
        (["train", "--preset", "digits", "--set", "layers.0.feature_maps=99999999999"], "expected less than or equal"),
        (["train", "--preset", "digits", "--dry-run", "--device", "tpu"], "--device: found 'tpu'"),
        (["data", ""], "found '', expected one of"),
        (["train", "--plugin", "json"], "plug-in json: this module defines no layer"),
        (["prune", "--sweep"], "--sweep goes with --dry-run"),
        (["prune", "--keep", "3", "--csv"], "--csv goes with --sweep"),
        (["train", "--preset", "digits", "--set", "layers.0.kind=lstm"], "layers.0"),
        (["train", "--preset", "digits", "--set", "merge={aggregate: squeeze, feature_maps: 99}"], "merges.conv2"),
        (["prune", "nowhere", "--threshold", "0.1"], "there is no such run"),
        (["retrain"], "make one with `connprune prune`"),
        (["data", "kmnist"], "found 'kmnist', expected one of"),
        (["presets", "digit"], "found 'digit', expected one of"),
        (["export"], "--format"),
        (["export", "--format", "tf"], "--format: found 'tf', expected one of onnx, pt2, safetensors, dot, mermaid"),
        (["export", "--format", "onnx"], "There is no train or cut or retrain run in runs"),
        (["export", "nowhere", "--format", "dot", "--out", "new/wiring.dot"], "nowhere: there is no such run"),
        (["sing"], "sing"),
    ],
)
def test_refusals(command: Command, tmp_path: Path, arguments: list[str], told: str) -> None:
    outcome = command(*arguments)
    assert_refused(outcome)
    assert told in outcome.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["train", "--preset", "digit"], "digits"),
        (["presets", "sequences"], "sequence"),
        (["train", "--data", "digitz"], "digits"),
        (["data", "cifar-10"], "cifar10"),
        (["export", "--format", "onx"], "onnx"),
        (["prune", "--keep", "3", "--by", "strenght"], "strength"),
        (["train", "--set", "gates.kind=sigmoit"], "sigmoid"),
        (["train", "--set", "training.schedule.kind=cosin"], "cosine"),
        (["train", "--set", "layers.0.kind=cov"], "conv"),
        (["train", "--set", "trainin.epochs=3"], "training"),
    ],
)
def test_slips_are_answered_with_what_was_meant(command: Command, arguments: list[str], meant: str) -> None:
    outcome = command(*arguments)
    assert_refused(outcome)
    assert f"did you mean {meant!r}?" in outcome.err


def test_a_word_that_belongs_to_an_option(command: Command, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("preset: digits\n")
    (tmp_path / "pictures" / "train").mkdir(parents=True)
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "summary.json").write_text("{}")
    for arguments, option in (
        (["train", "digits"], "--preset digits"),
        (["train", "--epochs", "3", "blog"], "--preset blog"),
        (["train", "mine.yaml"], "--config mine.yaml"),
        (["train", "pictures"], "--data pictures"),
        (["train", "cifar10"], "--data cifar10"),
        (["train", "old"], "--resume --run old"),
        (["bench", "digits"], "--preset digits"),
        (["bench", "mine.yaml"], "--config mine.yaml"),
        (["inspect", "digits"], "--preset digits"),
        (["inspect", "mine.yaml"], "--config mine.yaml"),
    ):
        outcome = command(*arguments)
        assert_refused(outcome)
        assert f"did you mean {option}?" in outcome.err
    for arguments in (["train", "x\0"], ["train", "a" * 5000], ["env", "digits"], ["inspect", "nothing"]):
        outcome = command(*arguments)
        assert_refused(outcome)
        assert "did you mean" not in outcome.err


def test_an_experiment_where_one_network_belongs(command: Command, tmp_path: Path) -> None:
    base = "{preset: digits, data: {train_images: 64}, training: {epochs: 1}}"
    (tmp_path / "sweep.yaml").write_text(f"base: {base}\naxes: {{gates.penalty: [0, 0.1]}}\n")
    command("sweep", "sweep.yaml", "--run", "swept", "--device", "cpu")
    command("train", *TINY, "--run", "whole")
    command("prune", "whole", "--keep", "20", "--out", "cut")
    command("retrain", "cut", "--seeds", "2", "--epochs", "1", "--run", "compared", "--device", "cpu")
    for run, kind in (("swept", "sweep"), ("compared", "comparison")):
        for arguments in (
            ["prune", run, "--keep", "3"],
            ["inspect", run],
            ["inspect", run, "whole"],
            ["export", run, "--format", "dot"],
            ["retrain", run],
            ["train", "--resume", "--run", run],
        ):
            outcome = command(*arguments)
            assert_refused(outcome)
            assert f"{run}: this is a {kind}, an experiment of several trainings" in outcome.err
            named = outcome.err.partition("like ")[2].partition(";")[0]
            assert (tmp_path / named / "summary.json").is_file()


def test_the_path_of_a_run_that_was_meant(command: Command, tmp_path: Path) -> None:
    for name in ("runs/digits-1", "elsewhere/mine"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "summary.json").write_text("{}")
    assert "did you mean runs/digits-1?" in command("prune", "digits-1", "--keep", "3").err
    assert "did you mean runs/digits-1?" in command("inspect", "runs/digit-1").err
    assert "did you mean elsewhere/mine?" in command("export", "elsewhere/mime", "--format", "dot").err
    assert command("inspect", "nothing/like/it").err.endswith("there is no such run.\n")


def test_a_run_that_already_holds_something_is_left_alone(command: Command, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    outcome = command("train", *TINY, "--run", "mine")
    assert_refused(outcome)
    assert "mine: expected an empty or a new directory" in outcome.err
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_rules_out_of_range(command: Command) -> None:
    command("train", *TINY)
    for rule in (
        ("--keep", "99"),
        ("--keep", "-1"),
        ("--sparsity", "1.5"),
        ("--threshold", "nan"),
        ("--threshold", "-0.1"),
        ("--threshold", "inf"),
    ):
        assert_refused(command("prune", *rule))


def test_a_run_without_gates_cannot_be_cut(command: Command) -> None:
    command("train", *TINY, "--set", "gates=none")
    outcome = command("prune", "--keep", "3")
    assert_refused(outcome)
    assert "has no gates" in outcome.err


def test_a_retrained_run_says_what_to_cut_instead(command: Command) -> None:
    command("train", *TINY)
    cut = command("prune", "--sparsity", "0.4").out.strip()
    retrained = command("retrain").out.strip()
    outcome = command("prune", retrained, "--keep", "3")
    assert_refused(outcome)
    assert f"name what it was retrained from: {Path(cut).resolve()}." in outcome.err


def test_a_training_that_is_no_cut_cannot_be_retrained(command: Command) -> None:
    run = command("train", *TINY).out.strip()
    outcome = command("retrain", run)
    assert_refused(outcome)
    assert f"connprune prune {run}" in outcome.err


FILES = ["summary.json", "architecture.yaml", "config.yaml", "final.safetensors", "gates.safetensors"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.sampled_from(FILES), st.floats(0, 1), st.one_of(st.just("cut short"), st.integers(0, 255)))
def test_damaged_runs(command: Command, tmp_path: Path, name: str, place: float, damage: str | int) -> None:
    """Cut short or with one byte changed: a clear refusal, or the same result where the byte did not matter."""
    run = tmp_path / "run"
    if not run.exists():
        command("train", *TINY, "--run", run)
    path = run / name
    whole = path.read_bytes()
    position = int(place * (len(whole) - 1))
    changed = (
        whole[:position] if damage == "cut short" else whole[:position] + bytes([int(damage)]) + whole[position + 1 :]
    )
    path.write_bytes(changed)
    try:
        outcome = command("prune", run, "--keep", "20", "--dry-run", "--json")
    finally:
        path.write_bytes(whole)
    assert outcome.code in (0, 2), outcome
    assert "Traceback" not in outcome.err
    if outcome.code == 2:
        assert outcome.out == ""
        assert outcome.err.startswith("Error: ")


def test_a_damaged_cut_is_refused_before_it_is_trained(command: Command, tmp_path: Path) -> None:
    command("train", *TINY)
    cut = Path(command("prune", "--keep", "20").out.strip())
    for text in ("{", "{}", '{"connections": 3}', "[]"):
        (cut / "cut.json").write_text(text)
        assert_refused(command("retrain"))
    assert len(list((tmp_path / "runs").iterdir())) == 2


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="needs a limit on file sizes")
def test_a_cut_that_cannot_be_written_leaves_nothing(tmp_path: Path, command: Command) -> None:
    """A limit on the size of files fails a write midway, as a full disk does."""
    assert command("train", *TINY, "--run", "mine").code == 0

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    words = [sys.executable, "-m", "connprune", "prune", "mine", "--keep", "40", "--out", "cuts/first"]
    done = subprocess.run(words, cwd=tmp_path, preexec_fn=limit, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "larger than this process may write (ulimit -f)" in done.stderr
    assert "Traceback" not in done.stderr
    assert list((tmp_path / "cuts").iterdir()) == []


def test_a_folder_that_cannot_be_made(command: Command, tmp_path: Path) -> None:
    """A file stands where a folder should be."""
    (tmp_path / "file").write_text("")
    outcome = command("train", *TINY, "--runs", "file/runs")
    assert_refused(outcome)
    assert "runs: expected a folder, found a file" in outcome.err
    assert (tmp_path / "file").read_text() == ""
