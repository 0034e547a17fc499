"""Images a second of a training whose images are on the device, in the host's memory, or in a file mapped into it.

All train the same network on the same batches, twenty steps at a time in turns; the ratios are what keeping images off
the device costs. On a CPU the first two are in the same memory, and their ratio is what the copy of a batch costs. The
system keeps in memory what it can of a file: the third is that of a disk only where images fill more than the memory.

    python benchmarks/host_images.py [--preset blog] [--side 32] [--device auto] [--batch 128] [--images 20000]
        [--rounds 10]
"""

import argparse
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from connprune.architecture.base import Shape
from connprune.bench.run import random_splits
from connprune.data.splits import Splits
from connprune.network import build
from connprune.training.configuration import resolve
from connprune.training.device import choose_device, device_name
from connprune.training.placing import placed
from connprune.training.timing import Step, in_turns
from connprune.training.trainer import Trainer

# A step is not waited for, or no copy could be ahead of it.
STEPS = 20
SHAPES = {"digits": Shape(1, 8, 8)}
# By name what `training.images` says of it.
PLACES = {"device": "device", "host": "host", "mapped": "host"}


def mapped(splits: Splits, folder: Path) -> Splits:
    """The same with the training images in a file."""
    file = folder / "images.npy"
    np.save(file, splits.train.images.numpy())
    # For torch a map is writable; nothing that is written to it reaches the file.
    images = torch.from_numpy(np.load(file, mmap_mode="c"))
    return replace(splits, train=replace(splits.train, images=images))


def steps_of(
    where: str, preset: str, shape: Shape, batch: int, images: int, device: torch.device, folder: Path
) -> Step:
    """Training steps on images of noise that are there."""
    settings = (
        f"training.batch_size={batch}",
        f"training.images={PLACES[where]}",
        "data.augment.shift=0.1",
        "data.augment.flip=0.5",
    )
    chosen = resolve(preset, assignments=settings)
    torch.manual_seed(0)
    noise = random_splits(shape, 10, count=images)
    splits = placed(mapped(noise, folder) if where == "mapped" else noise, device, chosen.training.images)
    network = build(chosen.with_input(shape, 10)).to(device).train()
    step = Trainer(network, splits, chosen.data.augment, chosen.training, print).endless_steps()

    def several() -> None:
        for _ in range(STEPS):
            step()

    return several


def main() -> None:
    """Prints a row for each place, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="blog")
    parser.add_argument("--side", type=int, default=32)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=10)
    arguments = parser.parse_args()
    device = choose_device(arguments.device, print)
    shape = SHAPES.get(arguments.preset, Shape(3, arguments.side, arguments.side))
    with tempfile.TemporaryDirectory() as folder:
        make = partial(
            steps_of,
            preset=arguments.preset,
            shape=shape,
            batch=arguments.batch,
            images=arguments.images,
            device=device,
            folder=Path(folder),
        )
        seconds = in_turns({where: make(where) for where in PLACES}, device, arguments.rounds, warm_up=1)
    print(f"{device_name(device)}, {arguments.preset}, {shape}, batch {arguments.batch}, {arguments.images:,} images")
    for where, taken in seconds.items():
        print(f"{where:>6} {taken / STEPS * 1000:>8.2f} ms {STEPS * arguments.batch / taken:>10,.0f} images/s")
    for where in ("host", "mapped"):
        print(f"{where} / device: {seconds[where] / seconds['device']:.2f}")


if __name__ == "__main__":
    main()
