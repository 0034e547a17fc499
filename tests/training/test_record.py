"""What goes wrong while a training goes on costs at most the steps since the last checkpoint, and is said."""

import json
from pathlib import Path

import pytest
import torch

from connprune.data.sources import load
from connprune.errors import DivergedError, InterruptedRunError, NoMemoryError, UsageError
from connprune.runs.directory import RunDirectory
from connprune.tensor_files import read_tensors
from connprune.training.configuration import design
from connprune.training.evaluation import evaluate
from connprune.training.memory_error import explained_memory
from connprune.training.run import load_network, split_data
from tests.training.helpers import StopAfter, configuration, go_on, lasting, start, train

EACH = "training.checkpoint_epochs=1"
HOT = "training.optimizer={kind: adam, rate: 1e30}"


def damaged(path: Path, how: str) -> None:
    whole = path.read_bytes()
    middle = len(whole) // 2
    changed = {
        "empty": b"",
        "short": whole[:-1],
        "one bit": whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
    }
    path.write_bytes(changed[how])


@pytest.mark.parametrize("how", ["empty", "short", "one bit"])
def test_a_damaged_checkpoint_gives_way_to_the_one_before(tmp_path: Path, how: str) -> None:
    whole, chosen = train(tmp_path / "whole", EACH), configuration(EACH)
    run = start(tmp_path / "run", chosen)
    with pytest.raises(InterruptedRunError):
        go_on(run, chosen, StopAfter(12))
    damaged(run.checkpoint, how)
    stop = StopAfter()
    go_on(run, chosen, stop)
    (warning,) = stop.warnings
    assert "latest.safetensors: this file is damaged" in warning
    assert "Going on from the checkpoint before it" in warning
    assert stop.done == 2
    assert lasting(run) == lasting(whole)


def test_a_checkpoint_that_was_moved_away_gives_way_too(tmp_path: Path) -> None:
    """As when a process is killed between the two renames."""
    whole, chosen = train(tmp_path / "whole", EACH), configuration(EACH)
    run = start(tmp_path / "run", chosen)
    with pytest.raises(InterruptedRunError):
        go_on(run, chosen, StopAfter(12))
    run.checkpoint.unlink()
    go_on(run, chosen)
    assert lasting(run) == lasting(whole)


@pytest.mark.parametrize("how", ["empty", "short", "one bit"])
def test_two_damaged_checkpoints_are_refused(tmp_path: Path, how: str) -> None:
    run = train(tmp_path / "run", EACH)
    for path in (run.checkpoint, run.previous_checkpoint):
        damaged(path, how)
    with pytest.raises(UsageError, match=r"previous.safetensors: this file is damaged"):
        go_on(run, configuration(EACH, "training.epochs=4"))


def test_damaged_metrics_cost_nothing(tmp_path: Path) -> None:
    whole, chosen = train(tmp_path / "whole"), configuration()
    run = start(tmp_path / "run", chosen)
    with pytest.raises(InterruptedRunError):
        go_on(run, chosen, StopAfter(12))
    run.metrics.write_text("{")
    go_on(run, chosen)
    assert lasting(run) == lasting(whole)


@pytest.mark.parametrize("name", ["final", "best", "gates"])
def test_weights_are_not_taken_with_a_bit_flipped(tmp_path: Path, name: str) -> None:
    run = train(tmp_path / "run")
    path = getattr(run, name)
    damaged(path, "one bit")
    from connprune.tensor_files import read_arrays, read_tensors

    for read in (read_tensors, read_arrays):
        with pytest.raises(UsageError, match="this file is damaged: it does not hold what was written into it"):
            read(path)


@pytest.mark.parametrize("name", ["config.yaml", "architecture.yaml", "metrics.jsonl", "summary.json"])
def test_texts_of_a_finished_run_are_not_taken_when_changed(tmp_path: Path, name: str) -> None:
    run = train(tmp_path / "run")
    path = run.path / name
    text = path.read_text()
    digit = next(place for place, letter in enumerate(text) if letter in "12345678")
    path.write_text(text[:digit] + "9" + text[digit + 1 :])
    with pytest.raises(UsageError, match=f"{name}: this file is damaged"):
        read_all(run)


def read_all(run: RunDirectory) -> None:
    from connprune.training.configuration import read_configuration

    read_configuration(run)
    run.architecture()
    run.read_metrics()


class KilledError(Exception):
    """Ends a training with nothing saved, as a kill does, but for what is being written."""


class KilledAfter(StopAfter):
    def after_step(self) -> None:
        super().after_step()
        if self.number:
            raise KilledError


@pytest.mark.parametrize(("steps", "place"), [(1, (0, 0)), (2, (0, 1)), (5, (0, 4)), (6, (1, 0)), (9, (1, 3))])
def test_a_checkpoint_is_written_within_an_epoch_when_the_last_is_old(
    tmp_path: Path, steps: int, place: tuple[int, int] | None
) -> None:
    """Even after every step, five of which are an epoch, it changes nothing that is learned."""
    whole, chosen = train(tmp_path / "whole"), configuration("training.checkpoint_minutes=1e-9")
    run = start(tmp_path / "run", chosen)
    with pytest.raises(KilledError):
        go_on(run, chosen, KilledAfter(steps))
    assert place_of(run) == place
    go_on(run, chosen)
    assert lasting(run)[1:] == lasting(whole)[1:]


def place_of(run: RunDirectory) -> tuple[int, int] | None:
    """After how many epochs and steps the checkpoint on the disk is."""
    if not run.checkpoint.exists():
        return None
    progress = json.loads(read_tensors(run.checkpoint)[1]["progress"])
    return progress["epoch"], progress["step"]


@pytest.mark.parametrize(("steps", "place"), [(4, None), (13, (2, 0))])
@pytest.mark.parametrize("settings", [(), ("training.on_nan=rollback",)], ids=["stop", "rollback"])
def test_a_young_checkpoint_is_not_replaced(
    tmp_path: Path, steps: int, place: tuple[int, int] | None, settings: tuple[str, ...]
) -> None:
    """What a kill leaves is taken up from where it began last, or was asked to save: the best weights, too."""
    chosen = configuration("training.epochs=4", *settings)
    whole, run = start(tmp_path / "whole", chosen), start(tmp_path / "run", chosen)
    go_on(whole, chosen)
    if place:
        with pytest.raises(InterruptedRunError):
            go_on(run, chosen, StopAfter(10))
        steps -= 10
    with pytest.raises(KilledError):
        go_on(run, chosen, KilledAfter(steps))
    assert place_of(run) == place
    go_on(run, chosen)
    assert lasting(run) == lasting(whole)


def test_what_a_kill_left_of_later_epochs_is_gone_when_the_run_goes_on(tmp_path: Path) -> None:
    """Metrics and gates are shown to others before the checkpoint that knows them."""
    chosen = configuration()
    run = start(tmp_path / "run", chosen)
    with pytest.raises(KilledError):
        go_on(run, chosen, KilledAfter(14))
    assert len(run.read_metrics()) >= 1
    assert not run.checkpoint.exists()
    with pytest.raises(KilledError):
        go_on(run, chosen, KilledAfter(1))
    assert run.read_metrics() == []
    assert len(run.read_gates().values) == 1


def test_a_checkpoint_that_cannot_be_written_ends_the_training(tmp_path: Path) -> None:
    """It is written beside the training, which asks after every step how that went."""
    chosen = configuration("training.checkpoint_minutes=1e-9", "training.epochs=1000")
    run = start(tmp_path / "run", chosen)
    (run.path / "checkpoint").write_text("in its place")
    with pytest.raises(OSError, match="checkpoint"):
        go_on(run, chosen)
    assert run.summary.status == "failed"


def test_the_wall_clock_counts_what_came_before_an_interruption(tmp_path: Path) -> None:
    chosen = configuration()
    run = start(tmp_path / "run", chosen)
    with pytest.raises(InterruptedRunError):
        go_on(run, chosen, StopAfter(12))
    summary = go_on(run, chosen)
    # Each epoch's seconds are counted wherever it was trained.
    assert (summary.wall_seconds or 0) > summary.training_seconds > 0


def test_the_best_weights_are_those_that_the_checkpoint_knows(tmp_path: Path) -> None:
    """Weights of epochs after it, which the training goes through in another way, are not left behind."""
    settings = ("training.checkpoint_epochs=2", "training.epochs=6", "training.on_nan=rollback")
    chosen = configuration(*settings)
    run = start(tmp_path / "run", chosen)
    go_on(run, chosen, SpoilAt(17, interrupts=False))
    best = run.trained().best
    network = load_network(run)
    network.load_state_dict(read_tensors(run.best)[0])
    found = evaluate(network, split_data(chosen, load(chosen.data)).validation)
    assert (found.loss, found.accuracy) == (best.validation_loss, best.validation_accuracy)


def test_nothing_temporary_is_left_and_what_is_the_users_stays(tmp_path: Path) -> None:
    run = train(tmp_path / "run")
    for name in (".notes", ".best.safetensors.x1y2", "checkpoint/.tmpAbCdEf"):
        (run.path / name).write_text("mine")
    go_on(run, configuration("training.epochs=4"))
    assert {path.name for path in run.path.rglob(".*")} <= {".lock", ".notes", ".best.safetensors.x1y2", ".tmpAbCdEf"}
    assert (run.path / ".notes").read_text() == "mine"


def test_a_rollback_goes_on_with_half_the_rates(tmp_path: Path) -> None:
    """A rate that float32 cannot hold a step of, three times halved, still diverges; the last good state is kept."""
    chosen = configuration(HOT, "training.on_nan=rollback")
    run = start(tmp_path / "run", chosen)
    stop = StopAfter()
    with pytest.raises(DivergedError, match=r"rate \(now 1.25e\+29\).* last good checkpoint is after 0 epochs\."):
        go_on(run, chosen, stop)
    assert [f"({count} of 3 times)" in warning for count, warning in enumerate(stop.warnings, 1)] == [True] * 3
    assert json.loads((run.path / "environment.json").read_text())["environments"]


def test_a_rollback_after_a_resume_within_an_epoch_goes_to_the_end_of_the_last_one(tmp_path: Path) -> None:
    chosen = configuration("training.on_nan=rollback")
    whole, run = start(tmp_path / "whole", chosen), start(tmp_path / "run", chosen)
    go_on(whole, chosen, SpoilAt(9, interrupts=False))
    with pytest.raises(InterruptedRunError):
        go_on(run, chosen, StopAfter(7))
    go_on(run, chosen, SpoilAt(2, interrupts=False))
    assert lasting(run) == lasting(whole)


@pytest.mark.parametrize("schedule", ["{kind: cosine}", "{kind: constant}", "{kind: plateau}"])
def test_a_rollback_that_helps_is_kept_when_resumed(tmp_path: Path, schedule: str) -> None:
    """The weights are spoilt once, within the second epoch, as a bad batch would do it."""
    settings = (f"training.schedule={schedule}", "training.on_nan=rollback")
    chosen = configuration(*settings)
    found = []
    for interrupted in (False, True):
        run = start(tmp_path / str(interrupted), chosen)
        stop = SpoilAt(7, interrupted)
        if interrupted:
            with pytest.raises(InterruptedRunError):
                go_on(run, chosen, stop)
            stop = SpoilAt(None, False)
        go_on(run, chosen, stop)
        found.append(lasting(run))
    assert found[0] == found[1]
    rates = [epoch.rate for epoch in run.read_metrics()]
    assert rates[1] <= rates[0] / 2


class SpoilAt(StopAfter):
    """Makes a network's weights infinite after a step, and perhaps stops three steps after the training went back."""

    def __init__(self, at: int | None, interrupts: bool) -> None:
        super().__init__()
        self.at, self.interrupts, self.count = at, interrupts, 0

    def after_step(self) -> None:
        self.count += 1
        if self.count == self.at:
            spoil()
        if self.interrupts and self.warnings:
            self.steps = 3 if self.steps is None else self.steps
            super().after_step()


def spoil() -> None:
    import gc

    from connprune.network.network import Network

    for network in (found for found in gc.get_objects() if type(found) is Network and found.training):
        with torch.no_grad():
            next(network.head.parameters()).fill_(torch.inf)


def test_too_little_memory_is_explained() -> None:
    chosen = configuration()
    architecture = design(chosen)
    told = r"for the 95,734 parameters, \d+ MiB for a batch of 32, and 1 MiB for the images\. Lower training.batch_size"
    with pytest.raises(NoMemoryError, match=told), explained_memory(architecture, chosen.training, 2**20):
        torch.empty(2**60)
    with pytest.raises(RuntimeError, match="something else"), explained_memory(architecture, chosen.training, 0):
        raise RuntimeError("something else")


@pytest.mark.parametrize(
    ("settings", "images", "advice"),
    [
        (["training.batch_size=1"], 0, "Make the network smaller"),
        (["training.batch_size=1"], 2**40, "Take fewer images: data.train_images"),
        (["training.batch_size=4096"], 0, "or try training.recompute=true or training.precision=bfloat16."),
        (["training.batch_size=4096", "training.recompute=true"], 0, "or try training.precision=bfloat16."),
        (
            ["training.batch_size=65536", "training.recompute=true", "training.precision=bfloat16"],
            0,
            "Lower training.batch_size.",
        ),
    ],
)
def test_the_advice_fits_what_fills_the_memory(settings: list[str], images: int, advice: str) -> None:
    chosen = configuration(*settings)
    with pytest.raises(NoMemoryError) as caught, explained_memory(design(chosen), chosen.training, images):
        raise MemoryError
    assert advice in str(caught.value)


@pytest.mark.parametrize(
    "words",
    [
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
        "CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported",
        "MPS backend out of memory (MPS allocated: 1 GB)",
        "[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory",
    ],
)
def test_every_library_has_its_own_words_for_too_little_memory(words: str) -> None:
    chosen = configuration()
    with pytest.raises(NoMemoryError), explained_memory(design(chosen), chosen.training, 0):
        raise RuntimeError(words)


def test_a_network_that_does_not_even_fit_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when it is moved to a GPU."""

    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    chosen = configuration()
    run = start(tmp_path / "run", chosen)
    monkeypatch.setattr(torch.nn.Module, "to", full)
    with pytest.raises(NoMemoryError, match="for the images"):
        go_on(run, chosen)
    assert run.summary.status == "failed"


def test_the_environment_is_recorded_each_time(tmp_path: Path) -> None:
    run = train(tmp_path / "run")
    go_on(run, configuration("training.epochs=4"))
    found = json.loads(run.environment.read_text())["environments"]
    assert len(found) == 2
    for environment in found:
        assert environment["device"] == "cpu"
        assert torch.__version__.startswith(environment["packages"]["torch"])
        assert environment["command"]
