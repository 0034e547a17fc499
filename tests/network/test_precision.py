"""Under autocast all feature maps are bfloat16, so that concatenations are, and are known when they are recomputed."""

from unittest.mock import patch

import pytest
import torch
from hypothesis import given, settings
from torch import Tensor, nn
from torch.nn import functional as F

from connprune.architecture import Architecture
from connprune.network import build
from connprune.network.feature_maps import FeatureMaps
from tests.strategies import ORDERS, architectures

_group_norm = F.group_norm


def as_on_cuda(values: Tensor, groups: int, weight: Tensor, bias: Tensor, epsilon: float) -> Tensor:
    """There autocast computes group normalisation in float32; on a CPU it does not."""
    return _group_norm(values.float(), groups, weight, bias, epsilon)


def types_of(architecture: Architecture) -> dict[str, set[torch.dtype]]:
    """Of what each layer reads and gives under autocast."""
    network = build(architecture).train()
    types: dict[str, set[torch.dtype]] = {}
    for layer in architecture.layers:

        def note(module: nn.Module, inputs: tuple[FeatureMaps], output: FeatureMaps, name: str = layer.name) -> None:
            types[name] = {maps.values.dtype for maps in (*inputs, output)}

        network.get_submodule(f"layer_{layer.name}").register_forward_hook(note)
    shape = architecture.input
    images = torch.randint(0, 256, (4, shape.feature_maps, shape.height, shape.width), dtype=torch.uint8)
    with torch.autocast("cpu", torch.bfloat16), patch.object(F, "group_norm", as_on_cuda):
        assert network(images).dtype == torch.bfloat16
    return types


@settings(max_examples=30)
@given(architectures())
def test_every_layer_gives_the_type_that_it_reads(architecture: Architecture) -> None:
    assert types_of(architecture) == {layer.name: {torch.bfloat16} for layer in architecture.layers}


@pytest.mark.parametrize(
    "layer",
    [
        {"kind": "average-pool", "size": 2, "stride": 1, "padding": "same"},
        {"kind": "layer-norm"},
        *({"kind": "conv", "feature_maps": 2, "norm": "layer", "order": order} for order in ORDERS),
    ],
)
def test_layers_that_count_in_float32(layer: dict[str, object]) -> None:
    given = {"feature_maps": 2, "height": 5, "width": 5}
    architecture = Architecture.model_validate(
        {"input": given, "classes": 2, "layers": [{"name": "one", **layer}], "connections": "dense"}
    )
    assert types_of(architecture) == {"one": {torch.bfloat16}}
