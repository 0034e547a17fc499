"""Images a second of a training whose images are on the device, and of one whose images stay in the host's memory.

Both train the same network on the same batches, twenty steps at a time in turns; the ratio is what keeping them in the
host's memory costs. On a CPU both are in the same memory, and the ratio is what the copy of a batch costs.

    python benchmarks/host_images.py [--preset blog] [--device auto] [--batch 128] [--images 20000] [--rounds 10]
"""

import argparse
from functools import partial

import torch

from connprune.architecture.base import Shape
from connprune.bench.run import random_splits
from connprune.network import build
from connprune.training.configuration import resolve
from connprune.training.device import choose_device, device_name
from connprune.training.placing import placed
from connprune.training.timing import Step, in_turns
from connprune.training.trainer import Trainer

# A step is not waited for, or no copy could be ahead of it.
STEPS = 20
SHAPES = {"digits": Shape(1, 8, 8)}


def steps_of(where: str, preset: str, batch: int, images: int, device: torch.device) -> Step:
    """Training steps on images of noise that are there."""
    settings = (
        f"training.batch_size={batch}",
        f"training.images={where}",
        "data.augment.shift=0.1",
        "data.augment.flip=0.5",
    )
    chosen, shape = resolve(preset, assignments=settings), SHAPES.get(preset, Shape(3, 32, 32))
    torch.manual_seed(0)
    splits = placed(random_splits(shape, 10, count=images), device, chosen.training.images)
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
    parser.add_argument("--device", default="auto")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=10)
    arguments = parser.parse_args()
    device = choose_device(arguments.device, print)
    make = partial(steps_of, preset=arguments.preset, batch=arguments.batch, images=arguments.images, device=device)
    seconds = in_turns({where: make(where) for where in ("device", "host")}, device, arguments.rounds, warm_up=1)
    print(f"{device_name(device)}, {arguments.preset}, batch {arguments.batch}, {arguments.images:,} images")
    for where, taken in seconds.items():
        print(f"{where:>6} {taken / STEPS * 1000:>8.2f} ms {STEPS * arguments.batch / taken:>10,.0f} images/s")
    print(f"host / device: {seconds['host'] / seconds['device']:.2f}")


if __name__ == "__main__":
    main()
