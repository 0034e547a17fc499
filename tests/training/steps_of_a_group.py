"""Trains for some steps in each process of a group, and writes each step's loss and the gates at the end.

torchrun --nproc-per-node=N steps_of_a_group.py FILE STEPS [KEY=VALUE]…
"""

import json
import sys
from pathlib import Path

import torch

from connprune.data.images import normalisation
from connprune.data.random import stream_seed
from connprune.data.sources import load
from connprune.network import build
from connprune.training.configuration import design, resolve
from connprune.training.group import joined
from connprune.training.run import split_data
from connprune.training.trainer import Trainer


def main() -> None:
    file, steps, *assignments = sys.argv[1:]
    # Adam turns the sign of a gradient that is nearly zero into a whole step, so that float32's rounding soon shows.
    torch.set_default_dtype(torch.float64)
    chosen = resolve("digits", assignments=assignments)
    with joined(torch.device("cpu")) as group:
        torch.manual_seed(stream_seed(chosen.training.seed, "weights"))
        network = build(design(chosen)).double().train()
        splits = split_data(chosen, load(chosen.data))
        mean, divisor = normalisation(splits.train, chosen.data.normalise)
        network.normalise(mean, divisor)
        trainer = Trainer(network, splits, chosen.data.augment, chosen.training, print, group)
        losses = []
        step = trainer.endless_steps()
        for _ in range(int(steps)):
            step()
            losses.append(trainer.state()[0]["loss"].item())
            trainer._step.reset()
        if group.rank == 0:
            Path(file).write_text(json.dumps({"losses": losses, "gates": trainer.gates().tolist()}))


if __name__ == "__main__":
    main()
