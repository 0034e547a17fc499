"""Resizing by matrix products beside torch's own resize: forward and backward, on this machine's CPU or GPU.

    python benchmarks/resizing.py [cpu|cuda]

Prints, for the resizes of a `blog` step at batch 32, the median time of each way and their ratio, measured in turns.
"""

import statistics
import sys
import time

import torch

from connprune.network.network import laid_out
from connprune.network.resize import Interpolate

ROUNDS = 15
SIZES = ((32, 30), (32, 15), (30, 15), (30, 13), (15, 13), (15, 6), (13, 6))
DEVICE = torch.device(sys.argv[1] if len(sys.argv) > 1 else "cpu")


def seconds(resize: Interpolate, before: int, after: int, by_matrices: bool) -> float:
    """One forward and backward pass of 32 × 32 feature maps."""
    values = laid_out(torch.rand(32, 32, before, before, device=DEVICE)).requires_grad_()
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()
    started = time.perf_counter()
    resized = resize.by_matrices(values)[0] if by_matrices else resize.by_torch(values, (after, after))
    resized.backward(resized.detach())
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


print(f"{'mode':<9}{'from':>5}{'to':>4}{'torch ms':>10}{'matrices ms':>13}{'ratio':>7}")
for mode in ("bilinear", "bicubic", "area"):
    for before, after in SIZES:
        resize = Interpolate((before, before), [(after, after)], mode).to(DEVICE)
        taken: dict[bool, list[float]] = {False: [], True: []}
        for _ in range(ROUNDS):
            for way, times in taken.items():
                times.append(seconds(resize, before, after, way))
        own, ours = (1e3 * statistics.median(times) for times in taken.values())
        print(f"{mode:<9}{before:>5}{after:>4}{own:>10.2f}{ours:>13.2f}{own / ours:>7.2f}")
