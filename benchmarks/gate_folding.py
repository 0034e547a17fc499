"""What gates cost in a training step of `blog`, and where they should be multiplied in.

Three networks take turns in one process, so that a machine that speeds up or slows down does so for all of them:
without gates; gates in the smaller operand, as connprune does it; gates always in the weights.

    python benchmarks/gate_folding.py [--rounds 15] [--batch 32] [--device cpu]
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from connprune.architecture import Architecture
from connprune.network import build, convolutions, feature_maps, head
from connprune.training.configuration import design, resolve

Fold = Callable[[Tensor, Tensor | None, Tensor], tuple[Tensor, Tensor]]


def always_in_the_weights(values: Tensor, gates: Tensor | None, weight: Tensor) -> tuple[Tensor, Tensor]:
    """The alternative: scale the weights whatever their size."""
    return values, weight if gates is None else weight * gates.reshape(-1, *[1] * (weight.dim() - 2))


class Candidate:
    """A network and its optimizer, timed step by step."""

    def __init__(self, architecture: Architecture, fold: Fold, device: torch.device) -> None:
        torch.manual_seed(0)
        self.network = build(architecture).to(device)
        self.optimizer = torch.optim.Adam(self.network.parameters(), fused=True)
        self.fold = fold
        self.seconds: list[float] = []

    def step(self, images: Tensor, labels: Tensor) -> None:
        """One timed training step."""
        for module in (convolutions, head):
            module.folded = self.fold  # type: ignore[attr-defined]
        started = time.perf_counter()
        F.cross_entropy(self.network(images), labels).backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        if images.device.type == "cuda":
            torch.cuda.synchronize(images.device)
        self.seconds.append(time.perf_counter() - started)


def main() -> None:
    """Prints the median step of each candidate and its ratio to the network without gates."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    architecture = design(resolve(preset="blog"))
    candidates = {
        "without gates": Candidate(architecture.without_gates(), feature_maps.folded, device),
        "gates in the smaller operand": Candidate(architecture, feature_maps.folded, device),
        "gates always in the weights": Candidate(architecture, always_in_the_weights, device),
    }
    images = torch.randint(0, 256, (arguments.batch, 3, 32, 32), dtype=torch.uint8, device=device)
    labels = torch.randint(0, 10, (arguments.batch,), device=device)
    for _ in range(arguments.rounds + 2):
        for candidate in candidates.values():
            candidate.step(images, labels)
    medians = {name: statistics.median(candidate.seconds[2:]) for name, candidate in candidates.items()}
    print(f"torch {torch.__version__}, {device}, {torch.get_num_threads()} threads, batch {arguments.batch}")
    for name, seconds in medians.items():
        print(f"{name:<30} {seconds * 1000:7.1f} ms  {seconds / medians['without gates']:.2f}")


if __name__ == "__main__":
    main()
