"""What gates cost in memory and time: a training step with gates beside one without, for each merge.

Each measurement runs in a process of its own. The peak is the largest resident memory during the steps less that before
them, with freed memory given back at once, so that it is what a step holds and not what the allocator kept for later;
times are taken with the allocator as it comes. The network is `digits` at four times its width on 32×32 images, so that
activations are most of the memory.

    python benchmarks/merge_memory.py [--batch 128] [--rounds 3]
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time

# glibc then maps every larger block by itself, and unmaps it when it is freed.
EXACT = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536"}
WIDTHS = {0: 64, 1: 64, 4: 128, 5: 128}


def measure(aggregate: str, gated: bool, batch: int) -> None:
    """Prints the peak in MiB and the median seconds of a step, as JSON."""
    import torch
    from torch.nn import functional as F

    from connprune.architecture.base import Shape
    from connprune.network import build
    from connprune.training.configuration import resolve

    widths = [f"layers.{number}.feature_maps={maps}" for number, maps in WIDTHS.items()]
    configuration = resolve("digits", assignments=[*widths, f"merge.aggregate={aggregate}"])
    architecture = configuration.with_input(Shape(3, 32, 32), 10)
    torch.manual_seed(0)
    network = build(architecture if gated else architecture.without_gates())
    optimizer = torch.optim.Adam(network.parameters(), fused=True)
    images, labels = torch.randint(0, 256, (batch, 3, 32, 32), dtype=torch.uint8), torch.randint(0, 10, (batch,))
    F.cross_entropy(network(images[:2]), labels[:2]).backward()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        optimizer.zero_grad()
        F.cross_entropy(network(images), labels).backward()
        optimizer.step()
        seconds.append(time.perf_counter() - started)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"mebibytes": (after - before) / 1024, "seconds": statistics.median(seconds)}))


def run(command: list[str], environment: dict[str, str]) -> dict[str, float]:
    """What a measurement in a process of its own printed."""
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    """Prints a row for each merge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--measure", nargs=2, metavar=("AGGREGATE", "GATED"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure(arguments.measure[0], arguments.measure[1] == "gated", arguments.batch)
        return
    header = ("merge", "peak without", "with gates", "ratio", "time without", "with", "ratio")
    print("{:<8} {:>13} {:>11} {:>6} {:>13} {:>8} {:>6}".format(*header))
    for aggregate in ("concat", "sum", "max", "squeeze"):
        found: dict[str, list[tuple[float, float]]] = {"plain": [], "gated": []}
        for _ in range(arguments.rounds):
            for kind, taken in found.items():
                command = [sys.executable, __file__, "--batch", str(arguments.batch), "--measure", aggregate, kind]
                taken.append((run(command, EXACT)["mebibytes"], run(command, dict(os.environ))["seconds"]))
        medians = {
            kind: dict(zip(("mebibytes", "seconds"), map(statistics.median, zip(*taken, strict=True)), strict=True))
            for kind, taken in found.items()
        }
        plain, gated = medians["plain"], medians["gated"]
        print(
            f"{aggregate:<8} {plain['mebibytes']:>9.0f} MiB {gated['mebibytes']:>7.0f} MiB "
            f"{gated['mebibytes'] / plain['mebibytes']:>6.2f} {plain['seconds'] * 1000:>10.0f} ms "
            f"{gated['seconds'] * 1000:>5.0f} ms {gated['seconds'] / plain['seconds']:>6.2f}"
        )


if __name__ == "__main__":
    main()
