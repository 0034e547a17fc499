"""Every merge, resize, gate kind and sharing trains, is cut, and is trained again."""

from pathlib import Path

import pytest
import torch

from connprune.architecture.rules import Sparsity
from connprune.data.sources import load
from connprune.runs.directory import RunDirectory
from connprune.training.pruning import Granularity, examine, prune, write_cut
from tests.strategies import AGGREGATES, INTERPOLATIONS
from tests.training.helpers import configuration, go_on, start

SMALL = ("layers.0.feature_maps=4", "layers.1.feature_maps=4", "layers.4.feature_maps=6", "layers.5.feature_maps=6")
CPU = torch.device("cpu")


@pytest.mark.parametrize("sharing", ["shared", "per-feature-map"])
@pytest.mark.parametrize("kind", ["sigmoid", "linear", "hard-concrete"])
@pytest.mark.parametrize("resize", [*INTERPOLATIONS, "pad"])
@pytest.mark.parametrize("aggregate", AGGREGATES)
def test_train_cut_retrain(tmp_path: Path, aggregate: str, resize: str, kind: str, sharing: str) -> None:
    resizing = "resize=pad" if resize == "pad" else f"interpolation={resize}"
    settings = (f"merge.aggregate={aggregate}", f"merge.{resizing}", f"gates.kind={kind}", f"gates.sharing={sharing}")
    chosen = configuration(*SMALL, *settings, "training.epochs=1", "data.train_images=64")
    run = start(tmp_path / "run", chosen)
    trained = go_on(run, chosen)
    granularity: Granularity = "connection" if sharing == "shared" else "feature-map"
    examined = examine(run, "gate", granularity, lambda found: load(found.data), CPU)
    pruned = prune(examined, Sparsity(0.3))
    cut = write_cut(pruned, tmp_path / "cut")
    architecture = cut.architecture()
    assert pruned.document["results"]["parent"]["test_accuracy"] == trained["final"]["test_accuracy"]
    assert (
        len(architecture.all_connections) < 45 or pruned.document["feature_maps"]["cut"] < trained["connections"] * 99
    )
    again = RunDirectory.create(
        tmp_path / "again", "retrain", chosen.to_yaml(architecture.without_gates()), architecture.without_gates()
    )
    retrained = go_on(again, chosen)
    assert retrained["status"] == "finished"
    assert retrained["gated_connections"] == 0
