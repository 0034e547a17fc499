"""The expected cost: of gates that have decided it is the cost of the cut, and of others its gradient is right."""

from itertools import product
from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from connprune.architecture import Architecture, Threshold
from connprune.architecture.cutting import cut
from connprune.architecture.shapes import mac_count, parameter_count
from connprune.errors import DisconnectedError
from connprune.network.expected_cost import ExpectedCost
from connprune.network.gates import GateVector
from tests.strategies import architectures

CONV = {"kind": "conv", "kernel": 3, "padding": "same"}


def values_of(architecture: Architecture, values: list[float]) -> dict[str, float | list[float]]:
    shared = architecture.gates is not None and architecture.gates.sharing == "shared"
    parts = torch.tensor(values).split(list(architecture.gate_counts))
    pairs = zip(architecture.gated_connections, parts, strict=True)
    return {str(connection): part.item() if shared else part.tolist() for connection, part in pairs}


def expected(architecture: Architecture, values: list[float]) -> list[float]:
    assert architecture.gates is not None
    gates = GateVector(architecture, architecture.gates)
    found: list[float] = ExpectedCost(architecture)(gates, torch.tensor(values)).tolist()
    return found


@st.composite
def decided(draw: st.DrawFn, least_passes: int = 1, most_passes: int = 1) -> tuple[Architecture, list[float]]:
    """An architecture, sometimes one that was cut before, and gates of 0 and 1, more of the one or of the other."""
    architecture = draw(architectures(least_layers=1, least_passes=least_passes, most_passes=most_passes))
    for again in (draw(st.booleans()), False):
        assume(architecture.gated_connections)
        count = sum(architecture.gate_counts)
        closed = draw(st.sampled_from([0.1, 0.3, 0.6]))
        values = [float(draw(st.floats(0, 1)) > closed) for _ in range(count)]
        if not again:
            break
        try:
            architecture = cut(architecture, values_of(architecture, values), Threshold(0.5)).architecture
        except DisconnectedError:
            assume(False)
    return architecture, values


def require_cost_of_the_cut(architecture: Architecture, values: list[float], rel: float) -> None:
    try:
        smaller = cut(architecture, values_of(architecture, values), Threshold(0.5)).architecture
    except DisconnectedError:
        return
    counts = [parameter_count(smaller), mac_count(smaller)]
    assert expected(architecture, values) == pytest.approx(counts, rel=rel, abs=1e-2)


@given(decided())
def test_on_gates_that_have_decided_it_is_the_cost_of_the_cut(case: tuple[Architecture, list[float]]) -> None:
    require_cost_of_the_cut(*case, rel=1e-5)


@given(decided(least_passes=2, most_passes=3))
def test_so_it_is_where_connections_lead_backward(case: tuple[Architecture, list[float]]) -> None:
    # Roundings grow with the rounds that blocks in a cycle take.
    require_cost_of_the_cut(*case, rel=1e-3)


def cyclic(passes: int, wiring: Any, **keys: Any) -> Architecture:
    """Two or three convolutions; the head also reads the input, so that no pattern of gates disconnects it."""
    count = 3 if wiring == "complete" else len(wiring)
    return Architecture.model_validate(
        {
            "input": {"feature_maps": 3, "height": 8, "width": 8},
            "classes": 3,
            "layers": [CONV | {"name": name, "feature_maps": 4} for name in "abc"[:count]],
            "connections": wiring if wiring == "complete" else wiring | {"head": ["input", *"abc"[:count]]},
            "unroll": passes,
            "gates": {"kind": "sigmoid"},
            **keys,
        }
    )


# The second is a convolution of two groups, whose blocks get their feature maps in different passes.
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("sharing", ["shared", "per-feature-map"])
def test_around_a_cycle_its_gradient_is_right_and_reaches_every_gate(sharing: str, groups: int) -> None:
    layers = [CONV | {"name": name, "feature_maps": 4, "groups": groups if name == "b" else 1} for name in "abc"]
    keys = {"layers": layers, "merge": {"aggregate": "sum"}, "gates": {"kind": "sigmoid", "sharing": sharing}}
    architecture = cyclic(3, "complete", input={"feature_maps": 4, "height": 8, "width": 8}, **keys)
    assert architecture.gates is not None
    gates, cost = GateVector(architecture, architecture.gates), ExpectedCost(architecture).double()
    draw = torch.rand(sum(architecture.gate_counts), generator=torch.Generator().manual_seed(0))
    openness = (0.1 + 0.8 * draw).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda given: cost(gates, given), (openness,), rtol=1e-4, atol=1e-4)
    for each in cost(gates, openness):
        assert (torch.autograd.grad(each, openness, retain_graph=True)[0] > 0).all()
    cost.float()
    for values in (torch.zeros_like(draw), torch.ones_like(draw), draw.round(), draw * 1e-9):
        counts = cost(gates, values.requires_grad_())
        gradient = torch.autograd.grad(counts.sum(), values)[0]
        assert counts.isfinite().all()
        assert gradient.isfinite().all()
        assert gradient.abs().max() < 10 * mac_count(architecture)


def test_a_backward_connection_costs_the_passes_that_it_asks_for() -> None:
    architecture = cyclic(3, {"a": ["input", "b"], "b": ["a"]})
    names = [str(connection) for connection in architecture.gated_connections]
    macs = [
        expected(architecture, [probability if name == "b->a" else 1.0 for name in names])[1]
        for probability in (0.0, 0.3, 1.0)
    ]
    assert macs[0] < macs[1] < macs[2]
    assert macs[2] == pytest.approx(mac_count(architecture), rel=1e-4)
    # Once it is in the network, both layers are computed two times more.
    brought = architecture.layer["a"].macs(architecture.shapes.merged["a"])
    assert macs[2] - macs[0] > 2 * brought


@settings(max_examples=12)
@given(architectures(least_layers=1), st.integers(0, 2**31))
def test_its_gradient_is_that_of_finite_differences(architecture: Architecture, seed: int) -> None:
    assert architecture.gates is not None
    gates, cost = GateVector(architecture, architecture.gates), ExpectedCost(architecture).double()
    draw = torch.rand(sum(architecture.gate_counts), generator=torch.Generator().manual_seed(seed))
    openness = (0.1 + 0.8 * draw).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda given: cost(gates, given), (openness,), rtol=1e-4, atol=1e-4)


def test_it_grows_with_every_gate(digits: Architecture) -> None:
    count = len(digits.gated_connections)
    half = expected(digits, [0.5] * count)
    for number in range(count):
        more = expected(digits, [0.5] * number + [0.9] + [0.5] * (count - number - 1))
        assert more[0] > half[0]
    assert expected(digits, [1.0] * count) == pytest.approx([parameter_count(digits), mac_count(digits)], rel=1e-6)


# Networks whose paths share no gates; the head also reads the input, so that no pattern of gates disconnects it.
SEPARATE = {
    "chain": (
        [CONV | {"feature_maps": 5}, CONV | {"feature_maps": 3}],
        {"conv1": ["input"], "conv2": ["conv1"]},
        "conv2",
    ),
    "through": (
        [
            CONV | {"feature_maps": 5},
            CONV | {"feature_maps": 3},
            {"kind": "dropout", "rate": 0.1},
            CONV | {"feature_maps": 4},
        ],
        {"conv1": ["input"], "conv2": ["input"], "dropout1": ["conv1", "conv2"], "conv3": ["dropout1"]},
        "conv3",
    ),
    "joined": (
        [CONV | {"feature_maps": 4}, CONV | {"feature_maps": 4}, CONV | {"feature_maps": 2}],
        {"conv1": ["input"], "conv2": ["input"], "conv3": ["conv1", "conv2"]},
        "conv3",
    ),
    "backward": (
        [CONV | {"feature_maps": 5}, CONV | {"feature_maps": 3}],
        {"conv1": ["input", "conv2"], "conv2": ["input"]},
        "conv1",
    ),
    "twice backward": (
        [CONV | {"feature_maps": 4}, CONV | {"feature_maps": 4}, CONV | {"feature_maps": 2}],
        {"conv1": ["input", "conv2"], "conv2": ["input", "conv3"], "conv3": ["input"]},
        "conv1",
    ),
}


def mean_over_patterns(architecture: Architecture, probability: float) -> tuple[list[float], list[float]]:
    """How probably each gate is open, all alike but that of the input to the head, and the mean of what cuts cost."""
    names = [str(connection) for connection in architecture.gated_connections]
    chances = [1.0 if gate == "input->head" else probability for gate in names]
    mean = torch.zeros(2, dtype=torch.float64)
    for pattern in product([0.0, 1.0], repeat=len(names)):
        weights = [chance if value else 1 - chance for chance, value in zip(chances, pattern, strict=True)]
        likely = torch.tensor(weights, dtype=torch.float64).prod()
        if likely:
            smaller = cut(architecture, values_of(architecture, list(pattern)), Threshold(0.5)).architecture
            mean += likely * torch.tensor([parameter_count(smaller), mac_count(smaller)])
    return chances, mean.tolist()


@pytest.mark.parametrize("name", SEPARATE)
@pytest.mark.parametrize("aggregate", ["concat", "sum", "squeeze"])
@pytest.mark.parametrize("probability", [0.01, 0.5, 0.9])
def test_behind_shared_gates_it_is_the_mean_over_all_patterns(name: str, aggregate: str, probability: float) -> None:
    layers, wiring, last = SEPARATE[name]
    architecture = Architecture.model_validate(
        {
            "input": {"feature_maps": 3, "height": 8, "width": 8},
            "classes": 3,
            "layers": layers,
            "connections": wiring | {"head": ["input", last]},
            "unroll": 3,
            "merge": {"aggregate": aggregate},
            "gates": {"kind": "sigmoid"},
        }
    )
    chances, mean = mean_over_patterns(architecture, probability)
    assert expected(architecture, chances) == pytest.approx(mean, rel=1e-4)


# Around a cycle the paths in and out share gates: there it is an estimate, and these say how good a one.
@pytest.mark.parametrize(
    ("wiring", "parameters", "macs"),
    [
        ({"a": ["input", "b"], "b": ["input", "a"]}, 0.02, 0.1),
        ({"a": ["input", "b"], "b": ["a"]}, 0.06, 0.22),
    ],
    ids=["complete", "loop"],
)
@pytest.mark.parametrize("passes", [2, 3])
@pytest.mark.parametrize("probability", [0.01, 0.5, 0.9])
def test_around_a_cycle_it_is_near_that_mean(
    wiring: dict[str, list[str]], parameters: float, macs: float, passes: int, probability: float
) -> None:
    architecture = cyclic(passes, wiring)
    chances, mean = mean_over_patterns(architecture, probability)
    found = expected(architecture, chances)
    assert found[0] == pytest.approx(mean[0], rel=parameters)
    assert found[1] == pytest.approx(mean[1], rel=macs)
