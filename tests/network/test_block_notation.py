"""A layer with its normalisation and activation is what the layers would be that are written out, number for number."""

from pathlib import Path
from typing import Any

import pytest

from connprune.architecture.shapes import mac_count, parameter_count
from connprune.architecture.strict_yaml import dump
from connprune.training.configuration import Configuration, resolve
from tests.training.helpers import go_on, start

SHORT = ("data.train_images=96", "training.epochs=2", "training.batch_size=32")
CONVOLUTIONS: list[dict[str, Any]] = [
    {"kind": "conv", "feature_maps": 8},
    {"kind": "conv", "feature_maps": 8, "kernel": [3, 1]},
    {"kind": "separable-conv", "feature_maps": 8, "bias": True},
]


def written_out(order: str) -> tuple[list[dict[str, Any]], dict[str, list[str]]]:
    """Layers and connections with each step of a block as a layer of its own, the first of which reads the merge."""
    layers: list[dict[str, Any]] = []
    connections: dict[str, list[str]] = {}
    ends = ["input"]
    for number, convolution in enumerate(CONVOLUTIONS):
        steps = {
            "conv": {**convolution, "activation": "none"},
            "norm": {"kind": "batch-norm"},
            "act": {"kind": "activation", "function": "relu"},
        }
        reads = list(ends)
        for step in order.split("-"):
            name = f"b{number}-{step}"
            layers.append({"name": name, **steps[step]})
            connections[name] = reads
            reads = [name]
        ends.append(reads[0])
    connections["head"] = ends
    return layers, connections


def configuration(path: Path, layers: list[dict[str, Any]], connections: Any, ungated: list[str]) -> Configuration:
    path.write_text(
        dump(
            {
                "preset": "digits",
                "layers": layers,
                "connections": connections,
                "merge": {"aggregate": "sum"},
                "gates": {"kind": "sigmoid", "penalty": 0.001, "rate": 0.05, "ungated": ungated},
                "head": {"reduce": "average", "hidden": []},
            }
        )
    )
    return resolve(config=path, assignments=SHORT)


@pytest.mark.parametrize("order", ["conv-norm-act", "norm-act-conv", "act-conv-norm"])
def test_a_block_trains_as_its_layers_written_out(tmp_path: Path, order: str) -> None:
    layers, connections = written_out(order)
    first = order.partition("-")[0]
    ungated = [name for name in connections if name != "head" and not name.endswith(first)] + [f"b0-{first}"]
    long = configuration(tmp_path / "long.yaml", layers, connections, ungated)
    blocks = [
        {"name": f"b{number}", **convolution, "norm": "batch", "order": order}
        for number, convolution in enumerate(CONVOLUTIONS)
    ]
    short = configuration(tmp_path / "short.yaml", blocks, "dense", ["b0"])
    runs = []
    for number, chosen in enumerate((long, short)):
        run = start(tmp_path / str(number), chosen)
        go_on(run, chosen)
        runs.append(run)
    many, few = (run.architecture() for run in runs)
    assert (len(many.layers), len(few.layers)) == (9, 3)
    assert len(many.gated_connections) == len(few.gated_connections)
    assert (parameter_count(many), mac_count(many)) == (parameter_count(few), mac_count(few))
    gates = [run.read_gates().values for run in runs]
    assert (gates[0] == gates[1]).all()
    losses = [[epoch.train_loss for epoch in run.read_metrics()] for run in runs]
    assert losses[0] == losses[1]
