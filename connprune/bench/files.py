"""What the files of a training cost it."""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from connprune.background import Background
from connprune.documents.bench import FileCosts
from connprune.runs.directory import RunDirectory
from connprune.training.checkpoints import copied
from connprune.training.events import NO_EVENTS
from connprune.training.record import Record
from connprune.training.trainer import Trainer


def file_costs(trainer: Trainer, rounds: int, warn: Callable[[str], None]) -> FileCosts:
    """A checkpoint, with the best weights and the history, in the system's folder for temporary files.

    Args:
        trainer: with which steps were taken.
        rounds: how many are written; medians are given.
        warn: as for `Record`.
    """
    copying, writing = [], []
    with TemporaryDirectory() as folder, Background() as background:
        run = RunDirectory(Path(folder))
        for _ in range(rounds):
            record = Record(run, trainer, warn, NO_EVENTS, background, time.monotonic())
            record.best_weights = copied(trainer.network.state_dict())
            begun = time.perf_counter()
            record.save()
            held = time.perf_counter()
            record.wait()
            copying.append(held - begun)
            writing.append(time.perf_counter() - held)
            # A real training keeps the one before; here it would only take room.
            run.previous_checkpoint.unlink(missing_ok=True)
        size = run.checkpoint.stat().st_size
    interval = 60 * trainer.recipe.checkpoint_minutes
    copied_in, written_in = median(copying), median(writing)
    return FileCosts(
        checkpoint_bytes=size,
        copy_seconds=copied_in,
        write_seconds=written_in,
        interval_seconds=interval,
        share=min(1.0, (copied_in + written_in) / interval),
    )
