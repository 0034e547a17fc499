"""How much faster a cut is than its parent, beside how much less it computes.

Parent and cut take turns in one process. Without gates, as `retrain` makes them, unless --gates is given.

    python benchmarks/cut_speed.py CUT [--batch 256] [--rounds 30] [--gates]
"""

import argparse
import statistics
import time
from pathlib import Path

import torch

from connprune.architecture.shapes import mac_count
from connprune.network import build
from connprune.runs.cut import read_cut
from connprune.runs.directory import RunDirectory


def main() -> None:
    """Prints the median forward time of both, and the two ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cut", type=Path)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--gates", action="store_true")
    arguments = parser.parse_args()
    cut = RunDirectory.open(arguments.cut)
    parent = RunDirectory.open(Path(read_cut(cut).parent))
    architectures = {"parent": parent.architecture(), "cut": cut.architecture()}
    if not arguments.gates:
        architectures = {name: architecture.without_gates() for name, architecture in architectures.items()}
    networks = {name: build(architecture).eval() for name, architecture in architectures.items()}
    shape = architectures["parent"].input
    images = torch.randint(0, 256, (arguments.batch, shape.feature_maps, shape.height, shape.width), dtype=torch.uint8)
    seconds: dict[str, list[float]] = {name: [] for name in networks}
    with torch.inference_mode():
        for _ in range(arguments.rounds + 3):
            for name, network in networks.items():
                started = time.perf_counter()
                network(images)
                seconds[name].append(time.perf_counter() - started)
    medians = {name: statistics.median(taken[3:]) for name, taken in seconds.items()}
    macs = {name: mac_count(architecture) for name, architecture in architectures.items()}
    for name, taken in medians.items():
        print(f"{name:<8} {macs[name]:>14,} MACs {taken * 1000:8.2f} ms at batch {arguments.batch}")
    print(f"MACs parent / cut: {macs['parent'] / macs['cut']:.2f}   time: {medians['parent'] / medians['cut']:.2f}")


if __name__ == "__main__":
    main()
