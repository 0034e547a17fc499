"""Takes and records training steps of the cases that stdin names, and prints what the runtime saw of each as JSON.

It runs in a process of its own, with the runtime preloaded. No value means anything there.
"""

import ctypes
import json
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from connprune.architecture.base import Shape
from connprune.bench.run import WARM_UP, random_splits
from connprune.data.batches import Draws
from connprune.network import build
from connprune.network.image_layers import Dropout
from connprune.plugins import load_plugins
from connprune.training.configuration import Configuration, resolve
from connprune.training.cuda_graph import CapturedStep
from connprune.training.device import choose_device
from connprune.training.placing import placed
from connprune.training.trainer import Trainer

RUNTIME = ctypes.CDLL("")
for counts in ("launches", "graph_launches", "waits"):
    getattr(RUNTIME, counts).restype = ctypes.c_long
for asks in ("blocks_of", "stream_of_launch", "stream_of_graph"):
    getattr(RUNTIME, asks).restype, getattr(RUNTIME, asks).argtypes = ctypes.c_long, [ctypes.c_long]
BATCH = 8
# As many launches as a replayed step may have beside its recording: its arguments are copied.
FEW = 10


def launches_with_cudnn(name: str, launches: int, args: Any) -> int:
    """How many launches an operation would be with cuDNN: a convolution is one for each of its results."""
    if not launches or "convolution" not in name:
        return launches
    return sum(args[-1]) if "backward" in name else 1


class Launches(TorchDispatchMode):
    """Counts launches, and notes the operations on large tensors whose every kernel runs on a single block."""

    def __init__(self, large: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.large = large
        self.single: list[str] = []
        self.operations = 0
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        before = RUNTIME.launches()
        made = func(*args, **(kwargs or {}))
        self.operations += 1
        self.count += launches_with_cudnn(func.name(), RUNTIME.launches() - before, args)
        grids = [RUNTIME.blocks_of(number) for number in range(before, RUNTIME.launches())]
        kernels = [blocks for blocks in grids if blocks]
        # A new tensor takes no more than its type from the tensor that it is made beside.
        touched = made if func.name().startswith("aten::new_") else (args, kwargs, made)
        sizes = [leaf.numel() for leaf in tree_leaves(touched) if isinstance(leaf, torch.Tensor)]
        if kernels and max(kernels) == 1 and max(sizes, default=0) > self.large:
            self.single.append(func.name())
        return made


def shape_of(chosen: Configuration) -> Shape:
    if chosen.data.source == "cifar10":
        return Shape(3, 32, 32)
    return Shape(8, 1, 8) if chosen.data.as_sequence else Shape(1, 8, 8)


def trainer_of(
    preset: str, *assignments: str, device: torch.device, warn: list[str], images: int = 4 * BATCH
) -> Trainer:
    chosen = resolve(preset, assignments=[*assignments, f"training.batch_size={BATCH}"])
    splits = placed(random_splits(shape_of(chosen), 10, count=images), device, chosen.training.images, warn.append)
    network = build(chosen.with_input(shape_of(chosen), 10)).to(device).train()
    return Trainer(network, splits, chosen.data.augment, chosen.training, warn.append)


def waits(self: Dropout, maps: Any, forward: Any = Dropout.forward) -> Any:
    """A layer that asks the device for a number in each step, as one of a user's own may."""
    maps.values.detach().sum().item()
    return forward(self, maps)


def first_image(self: Draws) -> Draws:
    """An order that the host can read: nothing has computed the one on the device."""
    other = first_image(self.other) if self.other else None
    return self._replace(order=torch.zeros(self.order.shape, dtype=torch.int64), other=other)


def is_replayed(step: Callable[[], None]) -> bool:
    before = RUNTIME.launches()
    step()
    return bool(RUNTIME.launches() - before <= FEW)


def found(case: list[str], device: torch.device, images: int) -> dict[str, Any]:
    warnings: list[str] = []
    trainer = trainer_of(*case, device=device, warn=warnings, images=images)
    step = trainer.endless_steps()
    # What benchmarks count comes after the recording.
    for _ in range(WARM_UP):
        step()
    # To the end of the second epoch.
    while trainer.step:
        step()
    waits = RUNTIME.waits()
    replayed = [is_replayed(step) for _ in range(trainer.steps)]
    waits = RUNTIME.waits() - waits
    captured = trainer._take_step
    plain = trainer_of(*case, "training.capture=false", device=device, warn=warnings).endless_steps()
    # The optimizer makes its buffers in the first step.
    plain()
    with Launches(10_000) as launches:
        plain()
    return {
        "case": " ".join(case),
        "warnings": warnings,
        "recorded": len(captured._recordings) if isinstance(captured, CapturedStep) else 0,
        "replayed": replayed,
        "waits": waits,
        "launches": launches.count,
        "operations": launches.operations,
        "single": launches.single,
        "bytes": [torch.cuda.memory_allocated(number) for number in range(torch.cuda.device_count())],
    }


if __name__ == "__main__":
    torch.backends.cudnn.enabled = False
    Draws.ordered_by_host = first_image  # type: ignore[method-assign]
    asked = json.load(sys.stdin)
    load_plugins(asked["plugins"])
    if asked["waits"]:
        Dropout.forward = waits  # type: ignore[method-assign]
    last = torch.device("cuda", asked["devices"] - 1)
    choose_device(str(last), pytest.fail)
    for case in asked["cases"]:
        print(json.dumps(found(case, last, asked["images"])), flush=True)
