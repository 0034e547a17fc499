"""Peak memory and time of a training step as layers are added, with concatenations kept and with them recomputed.

n convolutions of equal width at one resolution, each reading all before it. Peaks are those of all tensors alive at
once; times are taken in turns.

    python benchmarks/recompute.py [--batch 32] [--width 12] [--rounds 5]
"""

import argparse
import math
from functools import partial

import torch
from torch.nn import functional as F

from connprune.architecture.base import Shape
from connprune.bench.machine import peak_bytes
from connprune.network import build
from connprune.network.network import Network
from connprune.training.configuration import resolve
from connprune.training.timing import in_turns

COUNTS = (8, 16, 32, 64)
SIDE = 16


def network_of(count: int, width: int) -> Network:
    """`count` convolutions of `width` feature maps that read everything before them."""
    layers = ", ".join([f"{{kind: conv, feature_maps: {width}}}"] * count)
    return build(resolve("digits", assignments=[f"layers=[{layers}]"]).with_input(Shape(3, SIDE, SIDE), 10))


def step(network: Network, recompute: bool, batch: int) -> None:
    """A forward and a backward pass."""
    network.recompute_merges(recompute)
    network.zero_grad()
    images = torch.zeros(batch, 3, SIDE, SIDE, dtype=torch.uint8)
    F.cross_entropy(network(images), torch.arange(batch) % 10).backward()


def exponent(values: list[float]) -> float:
    """The slope of a line through the logarithms, by least squares."""
    x = [math.log(count) for count in COUNTS]
    y = [math.log(value) for value in values]
    centre = sum(x) / len(x)
    return sum((a - centre) * b for a, b in zip(x, y, strict=True)) / sum((a - centre) ** 2 for a in x)


def main() -> None:
    """Prints a row for each number of layers, and how fast the peaks grow."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--width", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    device = torch.device("cpu")
    ways = {"kept": False, "recomputed": True}
    networks = {count: network_of(count, arguments.width) for count in COUNTS}
    steps = {
        count: {name: partial(step, network, recompute, arguments.batch) for name, recompute in ways.items()}
        for count, network in networks.items()
    }
    seconds = {count: in_turns(steps[count], device, arguments.rounds, warm_up=3) for count in COUNTS}
    peaks: dict[str, list[float]] = {name: [] for name in ways}
    for count in COUNTS:
        for name in ways:
            peaks[name].append(peak_bytes(steps[count][name], device))
    print(f"{'layers':>6} {'kept':>12} {'recomputed':>12} {'kept':>10} {'recomputed':>10} {'ratio':>6}")
    for number, count in enumerate(COUNTS):
        kept, again = (seconds[count][name] for name in ways)
        memory = " ".join(f"{peaks[name][number] / 2**20:>8.0f} MiB" for name in ways)
        print(f"{count:>6} {memory} {kept * 1000:>7.0f} ms {again * 1000:>7.0f} ms {again / kept:>6.2f}")
    print("; ".join(f"{name}: peak grows as layers^{exponent(values):.2f}" for name, values in peaks.items()))


if __name__ == "__main__":
    main()
