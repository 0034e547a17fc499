"""A step can be recorded and replayed: it reads only its arguments and tensors that keep their place, and never waits.

What a CUDA graph asks of a step is checked on the CPU; that replaying gives the same numbers needs a GPU.
"""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from connprune.architecture.base import Shape
from connprune.bench.run import random_splits
from connprune.data.augmentations import AUGMENTATIONS
from connprune.network import build
from connprune.training.configuration import Configuration, resolve
from connprune.training.trainer import Trainer
from tests.experiments.helpers import QUICK
from tests.strategies import AGGREGATES
from tests.training.helpers import configuration, lasting, train

GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")

# Operations whose result the host reads, or whose shape it must know.
WAITING = ("_local_scalar_dense", "item", "nonzero", "masked_select", "unique", "_unique2")

RECIPE = (
    "training.label_smoothing=0.1",
    "training.class_weights=balanced",
    "training.clip_norm=1.0",
    "training.accumulate=2",
    "training.ema_decay=0.99",
)
BACKWARD = ("unroll=2", "connections=complete", "merge.aggregate=sum")
ARCHITECTURES = [
    ("merge.aggregate=concat", "gates.kind=hard-concrete", "gates.penalty=0.01"),
    ("merge.aggregate=sum", "gates.sharing=per-feature-map", "gates.penalty=0.01"),
    ("merge.aggregate=max", "gates.kind=linear", "gates.penalise=cost", "gates.penalty=0.01"),
    ("merge.aggregate=squeeze", "gates.penalty=0.01", "training.recompute=true"),
    ("gates.penalise=expected-cost", "gates.budget={parameters: 50%, macs: 300000}", "gates.penalty_warmup=0"),
    ("merge.aggregate=sum", "gates.penalise=expected-cost", "gates.budget={macs: 40%}", "gates.kind=hard-concrete"),
    (*BACKWARD, "gates.penalise=expected-cost", "gates.budget={macs: 40%}"),
    ("gates.kind=bernoulli", "gates.penalty=0.01"),
    ("gates.kind=top-k", "gates.penalty=0", "gates.sharing=per-feature-map"),
    ("gates.kind=reinforce", "gates.penalty=0.01"),
    ("gates.kind=softmax", "gates.penalty=0.01"),
    ("gates.target_sparsity=0.5", "gates.penalty=0.01", "training.precision=bfloat16"),
    ("training.optimizer={kind: sgd}", "training.schedule={kind: cosine, warmup: 1, every: step}", *RECIPE),
    (f"data.augment.operations=[{', '.join(f'{{kind: {kind}}}' for kind in AUGMENTATIONS if kind != 'colour')}]",),
    ("data.augment.operations=[{kind: colour, brightness: 1, contrast: 1, saturation: 1}, {kind: cutmix}]",),
]


class Watch(TorchDispatchMode):
    """Notes the storages that operations read and did not make, and the operations that make the host wait."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.read: set[int] = set()
        self.waited: list[str] = []
        self._made: dict[int, torch.UntypedStorage] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func._opname in WAITING:
            self.waited.append(func._opname)
        for storage in self._storages((args, kwargs)):
            if storage._cdata not in self._made:
                self.read.add(storage.data_ptr())
        made = func(*args, **(kwargs or {}))
        # They are kept so that none of them gives its address to another one.
        self._made.update({storage._cdata: storage for storage in self._storages(made)})
        return made

    @staticmethod
    def _storages(tree: Any) -> list[torch.UntypedStorage]:
        return [leaf.untyped_storage() for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]


def trainer_of(chosen: Configuration) -> Trainer:
    splits = random_splits(Shape(1, 8, 8), 10, count=160)
    torch.manual_seed(0)
    network = build(chosen.with_input(Shape(1, 8, 8), 10)).train()
    return Trainer(network, splits, chosen.data.augment, chosen.training, pytest.fail)


@pytest.mark.parametrize("assignments", ARCHITECTURES)
def test_a_step_reads_only_what_keeps_its_place_and_never_waits(assignments: tuple[str, ...]) -> None:
    trainer = trainer_of(configuration(*assignments))
    step = trainer.endless_steps()
    for _ in range(2):
        step()
    watches = []
    for _ in range(3):
        with Watch() as watch:
            step()
        watches.append(watch)
    assert [watch.waited for watch in watches] == [[], [], []]
    first, second, third = (watch.read for watch in watches)
    # The draws of the whole epoch are one storage each, so even they keep their place here.
    assert first == second == third


def test_rates_can_be_tensors() -> None:
    """As they are on CUDA, where a recorded step reads them at each replay."""
    from connprune.training.optimizer import make_optimizer, rates
    from connprune.training.recipe import Adam, Recipe
    from connprune.training.scheduler import make_scheduler
    from connprune.training.schedules import Cosine, Plateau

    for schedule in (Cosine(kind="cosine"), Plateau(kind="plateau", patience=1)):
        recipe = Recipe(epochs=6, schedule=schedule)
        found = []
        for as_tensors in (False, True):
            network = build(resolve("digits").with_input(Shape(1, 8, 8), 10))
            optimizer = make_optimizer(network, Adam())
            before = [group["lr"] for group in optimizer.param_groups]
            if as_tensors:
                before = [torch.tensor(rate) for rate in before]
                for group, rate in zip(optimizer.param_groups, before, strict=True):
                    group["lr"] = rate
            scheduler = make_scheduler(optimizer, recipe)
            optimizer.step()
            seen = []
            for _ in range(4):
                scheduler.after_epoch(1.0)
                seen.append(rates(optimizer))
            again = make_scheduler(optimizer, recipe)
            again.load_state_dict(scheduler.state_dict())
            seen.append(rates(optimizer))
            assert not as_tensors or all(
                group["lr"] is rate for group, rate in zip(optimizer.param_groups, before, strict=True)
            )
            found.append(seen)
        assert found[1] == [pytest.approx(row, rel=1e-5) for row in found[0]]


@pytest.mark.parametrize("aggregate", AGGREGATES)
def test_bfloat16_trains_nearly_alike(tmp_path: Path, aggregate: str) -> None:
    losses = {}
    for precision in ("float32", "bfloat16"):
        chosen = (f"merge.aggregate={aggregate}", f"training.precision={precision}")
        run = train(tmp_path / precision, *QUICK, *chosen)
        losses[precision] = [epoch.train_loss for epoch in run.read_metrics()]
        assert all(tensor.dtype != torch.bfloat16 for tensor in run.final_weights().values())
    assert losses["bfloat16"] != losses["float32"]
    assert losses["bfloat16"] == pytest.approx(losses["float32"], rel=0.05)


def test_bfloat16_gives_the_same_run_twice(tmp_path: Path) -> None:
    one, two = (train(tmp_path / name, *QUICK, "training.precision=bfloat16") for name in ("one", "two"))
    assert lasting(one) == lasting(two)


@GPU
@pytest.mark.parametrize("assignments", ARCHITECTURES)
def test_a_recorded_step_gives_what_a_step_gives(assignments: tuple[str, ...]) -> None:
    """Over two epochs with a batch that is smaller at their ends, another rate in the second, and noise throughout."""
    device = torch.device("cuda", 0)
    found = []
    for capture in ("true", "false"):
        chosen = configuration("training.precision=float32", *assignments, f"training.capture={capture}")
        torch.manual_seed(0)
        splits = random_splits(Shape(1, 8, 8), 10, count=330).to(device)
        network = build(chosen.with_input(Shape(1, 8, 8), 10)).to(device)
        trainer = Trainer(network, splits, chosen.data.augment, chosen.training, pytest.fail)
        metrics = [trainer.train_epoch(lambda: False, lambda: None) for _ in range(2)]
        found.append(([epoch.train_loss for epoch in metrics if epoch], trainer.gates().tolist()))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-4)
    assert found[0][1] == pytest.approx(found[1][1], abs=1e-4)
