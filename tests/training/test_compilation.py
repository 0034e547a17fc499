"""Compiled steps are steps, up to rounding; what cannot be compiled is taken as it is."""

import shutil

import pytest
import torch

from connprune.architecture.base import Shape
from connprune.bench.run import random_splits
from connprune.network import build
from connprune.training.configuration import resolve
from connprune.training.trainer import Trainer

ONE_LAYER = ("layers=[{kind: conv, feature_maps: 4}]", "training.batch_size=16")
FEW_LAYERS = (
    "layers=[{kind: conv, feature_maps: 4}, {kind: max-pool}, {kind: dropout, rate: 0.5}]",
    "gates.kind=hard-concrete",
    "training.batch_size=16",
)


def losses_and_gates(*assignments: str) -> tuple[list[float], list[float], list[str]]:
    """Over two epochs, whose last batches are smaller."""
    chosen, told = resolve("digits", assignments=assignments), list[str]()
    splits = random_splits(Shape(1, 8, 8), 10, count=40)
    torch.manual_seed(0)
    network = build(chosen.with_input(Shape(1, 8, 8), 10))
    trainer = Trainer(network, splits, chosen.data.augment, chosen.training, told.append)
    epochs = [trainer.train_epoch(lambda: False, lambda: None) for _ in range(2)]
    return [epoch.train_loss for epoch in epochs if epoch], trainer.gates().tolist(), told


@pytest.fixture(autouse=True)
def _same_images() -> None:
    torch.manual_seed(1)


def test_what_cannot_be_compiled_is_taken_as_it_is_and_said_once() -> None:
    import torch._inductor.config as inductor

    state = torch.get_rng_state()
    with inductor.patch({"cpp.cxx": ("no-such-compiler",)}):
        *found, told = losses_and_gates(*ONE_LAYER, "training.compile=true")
    (warning,) = told
    assert warning.startswith("training.compile: the network cannot be compiled")
    assert "no-such-compiler" in warning
    torch.set_rng_state(state)
    *plain, told = losses_and_gates(*ONE_LAYER)
    assert found == plain
    assert not told


@pytest.mark.slow
# torch warns of itself as it traces, where warnings are errors.
@pytest.mark.filterwarnings("default")
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch compiles with g++")
def test_compiled_steps_give_what_steps_give() -> None:
    state = torch.get_rng_state()
    losses, gates, told = losses_and_gates(*FEW_LAYERS, "training.compile=true")
    torch.set_rng_state(state)
    plain_losses, plain_gates, _ = losses_and_gates(*FEW_LAYERS)
    assert not told
    assert losses == pytest.approx(plain_losses, rel=1e-5)
    assert gates == pytest.approx(plain_gates, abs=1e-4)
