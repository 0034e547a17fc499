"""The expected cost: of gates that have decided it is the cost of the cut, and of others its gradient is right."""

from itertools import product

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
def decided(draw: st.DrawFn) -> tuple[Architecture, list[float]]:
    """An architecture, sometimes one that was cut before, and gates of 0 and 1, more of the one or of the other."""
    architecture = draw(architectures(least_layers=1))
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


@given(decided())
def test_on_gates_that_have_decided_it_is_the_cost_of_the_cut(case: tuple[Architecture, list[float]]) -> None:
    architecture, values = case
    try:
        smaller = cut(architecture, values_of(architecture, values), Threshold(0.5)).architecture
    except DisconnectedError:
        return
    counts = [parameter_count(smaller), mac_count(smaller)]
    assert expected(architecture, values) == pytest.approx(counts, rel=1e-5, abs=1e-2)


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


CONV = {"kind": "conv", "kernel": 3, "padding": "same"}
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
}


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
            "merge": {"aggregate": aggregate},
            "gates": {"kind": "sigmoid"},
        }
    )
    names = [str(connection) for connection in architecture.gated_connections]
    chances = [1.0 if gate == "input->head" else probability for gate in names]
    mean = torch.zeros(2, dtype=torch.float64)
    for pattern in product([0.0, 1.0], repeat=len(names)):
        weights = [chance if value else 1 - chance for chance, value in zip(chances, pattern, strict=True)]
        likely = torch.tensor(weights, dtype=torch.float64).prod()
        if likely:
            smaller = cut(architecture, values_of(architecture, list(pattern)), Threshold(0.5)).architecture
            mean += likely * torch.tensor([parameter_count(smaller), mac_count(smaller)])
    assert expected(architecture, chances) == pytest.approx(mean.tolist(), rel=1e-4)
