"""What a shell offers for a value that is being typed. It waits for each answer, so nothing slow is imported here."""

import os
from collections.abc import Iterable
from pathlib import Path

import typer

from connprune import builtin

# The names that modules which import torch define; a test holds them to what those say.
GRANULARITIES = ("connection", "feature-map")
FORMATS = ("onnx", "pt2", "safetensors", "dot", "mermaid")
STARTS = ("scratch", "cut", "early")
PARTS = ("test", "validation", "train")
SCHEMAS = (
    *("configuration", "sweep", "summary", "epoch", "environments", "inspection", "run-agreement", "cut-agreement"),
    *("cut", "thresholds", "rounds", "comparison", "swept", "commands", "planned-training", "planned-sweep", "export"),
    *("check", "runs", "run-differences", "removed-runs", "presets", "preset", "bench", "machine", "evaluation"),
    "predictions",
)


def presets(incomplete: str) -> list[str]:
    """Presets that begin so."""
    from connprune.preset_names import preset_names

    return _beginning(incomplete, preset_names())


def runs(ctx: typer.Context, incomplete: str) -> list[str]:
    """Runs in the runs folder whose path begins so; for any other path the shell offers what it would."""
    folder = Path(ctx.params.get("runs") or os.environ.get("CONNPRUNE_RUNS") or "runs")
    return _beginning(incomplete, sorted(str(path.parent) for path in folder.glob("*/summary.json")))


def keys(incomplete: str) -> list[str]:
    """Keys of the configuration that begin so, each with its `=`."""
    from connprune.training.key_paths import configuration_keys

    return _beginning(incomplete, (f"{key}=" for key in configuration_keys()))


def columns(incomplete: str) -> list[str]:
    """Columns of a list of runs, and keys of the configuration, that begin so."""
    from connprune.documents.lists import RunRow
    from connprune.training.key_paths import configuration_keys

    return _beginning(incomplete, (*RunRow.model_fields, *configuration_keys()))


def criteria(incomplete: str) -> list[str]:
    """What scores connections."""
    return _beginning(incomplete, builtin.offered(builtin.CRITERIA, "connprune.criteria"))


def granularities(incomplete: str) -> list[str]:
    """What is cut."""
    return _beginning(incomplete, GRANULARITIES)


def starts(incomplete: str) -> list[str]:
    """What a retraining starts from."""
    return _beginning(incomplete, STARTS)


def parts(incomplete: str) -> list[str]:
    """Which images of a run are evaluated on."""
    return _beginning(incomplete, PARTS)


def formats(incomplete: str) -> list[str]:
    """What is exported."""
    return _beginning(incomplete, FORMATS)


def schemas(incomplete: str) -> list[str]:
    """What has a schema."""
    return _beginning(incomplete, SCHEMAS)


def downloads(incomplete: str) -> list[str]:
    """Data sets that do not come with the package."""
    return [name for name in data_sets(incomplete) if name != "digits"]


def data_sets(incomplete: str) -> list[str]:
    """Data sets that have a name; for a folder the shell offers what it would."""
    return _beginning(incomplete, builtin.offered(builtin.SOURCES, "connprune.sources"))


def devices(incomplete: str) -> list[str]:
    """What computes."""
    return _beginning(incomplete, ("auto", "cpu", "cuda", "cuda:", "mps"))


def clusters(incomplete: str) -> list[str]:
    """Where trainings can go."""
    return _beginning(incomplete, ("ray",))


def baselines(incomplete: str) -> list[str]:
    """Baselines of a cut, after those that are named already."""
    before, comma, last = incomplete.rpartition(",")
    names = [name.removesuffix("N") for name in builtin.offered(builtin.BASELINES, "connprune.baselines")]
    return [f"{before}{comma}{name}" for name in _beginning(last, names)]


def _beginning(incomplete: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
