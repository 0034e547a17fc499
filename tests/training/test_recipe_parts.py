"""What a recipe adds to a step, by hand: smoothed and weighted losses, clipping, accumulation, averages; early ends."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from connprune.architecture.base import Shape
from connprune.bench.run import random_splits
from connprune.data.augmentation import Batch
from connprune.errors import InterruptedRunError, UsageError
from connprune.network import build
from connprune.tensor_files import read_tensors, write_tensors
from connprune.training.loss import Loss, balanced
from connprune.training.recipe import OPTIMIZERS, Recipe
from connprune.training.trainer import Trainer
from tests.training.helpers import StopAfter, configuration, go_on, lasting, start, train

WITH_ALL = (
    "training.optimizer={kind: sgd, rate: 0.05, weight_decay: 1.0e-4}",
    "training.schedule={kind: cosine, warmup: 1, every: step}",
    "training.label_smoothing=0.1",
    "training.class_weights=balanced",
    "training.clip_norm=1.0",
    "training.accumulate=2",
    "training.ema_decay=0.9",
    "data.augment.operations=[{kind: crop, padding: 1}, {kind: mixup}, {kind: cutmix}]",
    "layers.0.norm=batch",
)
# Nothing is drawn, and nothing sees one part of a batch alone.
PLAIN = ("layers.3.rate=0", "layers.7.rate=0", "data.augment.shift=0")


def trainer_of(*assignments: str, count: int = 130) -> Trainer:
    chosen = configuration(*assignments)
    torch.manual_seed(0)
    network = build(chosen.with_input(Shape(1, 8, 8), 10)).train()
    splits = random_splits(Shape(1, 8, 8), 10, count=count)
    return Trainer(network, splits, chosen.data.augment, chosen.training, pytest.fail)


def weights_of(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in trainer.network.state_dict().items()}


@given(st.lists(st.integers(0, 3), min_size=1, max_size=30))
def test_balanced_weights_give_each_class_the_same_part(labels: list[int]) -> None:
    """The formula of scikit-learn's class_weight='balanced'."""
    numbers = torch.tensor(labels)
    weights = balanced(numbers, 4)
    for label in set(labels):
        assert weights[label].item() == pytest.approx(len(labels) / (4 * labels.count(label)))
    of_each = torch.zeros(4).index_add_(0, numbers, weights[numbers])
    assert of_each[numbers.unique()].tolist() == pytest.approx([len(labels) / 4] * len(set(labels)))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_is_torch_s(smoothing: float) -> None:
    torch.manual_seed(0)
    scores, labels = torch.randn(12, 5), torch.randint(5, (12,))
    plain = Loss(Recipe(label_smoothing=smoothing), labels, 5)
    assert plain(scores, Batch(scores, labels)) == F.cross_entropy(scores, labels, label_smoothing=smoothing)
    weighted = Loss(Recipe(label_smoothing=smoothing, class_weights="balanced"), labels, 5)
    expected = F.cross_entropy(scores, labels, balanced(labels, 5), reduction="sum", label_smoothing=smoothing)
    torch.testing.assert_close(weighted(scores, Batch(scores, labels)), expected / 12)
    parts = [
        weighted(scores[part], Batch(scores[part], labels[part])) * len(labels[part])
        for part in (slice(5), slice(5, 12))
    ]
    torch.testing.assert_close(sum(parts), expected)


def test_smoothed_labels_are_spread_over_all_classes() -> None:
    """By the paper's formula: the label has 1 - ε, and every class ε divided by their number."""
    scores, labels = torch.tensor([[2.0, 1.0, -1.0]]), torch.tensor([0])
    wanted = torch.tensor([[1 - 0.3 + 0.1, 0.1, 0.1]])
    found = Loss(Recipe(label_smoothing=0.3), labels, 3)(scores, Batch(scores, labels))
    torch.testing.assert_close(found, -(wanted * scores.log_softmax(1)).sum())


def test_a_clipped_step_is_as_long_as_the_norm_allows() -> None:
    """Without momentum, decay and penalty a step of SGD is the rate times the gradient, over all weights and gates."""
    settings = ("training.optimizer={kind: sgd, rate: 0.5, momentum: 0}", "gates.rate=0.5", "gates.penalty=0", *PLAIN)
    moves = {}
    for clip in (None, 0.01, 1e6):
        trainer = trainer_of(*settings, f"training.clip_norm={'null' if clip is None else clip}")
        before = weights_of(trainer)
        trainer.endless_steps()()
        after = weights_of(trainer)
        moves[clip] = torch.cat([(after[name] - before[name]).flatten() for name in before])
    assert torch.equal(moves[1e6], moves[None])
    assert moves[None].norm() > 0.5 * 0.01
    assert moves[0.01].norm().item() == pytest.approx(0.5 * 0.01, rel=1e-3)
    torch.testing.assert_close(F.normalize(moves[0.01], dim=0), F.normalize(moves[None], dim=0), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("parts", [3, 20])
def test_accumulated_gradients_are_those_of_the_whole_batch(parts: int) -> None:
    settings = ("training.optimizer={kind: sgd, rate: 0.1}", "gates.penalty=0.1", "gates.penalty_warmup=0", *PLAIN)
    whole, split = trainer_of(*settings), trainer_of(*settings, f"training.accumulate={parts}")
    sizes: list[int] = []
    split.network.register_forward_pre_hook(lambda module, given: sizes.append(len(given[0])))
    for trainer in (whole, split):
        step = trainer.endless_steps()
        for _ in range(5):
            step()
    # Four batches of 32, and one of the two images that are left.
    assert sum(sizes) == 130
    assert max(sizes) - min(sizes[: 4 * parts]) <= 1
    assert (whole._step.loss / split._step.loss).item() == pytest.approx(1, rel=1e-5)
    for name, weight in weights_of(whole).items():
        torch.testing.assert_close(weights_of(split)[name], weight, rtol=1e-3, atol=1e-5, msg=name)


def test_no_part_is_too_small_for_a_batch_normalisation() -> None:
    trainer = trainer_of("head.norm=batch", "merges.head.size=[1, 1]", "training.accumulate=32", count=67)
    step = trainer.endless_steps()
    for _ in range(trainer.steps):
        step()
    trainer.require_sound()


def test_the_model_is_the_moving_average_of_the_weights_by_hand() -> None:
    trainer = trainer_of("training.ema_decay=0.4", "layers.0.norm=batch", "gates.temperature.end=0.5")
    averages = weights_of(trainer)
    step = trainer.endless_steps()
    for done in range(trainer.steps):
        step()
        share = 1 - min(0.4, (1 + done) / (10 + done))
        for name, now in weights_of(trainer).items():
            is_averaged = now.is_floating_point() and name not in ("mean", "divisor", "gates.temperature")
            averages[name] = averages[name] + share * (now - averages[name]) if is_averaged else now
    for name, kept in trainer.model.state_dict().items():
        torch.testing.assert_close(kept, averages[name], msg=name)
    assert trainer.model.gates is not None
    trainer.model.gates.anneal(1.0)
    assert trainer.network.gates is not None
    assert trainer.network.gates.temperature == 0.5, "what is no weight belongs to both"


def test_an_average_that_forgets_at_once_is_the_training_without(tmp_path: Path) -> None:
    assert lasting(train(tmp_path / "with", "training.ema_decay=0.0")) == lasting(train(tmp_path / "without"))


def test_what_is_kept_is_the_average(tmp_path: Path) -> None:
    run = train(tmp_path / "run", "training.ema_decay=0.95")
    held, _ = read_tensors(run.checkpoint)
    for name, weight in run.final_weights().items():
        assert torch.equal(weight, held[f"model.{name}"]), name
    assert not torch.equal(held["network.gates.weight"], held["model.gates.weight"])


def test_classes_are_balanced_once() -> None:
    with pytest.raises(UsageError, match="sampling and class_weights would both balance the classes"):
        configuration("training.sampling=balanced", "training.class_weights=balanced")


@pytest.mark.parametrize("settings", [(), ("training.class_weights=null", "training.sampling=balanced")])
def test_all_of_it_is_resumed_bit_for_bit(tmp_path: Path, settings: tuple[str, ...]) -> None:
    whole = train(tmp_path / "whole", *WITH_ALL, *settings)
    chosen = configuration(*WITH_ALL, *settings)
    run = start(tmp_path / "interrupted", chosen)
    for steps in (3, 4):
        with pytest.raises(InterruptedRunError):
            go_on(run, chosen, StopAfter(steps))
        torch.rand(7)
    go_on(run, chosen)
    assert lasting(run) == lasting(whole)


@pytest.mark.parametrize("kind", [*OPTIMIZERS])
def test_each_optimizer_is_resumed_bit_for_bit(kind: str, tmp_path: Path) -> None:
    """By way of a file; with a weight decay and all else that a recipe may add to its parameter groups."""
    decay = "" if kind == "rprop" else ", weight_decay: 0.01"
    settings = (f"training.optimizer={{kind: {kind}{decay}}}", "training.schedule={kind: cosine, every: step}")
    whole, interrupted, resumed = (trainer_of(*settings, count=64) for _ in range(3))
    before = weights_of(whole)

    def step_of(trainer: Trainer, step: Callable[[], None]) -> None:
        torch.manual_seed(trainer.step)
        step()

    steps = whole.endless_steps()
    for _ in range(4):
        step_of(whole, steps)
    steps = interrupted.endless_steps()
    for _ in range(3):
        step_of(interrupted, steps)
    write_tensors(tmp_path / "state", *interrupted.state())
    resumed.restore(*read_tensors(tmp_path / "state"))
    step_of(resumed, resumed.endless_steps())
    for name, weight in weights_of(whole).items():
        assert torch.equal(weights_of(resumed)[name], weight), name
    assert not torch.equal(before["gates.weight"], weights_of(whole)["gates.weight"])
    whole.require_sound()


# Nothing moves, so the first epoch stays the best.
STILL = ("training.optimizer={kind: sgd, rate: 1.0e-20}", "gates.rate=1e-20", "gates.temperature.end=1.0")


@pytest.mark.parametrize(("warmup", "ends"), [("0", 3), ("0.5", 7)])
def test_a_training_without_a_better_epoch_ends_early(tmp_path: Path, warmup: str, ends: int) -> None:
    settings = ("training.early_stopping=2", "training.epochs=10", f"gates.penalty_warmup={warmup}", *STILL)
    chosen = configuration(*settings)
    run, watcher = start(tmp_path / "run", chosen), StopAfter()
    summary = go_on(run, chosen, watcher)
    assert [len(watcher.seen), summary.epochs, summary.final.epoch, summary.best.epoch] == [ends, ends, ends, 1]
    (told,) = [text for text in watcher.warnings if "early_stopping" in text]
    assert told.endswith(f"so the training ends after {ends} of 10 epochs")
    assert go_on(run, chosen) == summary


def test_a_training_that_gets_better_has_all_its_epochs(tmp_path: Path) -> None:
    assert lasting(train(tmp_path / "one", "training.early_stopping=3")) == lasting(train(tmp_path / "two"))
