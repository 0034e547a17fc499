"""Experiment trackers: what a training recorded, where others keep theirs. Each reads its own environment variables."""

import os
import time
from collections.abc import Iterator, Mapping
from typing import Any

from connprune.documents.epoch import EpochMetrics
from connprune.documents.run import Trained
from connprune.training.callbacks import Callback, Watched

# Where the trackers are told of no project.
PROJECT = "connprune"
# As many parameters MLflow takes in one call.
_AT_ONCE = 100


class Wandb(Callback):
    """Weights & Biases: every epoch's numbers, the configuration and the results, in `wandb/` of the run and online.

    $WANDB_MODE=offline leaves it at the files, which `wandb sync` uploads; $WANDB_PROJECT names the project.
    """

    name = "wandb"
    package = "wandb"

    def __init__(self, training: Watched) -> None:
        super().__init__(training)
        import wandb

        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            dir=training.path,
            id=training.identity,
            resume="allow",
            reinit="create_new",
            name=training.path.name,
            config=dict(training.configuration),
            # What a command prints is its own.
            settings=wandb.Settings(console="off"),
        )
        self._run.define_metric("epoch")
        self._run.define_metric("*", step_metric="epoch")
        self._has_ended = False

    def on_epoch(self, epoch: EpochMetrics) -> None:
        self._run.log(epoch.plain())

    def on_end(self, summary: Trained) -> None:
        self._run.summary.update(results(summary))
        self._has_ended = True

    def close(self) -> None:
        self._run.finish(exit_code=0 if self._has_ended else 1)


class Mlflow(Callback):
    """MLflow: every epoch's numbers, the configuration as parameters, and the results.

    $MLFLOW_TRACKING_URI says where, $MLFLOW_EXPERIMENT_NAME the experiment.
    """

    name = "mlflow"
    package = "mlflow"

    def __init__(self, training: Watched) -> None:
        super().__init__(training)
        from mlflow import MlflowClient
        from mlflow.entities import Param

        self._client = MlflowClient()
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", PROJECT)
        known = self._client.get_experiment_by_name(name)
        experiment = known.experiment_id if known else self._client.create_experiment(name)
        begun = self._client.search_runs([experiment], f"tags.connprune_run = '{training.identity}'")
        if begun:
            self._id = begun[0].info.run_id
            self._client.update_run(self._id, status="RUNNING")
        else:
            tags = {"connprune_run": training.identity}
            self._id = self._client.create_run(experiment, run_name=training.path.name, tags=tags).info.run_id
            # Once: a parameter never changes again there, but a run that is resumed may have more epochs.
            known_by = [Param(key, value) for key, value in parameters(training.configuration)]
            for start in range(0, len(known_by), _AT_ONCE):
                self._client.log_batch(self._id, params=known_by[start : start + _AT_ONCE])
        self._has_ended = False

    def on_epoch(self, epoch: EpochMetrics) -> None:
        self._log(epoch.plain(), epoch.epoch)

    def on_end(self, summary: Trained) -> None:
        self._log(results(summary), summary.epochs)
        self._has_ended = True

    def close(self) -> None:
        self._client.set_terminated(self._id, "FINISHED" if self._has_ended else "KILLED")

    def _log(self, values: Mapping[str, Any], step: int) -> None:
        from mlflow.entities import Metric

        moment = int(1000 * time.time())
        metrics = [Metric(key, float(value), moment, step) for key, value in values.items()]
        self._client.log_batch(self._id, metrics=metrics)


def results(summary: Trained) -> dict[str, float]:
    """What a finished training came to: its counts, and its results on images that it was not trained on."""
    final, best = summary.final, summary.best
    numbers: dict[str, float | None] = {
        "final_test_accuracy": final.test_accuracy,
        "final_test_loss": final.test_loss,
        "final_validation_accuracy": final.validation_accuracy,
        "final_validation_loss": final.validation_loss,
        "best_epoch": best.epoch,
        "best_test_accuracy": best.test_accuracy,
        "best_validation_loss": best.validation_loss,
        "parameters": summary.parameters,
        "macs": summary.macs,
        "gated_connections": summary.gated_connections,
        "final_gates_closed": summary.gates_closed,
        "training_seconds": summary.training_seconds,
    }
    return {name: number for name, number in numbers.items() if number is not None}


def parameters(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Each value of a configuration by its keys with dots between, as a text of at most 500 characters."""
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from parameters(below, f"{path}.{key}".lstrip("."))
    elif value is not None and value != []:
        yield path, str(value)[:500]
