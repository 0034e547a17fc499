"""Cuts in rounds, without a word on the screen."""

import json
from collections.abc import Mapping
from pathlib import Path

import torch

from connprune.architecture.rules import Rule
from connprune.data.splits import Splits
from connprune.documents.rounds import RoundSettings
from connprune.experiments.rounds import Place, Steps, begin, once, planned, read, work
from connprune.interface.running import Watch, load_images, stopping, warn
from connprune.runs.directory import RunDirectory
from connprune.training.configuration import Configuration
from connprune.training.limited import BATCH, Limited
from connprune.training.pruning import Examined, Granularity, Pruned, examine, prune
from connprune.training.run import train_run


def steps_of(by: str, granularity: Granularity, device: torch.device, data: str | None) -> Steps:
    """How each part of the work is done.

    Args:
        by: the importance criterion.
        granularity: whether connections or feature maps are cut.
        device: where to train and to evaluate.
        data: where the images are now; None is where they were.
    """

    def examined(run: RunDirectory) -> Examined:
        return examine(run, by, granularity, load, device, data)

    def cut(examined: Examined, rule: Rule, is_timed: bool) -> Pruned:
        if not examined.same_data:
            warn("the images have changed since the run was trained, so no accuracy is comparable with the run's")
        return prune(examined, rule, BATCH if is_timed else None)

    def train(run: RunDirectory, configuration: Configuration, splits: Splits) -> None:
        with stopping() as stop:
            train_run(run, configuration, splits, device, Watch(None), stop)

    load = once(load_images, lambda configuration: configuration.data)
    return Steps(load, once(examined, lambda run: run.path), cut, train, lambda text: None)


def in_rounds(
    run: RunDirectory, rule: Rule | Limited, rounds: int, settings: Mapping[str, object], path: Path, steps: Steps
) -> RunDirectory:
    """Cuts a run in rounds, or resumes what the same call began, and gives the last cut.

    Raises:
        UsageError: the rule does not say how much is left, a setting is none, or the path holds something else.
        DisconnectedError: a round would leave no path from the input to the head.
    """
    place, examined = Place(path), steps.examine(run)
    asked = RoundSettings(
        rule=str(rule),
        by=examined.by,
        granularity=examined.granularity,
        layers_only=False,
        settings=tuple(f"{key}={json.dumps(value)}" for key, value in settings.items()),
        rounds=rounds,
    )
    if not place.is_begun:
        begin(place, planned(rule, examined, asked))
    return work(place, read(place, asked), steps)
