"""A training: the same for the same seed, and the same whether or not it was interrupted."""

import json
import os
import shutil
from itertools import product
from pathlib import Path

import pytest
import torch

from connprune import load
from connprune.architecture.base import Shape
from connprune.documents.run import Reached
from connprune.errors import ConnpruneError, InterruptedRunError, UsageError
from connprune.plugins import load_plugin
from connprune.tensor_files import read_tensors
from connprune.training.configuration import read_configuration, resolve, resolve_resumed
from connprune.training.layered import Setting
from tests.training.helpers import StopAfter, configuration, go_on, lasting, start, train

DROPOUT_AND_PLATEAU = ("training.schedule={kind: plateau, patience: 1}", "gates.penalty_warmup=2")

BERNOULLI = ("gates.kind=bernoulli", "gates.penalise=expected-cost", "gates.budget={macs: 50%}")
TOP_K = ("gates.kind=top-k", "gates.penalty=0", "gates.open=40%")
REINFORCE = ("gates.kind=reinforce",)
SOFTMAX = ("gates.kind=softmax",)
UNROLLED = ("unroll=2", "connections=complete", "merge={aggregate: squeeze, feature_maps: 8}")
HARD_CONCRETE = ("gates.kind=hard-concrete", "gates.target_sparsity=0.5", "gates.penalty_warmup=1")


def test_the_same_seed_gives_the_same_run_bit_for_bit(tmp_path: Path) -> None:
    one, same = train(tmp_path / "one"), train(tmp_path / "same")
    other = train(tmp_path / "other", "training.seed=2")
    assert lasting(one) == lasting(same)
    assert lasting(one) != lasting(other)


CHOSEN = [
    *product([(), DROPOUT_AND_PLATEAU, HARD_CONCRETE], [(1,), (4,), (5,), (7, 3), (14,)]),
    *product([BERNOULLI, TOP_K, SOFTMAX, REINFORCE, UNROLLED], [(7, 3)]),
]


def test_a_finished_run_is_left_as_it_is(tmp_path: Path) -> None:
    chosen = configuration()
    run = start(tmp_path / "run", chosen)
    summary = go_on(run, chosen)
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    assert go_on(run, chosen) == summary
    assert {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()} == before


def test_a_finished_run_from_before_a_key_existed_is_left_as_it_is(tmp_path: Path) -> None:
    chosen = configuration()
    run = start(tmp_path / "run", chosen)
    go_on(run, chosen)
    lines = run.text(run.config).splitlines(keepends=True)
    run.reconfigure("".join(line for line in lines if "compile:" not in line))
    assert len(run.text(run.config).splitlines()) == len(lines) - 1
    before = run.summary
    assert go_on(run, chosen) == before == run.summary


def test_a_finished_run_that_cannot_go_on_keeps_its_results(tmp_path: Path) -> None:
    chosen = configuration()
    run, other = start(tmp_path / "run", chosen), train(tmp_path / "other", "gates.sharing=per-feature-map")
    go_on(run, chosen)
    before = run.summary
    shutil.copy(other.checkpoint, run.checkpoint)
    run.previous_checkpoint.unlink(missing_ok=True)
    with pytest.raises(UsageError, match="another network or another version"):
        go_on(run, configuration(f"training.epochs={chosen.training.epochs + 1}"))
    assert run.summary == before


@pytest.mark.parametrize(("settings", "stops"), CHOSEN)
def test_an_interrupted_run_equals_an_uninterrupted_one(
    tmp_path: Path, settings: tuple[str, ...], stops: tuple[int, ...]
) -> None:
    """Five steps an epoch: the stops fall inside epochs, between them, and twice in one run."""
    whole = train(tmp_path / "whole", *settings)
    chosen = configuration(*settings)
    run = start(tmp_path / "interrupted", chosen)
    for steps in stops:
        with pytest.raises(InterruptedRunError, match="saved") as caught:
            go_on(run, chosen, StopAfter(steps))
        assert caught.value.exit_code == 143
        assert run.summary.status == "interrupted"
        torch.rand(7)
    go_on(run, chosen)
    assert lasting(run) == lasting(whole)


def test_what_an_optimizer_of_ones_own_remembers_is_resumed_bit_for_bit(tmp_path: Path) -> None:
    """Tensors of another type than the weights', numbers and lists by parameter, and a number in its groups."""
    load_plugin("tests.training.optimizers")
    optimizer = "training.optimizer={kind: remembering, rate: 0.05}"
    whole = train(tmp_path / "whole", optimizer)
    chosen = configuration(optimizer)
    run = start(tmp_path / "interrupted", chosen)
    for steps in (3, 5):
        with pytest.raises(InterruptedRunError):
            go_on(run, chosen, StopAfter(steps))
    go_on(run, chosen)
    assert lasting(run) == lasting(whole)


def test_what_no_checkpoint_can_hold_is_refused(tmp_path: Path) -> None:
    load_plugin("tests.training.optimizers")
    with pytest.raises(ConnpruneError, match=r"WithASet remembers 'seen', .* which no checkpoint can hold"):
        train(tmp_path / "run", "training.optimizer={kind: secretive}")


def test_a_run_killed_between_checkpoints_resumes_from_the_last(tmp_path: Path) -> None:
    whole = train(tmp_path / "whole")
    chosen = configuration()
    run = start(tmp_path / "killed", chosen)
    with pytest.raises(InterruptedRunError):
        go_on(run, chosen, StopAfter(5))
    checkpoint = run.checkpoint.read_bytes()
    with pytest.raises(InterruptedRunError):
        go_on(run, chosen, StopAfter(7))
    run.checkpoint.write_bytes(checkpoint)
    go_on(run, chosen)
    assert lasting(run) == lasting(whole)


def test_more_epochs_continue_a_finished_run(tmp_path: Path) -> None:
    # What is a share of the training, or spread over it, would be another in a longer one.
    fixed = (
        "training.schedule={kind: constant}",
        "gates.penalty_warmup=2",
        "gates.temperature={start: 1.0, end: 1.0}",
    )
    longer = train(tmp_path / "longer", *fixed, "training.epochs=5")
    run = train(tmp_path / "extended", *fixed)
    wanted = resolve_resumed(run, None, None, map(Setting.read, ["training.epochs=5"]))
    stop = StopAfter()
    go_on(run, wanted, stop)
    assert stop.done == 3
    assert lasting(run) == lasting(longer)


@pytest.mark.parametrize(
    ("assignment", "told"),
    [
        ("training.seed=3", r"training.seed \(was 1337, now 3\)"),
        ("training.epochs=2", r"training.epochs \(was 3, now 2\)"),
        ("gates.kind=linear", r"gates.kind \(was 'sigmoid', now 'linear'\)"),
    ],
)
def test_a_changed_setting_is_named_and_refused(tmp_path: Path, assignment: str, told: str) -> None:
    run = train(tmp_path / "run", "training.epochs=3")
    with pytest.raises(UsageError, match=told):
        resolve_resumed(run, None, None, map(Setting.read, [assignment]))


def test_what_a_run_directory_holds(tmp_path: Path) -> None:
    run = train(tmp_path / "run", "training.checkpoint_epochs=1")
    names = {path.relative_to(run.path).as_posix() for path in run.path.rglob("[!.]*") if path.is_file()}
    assert names == {
        "architecture.yaml",
        "best.safetensors",
        "checkpoint/latest.safetensors",
        "checkpoint/previous.safetensors",
        "config.yaml",
        "environment.json",
        "final.safetensors",
        "gates.safetensors",
        "metrics.jsonl",
        "summary.json",
    }
    assert [epoch.epoch for epoch in run.read_metrics()] == [1, 2, 3]
    assert run.read_gates().values.shape == (4, 44)
    assert run.summary.status == "finished"
    assert run.trained().final.epoch == 3
    losses = [epoch.validation_loss for epoch in run.read_metrics()]
    assert run.trained().best.validation_loss == min(losses)


def test_the_saved_configuration_is_complete(tmp_path: Path) -> None:
    run = train(tmp_path / "run", "training.seed=5")
    again = read_configuration(run)
    assert again.training.seed == 5
    assert again.input is not None
    assert again.architecture_for(Shape(1, 8, 8), 10) == run.architecture()


def test_a_loaded_network_takes_raw_images_and_scores_as_reported(tmp_path: Path) -> None:
    from connprune.data.settings import DataSettings
    from connprune.data.sources import load as load_data

    run = train(tmp_path / "run", "training.epochs=8")
    network, architecture = load(run.path)
    assert architecture == run.architecture()
    test = load_data(DataSettings(source="digits")).test
    right = (network(test.images).argmax(1) == test.labels).double().mean().item()
    assert right == pytest.approx(run.trained().final.test_accuracy, abs=1e-9)


def test_the_history_of_linear_gates_is_a_history(tmp_path: Path) -> None:
    """A linear gate is the parameter itself: what is recorded must be a copy."""
    values = train(tmp_path / "run", "gates.kind=linear").read_gates().values
    assert (values[0] == 0.5).all()
    assert len({row.tobytes() for row in values}) == 4


def test_pressure_draws_linear_gates_to_zero_not_below(tmp_path: Path) -> None:
    pressure = ("gates.penalty=1.0", "gates.penalty_warmup=0", "gates.rate=0.05", "training.epochs=6")
    run = train(tmp_path / "run", "gates.kind=linear", *pressure)
    assert max(abs(gate) for gate in run.read_gates().final().values()) < 0.1


def test_a_finished_run_that_goes_on_has_no_results_until_it_ends(tmp_path: Path) -> None:
    run = train(tmp_path / "run")
    chosen = configuration("training.epochs=5")
    with pytest.raises(InterruptedRunError):
        go_on(run, chosen, StopAfter(2))
    assert run.summary.final is None
    with pytest.raises(UsageError, match=r"has not ended .*'interrupted'"):
        load(run.path)


def test_a_run_is_trained_by_one_process_at_a_time(tmp_path: Path) -> None:
    chosen = configuration()
    run = start(tmp_path / "run", chosen)
    with run.locked(), pytest.raises(UsageError, match=rf"run: process {os.getpid()} on .* is training in this run"):
        go_on(run, chosen)
    go_on(run, chosen)


def test_changed_images_are_noticed(tmp_path: Path, digits_folder: Path) -> None:
    settings = (f"data.source={digits_folder}", f"data.cache={tmp_path}", "data.train_images=40", "data.channels=1")
    chosen = configuration(*settings)
    run = start(tmp_path / "run", chosen)
    with pytest.raises(InterruptedRunError):
        go_on(run, chosen, StopAfter(1))
    (digits_folder / "train" / "3" / "000.png").unlink()
    with pytest.raises(UsageError, match="are others than those that it was made with"):
        go_on(run, chosen)
    shutil.copytree(digits_folder / "train" / "3", digits_folder / "train" / "new")
    shutil.copytree(digits_folder / "test" / "3", digits_folder / "test" / "new")
    with pytest.raises(UsageError, match="classes: found 10, expected 11, as the data have"):
        go_on(run, read_configuration(run))


def test_a_failure_is_recorded(tmp_path: Path) -> None:
    chosen = configuration()
    run = start(tmp_path / "run", chosen)
    with pytest.raises(InterruptedRunError):
        go_on(run, chosen, StopAfter(7))
    run.checkpoint.write_bytes(b"")
    run.previous_checkpoint.write_bytes(b"")
    with pytest.raises(UsageError, match=r"previous.safetensors: this file is damaged"):
        go_on(run, chosen)
    assert run.summary.status == "failed"


def test_pressure_closes_gates_and_none_does_not(tmp_path: Path) -> None:
    free = train(tmp_path / "free", "gates.penalty=0.0", "training.epochs=6")
    pressed = train(
        tmp_path / "pressed", "gates.penalty=0.1", "gates.penalty_warmup=0", "gates.rate=0.1", "training.epochs=6"
    )
    assert sum(pressed.read_gates().final().values()) < 0.5 * sum(free.read_gates().final().values())


def test_the_penalty_warms_up_linearly(tmp_path: Path) -> None:
    run = train(tmp_path / "run", "gates.penalty=0.01", "gates.penalty_warmup=2")
    assert [epoch.penalty for epoch in run.read_metrics()] == pytest.approx([0.005, 0.01, 0.01])


def test_gates_start_where_those_of_another_run_ended(tmp_path: Path) -> None:
    one = train(tmp_path / "one")
    initialisation = f"gates.initialisation={{kind: from-run, run: {one.path}}}"
    two = train(tmp_path / "two", initialisation)
    # At the start of a training the temperature is another than at the end; the gates are the same.
    assert two.read_gates().values[0] == pytest.approx(one.read_gates().values[-1], abs=1e-6)
    with pytest.raises(UsageError, match=r"conv1->conv2 has 16 gates, but in .* 1"):
        train(tmp_path / "three", initialisation, "gates.sharing=per-feature-map")
    with pytest.raises(UsageError, match="there is no such run"):
        train(tmp_path / "four", "gates.initialisation={kind: from-run, run: nowhere}")


def test_the_temperature_falls_over_the_training(tmp_path: Path) -> None:
    run = train(tmp_path / "run", "gates.temperature={start: 1.0, end: 0.25}", "gates.penalty=0.0")
    assert read_tensors(run.final)[0]["gates.temperature"].item() == pytest.approx(0.25)


def test_a_training_of_one_epoch_has_the_last_temperature(tmp_path: Path) -> None:
    gates = ("gates.temperature={start: 1.0, end: 0.25}", "gates.penalty=0.0", "training.epochs=1")
    run = train(tmp_path / "run", *gates)
    assert read_tensors(run.final)[0]["gates.temperature"].item() == pytest.approx(0.25)


def test_an_unmet_target_is_said(tmp_path: Path) -> None:
    chosen, watcher = configuration("gates.target_sparsity=0.9", "gates.rate=0.001"), StopAfter()
    summary = go_on(start(tmp_path / "run", chosen), chosen, watcher)
    assert summary.target_sparsity == Reached(wanted=0.9, reached=0.0, met=False)
    (warning,) = watcher.warnings
    assert "gates.target_sparsity: 0% of the connections ended closed, not 90%" in warning


def test_a_target_that_is_exceeded_is_said(tmp_path: Path) -> None:
    gates = ("gates.target_sparsity=0.1", "gates.initialisation={kind: constant, value: -9}", "gates.penalty=0.1")
    chosen, watcher = configuration(*gates), StopAfter()
    found = go_on(start(tmp_path / "run", chosen), chosen, watcher).target_sparsity
    assert found
    assert not found.met
    assert "lower gates.penalty" in watcher.warnings[0]


@pytest.mark.slow
@pytest.mark.parametrize(("wanted", "epochs"), [(0.3, 20), (0.5, 20), (0.7, 20), (0.5, 50), (0.5, 100)])
def test_the_target_is_met_and_not_by_much(tmp_path: Path, wanted: float, epochs: int) -> None:
    assignments = [f"gates.target_sparsity={wanted}", f"training.epochs={epochs}"]
    chosen = resolve(preset="digits", assignments=assignments)
    run = start(tmp_path / "run", chosen)
    summary = go_on(run, chosen)
    assert summary.target_sparsity
    assert wanted - 0.05 <= summary.target_sparsity.reached <= wanted + 0.05
    assert summary.final.test_accuracy > 0.95


def test_a_diverging_training_says_so(tmp_path: Path) -> None:
    chosen = configuration("training.optimizer={kind: adam, rate: 1e30}")
    run = start(tmp_path / "run", chosen)
    with pytest.raises(ConnpruneError, match=r"in epoch 1, in step 2 of 5: .*\(now 1e\+30\).* no checkpoint yet"):
        go_on(run, chosen)
    assert run.summary.status == "failed"


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    run = train(tmp_path / "run")
    other = start(tmp_path / "other", configuration("layers.0.feature_maps=3"))
    other.checkpoint.parent.mkdir()
    other.checkpoint.write_bytes(run.checkpoint.read_bytes())
    with pytest.raises(UsageError, match="of another network or another version"):
        go_on(other, configuration("layers.0.feature_maps=3"))


def test_metrics_are_json_that_any_reader_takes(tmp_path: Path) -> None:
    run = train(tmp_path / "run")
    for line in run.metrics.read_text().splitlines():
        assert "NaN" not in line
        assert json.loads(line)["images_per_second"] > 0


BUDGET = ("gates.penalise=expected-cost", "gates.budget={parameters: 50%, macs: 40%}", "gates.penalty_warmup=0.3")


def test_a_budget_resumes_bit_for_bit(tmp_path: Path) -> None:
    """λ of each count is state: it goes on within an epoch, too."""
    chosen = configuration(*BUDGET)
    whole = start(tmp_path / "whole", chosen)
    go_on(whole, chosen)
    broken = start(tmp_path / "broken", chosen)
    for _ in range(2):
        with pytest.raises(InterruptedRunError):
            go_on(broken, chosen, StopAfter(4))
    go_on(broken, chosen)
    assert lasting(whole) == lasting(broken)
    assert whole.read_metrics()[-1].penalty


def test_a_budget_that_was_not_reached_is_said(tmp_path: Path) -> None:
    chosen, watcher = configuration(*BUDGET), StopAfter()
    summary = go_on(start(tmp_path / "run", chosen), chosen, watcher)
    assert summary.budget
    assert {name: each.met for name, each in summary.budget.items()} == {"parameters": False, "macs": False}
    assert summary.budget["macs"].wanted == int(0.4 * summary.macs)
    assert any("gates.budget.macs: without its closed gates the network has" in text for text in watcher.warnings)
