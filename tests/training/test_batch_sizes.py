"""A batch normalisation of single values never meets a single image."""

from pathlib import Path

import pytest
import torch

from connprune.architecture.base import Shape
from connprune.bench.run import random_splits
from connprune.data.batches import draw_epoch
from connprune.data.images import Images
from connprune.data.settings import Augment
from connprune.errors import InterruptedRunError, UsageError
from connprune.network import build
from connprune.training.batch_sizes import require_enough, single_valued
from connprune.training.configuration import resolve
from connprune.training.trainer import Trainer
from tests.conftest import Command
from tests.training.helpers import StopAfter, configuration, go_on, lasting, start, train

# Two steps of 50 images, and one image that is left over.
ONE_LEFT = ("data.train_images=101", "training.batch_size=50")
POOLED = "layers=[{kind: conv, feature_maps: 4}, {kind: global-pool}, {kind: conv, feature_maps: 4, norm: batch}]"
SINGLE_VALUED = {
    "norm": "layers=[{kind: conv, feature_maps: 4}, {kind: global-pool}, {kind: batch-norm}]",
    "block": POOLED,
    "in front": "layers=[{kind: global-pool}, {kind: conv, feature_maps: 4, norm: batch, order: norm-act-conv}]",
    "linear": "layers=[{kind: linear, feature_maps: 4, norm: batch}]",
    "head": "head={norm: batch, hidden: []}",
}


@pytest.mark.parametrize("name", SINGLE_VALUED)
def test_the_last_image_joins_the_step_before(tmp_path: Path, name: str) -> None:
    wiring = "chain" if name != "head" else "dense"
    extra = ["merges={head: {size: [1, 1]}}"] if name == "head" else []
    chosen = configuration(*ONE_LEFT, SINGLE_VALUED[name], f"connections={wiring}", *extra)
    run, seen = start(tmp_path / "run", chosen), StopAfter(steps=10**9)
    go_on(run, chosen, seen)
    assert seen.steps == 10**9 - 2 * 3
    assert run.summary.status == "finished"


def test_a_joined_step_is_resumed_bit_for_bit(tmp_path: Path) -> None:
    settings = (*ONE_LEFT, POOLED, "connections=chain")
    whole = train(tmp_path / "whole", *settings)
    chosen = configuration(*settings)
    stopped = start(tmp_path / "stopped", chosen)
    for steps in (1, 2, 2):
        with pytest.raises(InterruptedRunError):
            go_on(stopped, chosen, StopAfter(steps=steps))
    go_on(stopped, chosen)
    assert lasting(stopped) == lasting(whole)


def test_others_keep_their_last_step(tmp_path: Path) -> None:
    chosen = configuration(*ONE_LEFT, "layers=[{kind: conv, feature_maps: 4, norm: batch}]", "connections=chain")
    run, seen = start(tmp_path / "run", chosen), StopAfter(steps=10**9)
    go_on(run, chosen, seen)
    assert seen.steps == 10**9 - 3 * 3


@pytest.mark.parametrize(("count", "fewest", "sizes"), [(97, 1, [32, 32, 32, 1]), (97, 2, [32, 32, 33]), (1, 2, [1])])
def test_every_image_is_in_one_batch(count: int, fewest: int, sizes: list[int]) -> None:
    images = Images(torch.zeros(count, 1, 2, 2, dtype=torch.uint8), torch.zeros(count, dtype=torch.long))
    epoch = draw_epoch(images, Augment(), 32, seed=1, number=0, fewest=fewest)
    batches = [epoch.draws_of(step).order for step in range(len(epoch))]
    assert [len(batch) for batch in batches] == sizes
    assert sorted(torch.cat(batches).tolist()) == list(range(count))


def test_batches_of_one_are_refused_beforehand(command: Command, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        "preset: digits\nlayers: [{kind: linear, feature_maps: 4, norm: batch}]\nconnections: chain\n"
        "training: {batch_size: 1}\n"
    )
    for arguments in (("check", "mine.yaml"), ("train", "--config", "mine.yaml", "--dry-run")):
        outcome = command(*arguments)
        assert outcome.code == 2
        assert "training.batch_size: found 1, but the batch normalisation of 'linear1' sees one value" in outcome.err


def test_parts_of_processes_are_counted() -> None:
    architecture = configuration(POOLED, "connections=chain").with_input(Shape(1, 8, 8), 10)
    assert single_valued(architecture) == "conv2"
    require_enough(architecture, 32, 96, processes=4)
    require_enough(architecture, 32, 97, processes=1)
    with pytest.raises(UsageError, match=r"leaves 3 of 99 training images for the last step, .*at least 8 images"):
        require_enough(architecture, 32, 99, processes=4)
    with pytest.raises(UsageError, match="leaves 1 of 1 training images"):
        require_enough(architecture, 32, 1)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
def test_steps_are_still_recorded_when_the_last_is_the_largest() -> None:
    device = torch.device("cuda", 0)
    chosen = resolve("digits", assignments=[POOLED, "connections=chain"])
    found = []
    for capture in (True, False):
        splits = random_splits(Shape(1, 8, 8), 10, count=32 * 8 + 1).to(device)
        torch.manual_seed(0)
        network = build(chosen.with_input(Shape(1, 8, 8), 10)).to(device)
        recipe = chosen.training.model_copy(update={"capture": capture})
        trainer = Trainer(network, splits, chosen.data.augment, recipe, pytest.fail)
        metrics = [trainer.train_epoch(lambda: False, lambda: None) for _ in range(3)]
        found.append([epoch.train_loss for epoch in metrics if epoch])
        assert bool(getattr(trainer._take_step, "_recordings", {})) is capture
    assert found[0] == pytest.approx(found[1], rel=1e-3)
