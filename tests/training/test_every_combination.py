"""Every merge, resize, gate kind and sharing trains, is cut, and is trained again."""

from itertools import product
from pathlib import Path

import pytest
import torch
from _pytest.mark import ParameterSet

from connprune.architecture.rules import KeepPerLayer, Sparsity
from connprune.data.sources import load
from connprune.runs.directory import RunDirectory
from connprune.training.pruning import Granularity, examine, prune, write_cut
from tests.combinations import KINDS, RESIZES, SHARINGS, combinations
from tests.strategies import AGGREGATES
from tests.training.helpers import configuration, go_on, start

SMALL = ("layers.0.feature_maps=4", "layers.1.feature_maps=4", "layers.4.feature_maps=6", "layers.5.feature_maps=6")
CPU = torch.device("cpu")


def test_the_fast_combinations_meet_every_pair() -> None:
    fast = [combination.values for combination in combinations() if not combination.marks]
    for one, other in ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)):
        choices = [(AGGREGATES, RESIZES, KINDS, SHARINGS)[place] for place in (one, other)]
        assert {(values[one], values[other]) for values in fast} == set(product(*choices))


@pytest.mark.parametrize(("aggregate", "resize", "kind", "sharing"), combinations())
def test_train_cut_retrain(tmp_path: Path, aggregate: str, resize: str, kind: str, sharing: str) -> None:
    resizing = "resize=pad" if resize == "pad" else f"interpolation={resize}"
    train_cut_retrain(tmp_path, sharing, f"merge.aggregate={aggregate}", f"merge.{resizing}", f"gates.kind={kind}")


OTHERS = [
    ("bernoulli", "shared"),
    ("bernoulli", "per-feature-map"),
    ("top-k", "shared"),
    ("top-k", "per-feature-map"),
    ("softmax", "shared"),
    ("reinforce", "per-feature-map"),
]


def of_every_other_kind() -> list[ParameterSet]:
    """With every merge; the fast ones are two merges for each kind, and each merge twice at least."""
    return [
        pytest.param(kind, sharing, aggregate, marks=[] if (number - place) % 5 in (0, 2) else pytest.mark.slow)
        for number, (kind, sharing) in enumerate(OTHERS)
        for place, aggregate in enumerate(AGGREGATES)
    ]


# What kinds of gates have in common with those above does not depend on how feature maps are resized.
@pytest.mark.parametrize(("kind", "sharing", "aggregate"), of_every_other_kind())
def test_every_other_kind(tmp_path: Path, aggregate: str, kind: str, sharing: str) -> None:
    train_cut_retrain(tmp_path, sharing, f"merge.aggregate={aggregate}", f"gates.kind={kind}", "gates.penalty=0")


def train_cut_retrain(tmp_path: Path, sharing: str, *settings: str) -> None:
    settings = (*settings, f"gates.sharing={sharing}")
    chosen = configuration(*SMALL, *settings, "training.epochs=1", "data.train_images=64")
    run = start(tmp_path / "run", chosen)
    trained = go_on(run, chosen)
    granularity: Granularity = "connection" if sharing == "shared" else "feature-map"
    examined = examine(run, "gate", granularity, lambda found: load(found.data), CPU)
    # Softmax gates are shares of a target's one, so the fewer connections it has the larger they are.
    pruned = prune(examined, KeepPerLayer(2) if "gates.kind=softmax" in settings else Sparsity(0.3))
    cut = write_cut(pruned, tmp_path / "cut")
    architecture = cut.architecture()
    assert pruned.document.before.test_accuracy == trained.final.test_accuracy
    assert len(architecture.all_connections) < 45 or pruned.document.after.feature_maps < trained.connections * 99
    again = RunDirectory.create(
        tmp_path / "again", "retrain", chosen.to_yaml(architecture.without_gates()), architecture.without_gates()
    )
    retrained = go_on(again, chosen)
    assert retrained.status == "finished"
    assert retrained.gated_connections == 0
