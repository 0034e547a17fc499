"""An exported graph gives the scores that the network gives, for batches of any size."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from connprune import build, cut
from connprune.architecture import Architecture, Keep, Threshold
from connprune.architecture.files import to_data
from connprune.errors import ConnpruneError, DisconnectedError
from connprune.export import onnx as onnx_format
from connprune.export import pt2
from connprune.export.tracing import traced
from connprune.network import Network
from connprune.network.feature_maps import FeatureMaps
from connprune.network.layers import LayerModule
from tests.conftest import preset_architecture
from tests.network.reference import carried_maps, shaken
from tests.strategies import AGGREGATES, architectures

BATCHES = (1, 2, 7)
# torch 2.11 warns of how itself reads a file.
pytestmark = pytest.mark.filterwarnings("ignore:The given buffer is not writable")
# Exporters note where in the source code an operation came from; nothing of this machine shall travel.
HERE = str(Path(__file__).parents[2]).encode()


def network_of(architecture: Architecture) -> Network:
    torch.manual_seed(5)
    network = shaken(build(architecture))
    network.mean.normal_(128, 30)
    network.divisor.fill_(100)
    return network.eval()


def batches(network: Network) -> list[Tensor]:
    given = network.architecture.input
    shape = (given.feature_maps, given.height, given.width)
    return [torch.randint(0, 256, (count, *shape), dtype=torch.uint8) for count in BATCHES]


def assert_onnx_agrees(network: Network, path: Path) -> onnx.ModelProto:
    onnx_format.writer(network, {"classes": "[]"})(path)
    assert HERE not in path.read_bytes()
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert (session.get_inputs()[0].type, session.get_inputs()[0].shape[0]) == ("tensor(uint8)", "batch")
    for images in batches(network):
        (scores,) = session.run(["scores"], {"images": images.numpy()})
        with torch.no_grad():
            np.testing.assert_allclose(scores, network(images), rtol=1e-4, atol=1e-4)
    return onnx.load(path)


def assert_pt2_agrees(network: Network, path: Path) -> dict[str, Tensor]:
    pt2.writer(network, {"classes": "[]"})(path)
    assert HERE not in path.read_bytes()
    extra = {"classes": ""}
    program = torch.export.load(path, extra_files=extra)
    assert extra == {"classes": "[]"}
    for images in batches(network):
        with torch.no_grad():
            torch.testing.assert_close(program.module()(images), network(images), rtol=1e-4, atol=1e-4)
    return dict(program.state_dict)


def halved(architecture: Architecture, by_map: bool) -> Architecture:
    """A cut that leaves half of the connections, or of their feature maps."""
    generator = torch.Generator().manual_seed(3)
    drawn = {
        str(connection): torch.rand(carried_maps(architecture, connection), generator=generator).tolist()
        for connection in architecture.gated_connections
    }
    scores: Any = drawn if by_map else {name: values[0] for name, values in drawn.items()}
    count = sum(map(len, drawn.values())) if by_map else len(drawn)
    return cut(architecture, scores, Keep(count // 2)).architecture


def small(aggregate: str, sharing: str) -> Architecture:
    return Architecture.model_validate(
        {
            "input": {"feature_maps": 2, "height": 7, "width": 6},
            "classes": 3,
            "layers": [
                {"kind": "conv", "feature_maps": 4},
                {"kind": "max-pool", "size": 2},
                {"kind": "conv", "feature_maps": 5, "padding": "valid"},
            ],
            "connections": "dense",
            "merge": {"aggregate": aggregate},
            "gates": {"sharing": sharing, "initialisation": {"kind": "normal"}},
        }
    )


@pytest.mark.parametrize(
    "aggregate",
    [pytest.param(name, marks=[] if name in ("mean", "squeeze") else [pytest.mark.slow]) for name in AGGREGATES],
)
def test_every_merge_after_a_cut_of_feature_maps(tmp_path: Path, aggregate: str) -> None:
    network = network_of(halved(small(aggregate, "per-feature-map"), by_map=True))
    assert_onnx_agrees(network, tmp_path / "network.onnx")
    assert_pt2_agrees(network, tmp_path / "network.pt2")


@pytest.mark.parametrize("is_cut", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_an_unrolled_network_and_its_cut(tmp_path: Path, is_cut: bool) -> None:
    whole = small("concat", "shared")
    layers = [layer for layer in whole.layers if layer.kind == "conv"]
    unrolled = Architecture.model_validate(
        {**to_data(whole), "layers": [layer.model_dump() for layer in layers], "unroll": 2, "connections": "complete"}
        | {"gates": {"initialisation": {"kind": "normal"}}}
    )
    scores = {str(connection): float(connection.source != "input") for connection in unrolled.gated_connections}
    smaller = cut(unrolled, scores | {"input->conv1": 1.0}, Threshold(0.5)).architecture
    assert len(smaller.all_connections) == len(unrolled.all_connections) - 2
    network = network_of(smaller if is_cut else unrolled)
    assert_onnx_agrees(network, tmp_path / "network.onnx")
    assert_pt2_agrees(network, tmp_path / "network.pt2")


def test_gates_are_folded_away(tmp_path: Path) -> None:
    """What is left are weights of the sizes that they have without gates, and no operation that makes or uses gates."""
    network = network_of(small("concat", "per-feature-map"))
    plain = network.architecture.without_gates()
    expected = sorted(tensor.numel() for tensor in build(plain).state_dict().values())
    state = assert_pt2_agrees(network, tmp_path / "network.pt2")
    assert sorted(tensor.numel() for tensor in state.values()) == expected
    graph = assert_onnx_agrees(network, tmp_path / "network.onnx").graph
    assert not {node.op_type for node in graph.node} & {"Sigmoid", "Mul", "Gather"}


@pytest.mark.parametrize(
    "interpolation",
    ["max-pool", *(pytest.param(name, marks=pytest.mark.slow) for name in ("nearest", "bicubic", "area"))],
)
def test_every_way_to_resize(tmp_path: Path, interpolation: str) -> None:
    """From 7×6 to 3×3 and to 1×1, so that windows are of different sizes."""
    network = network_of(small("concat", "shared").replace(merge={"interpolation": interpolation}))
    assert_onnx_agrees(network, tmp_path / "network.onnx")
    assert_pt2_agrees(network, tmp_path / "network.pt2")


class Undecided(LayerModule):
    """A layer that does what no graph can say: it looks at the images before it decides."""

    def forward(self, maps: FeatureMaps) -> FeatureMaps:
        return maps if maps.values.sum() > 0 else maps._replace(values=-maps.values)


def test_a_layer_that_no_graph_can_express_is_told_in_one_sentence() -> None:
    network = network_of(
        Architecture.model_validate(
            {
                "input": {"feature_maps": 1, "height": 4, "width": 4},
                "classes": 2,
                "layers": [{"name": "own", "kind": "dropout"}],
                "connections": "chain",
            }
        )
    )
    network.layer_own = Undecided()
    with pytest.raises(ConnpruneError, match=r"^torch.export cannot express this network .*takes any\.$") as caught:
        traced(network)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("is_cut", [False, True])
@pytest.mark.parametrize("sharing", ["shared", "per-feature-map"])
@pytest.mark.parametrize("aggregate", AGGREGATES)
def test_the_digits_network(digits: Architecture, tmp_path: Path, aggregate: str, sharing: str, is_cut: bool) -> None:
    architecture = digits.replace(
        merge={"aggregate": aggregate}, gates={"sharing": sharing, "initialisation": {"kind": "normal"}}
    )
    network = network_of(halved(architecture, sharing == "per-feature-map") if is_cut else architecture)
    assert_onnx_agrees(network, tmp_path / "network.onnx")
    assert_pt2_agrees(network, tmp_path / "network.pt2")


@pytest.mark.slow
def test_a_sequence_network(tmp_path: Path) -> None:
    network = network_of(preset_architecture("sequence"))
    assert_onnx_agrees(network, tmp_path / "network.onnx")
    assert_pt2_agrees(network, tmp_path / "network.pt2")


@pytest.mark.slow
def test_the_blog_network(blog: Architecture, tmp_path: Path) -> None:
    assert_onnx_agrees(network_of(blog), tmp_path / "network.onnx")


@pytest.mark.slow
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(architectures(most_passes=3), st.booleans(), st.booleans())
def test_any_architecture(tmp_path: Path, architecture: Architecture, is_cut: bool, by_map: bool) -> None:
    if is_cut and architecture.gated_connections:
        try:
            architecture = halved(architecture, by_map)
        except DisconnectedError:
            return
    network = network_of(architecture)
    assert_onnx_agrees(network, tmp_path / "network.onnx")
    assert_pt2_agrees(network, tmp_path / "network.pt2")
