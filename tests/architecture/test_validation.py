"""What is no architecture is refused by a sentence that names the key."""

from typing import Any

import pytest
from pydantic import ValidationError

from connprune.architecture import Architecture
from connprune.architecture.explain import explain
from connprune.architecture.strict_yaml import Document

VALID: dict[str, Any] = {
    "input": {"feature_maps": 1, "height": 8, "width": 8},
    "classes": 10,
    "layers": [{"kind": "conv", "feature_maps": 4}, {"kind": "max-pool"}, {"kind": "conv", "feature_maps": 4}],
    "connections": "dense",
    "gates": {"kind": "sigmoid"},
}


def convolution(**keys: Any) -> list[dict[str, Any]]:
    return [{"kind": "conv", **keys}]


def refusal(**changes: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        Architecture.model_validate({**VALID, **changes})
    return "\n".join(map(str, explain(caught.value, Architecture, Document({}))))


def test_the_example_is_valid() -> None:
    assert Architecture.model_validate(VALID).shapes.output["pool1"].size == (4, 4)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"layers": [{"kind": "cnv"}]}, "layers.0: found the kind 'cnv', expected one of conv, separable-conv"),
        (
            {"layers": [{"kind": "lstm", "feature_maps": 4}]},
            "the layer 'lstm1' got 1@8 (feature maps@side), but lstm reads",
        ),
        ({"layers": convolution(feature_maps=4, groups=3)}, "3 groups do not divide the 1 feature maps that it reads"),
        ({"layers": [{"kind": "conv"}]}, "layers.0.feature_maps: this key is missing"),
        (
            {"layers": convolution(feature_maps=4, kernal=3)},
            "layers.0.kernal: there is no such key; did you mean 'kernel'?",
        ),
        ({"layers": convolution(feature_maps=0)}, "layers.0.feature_maps: found 0, expected greater than or equal"),
        ({"layers": convolution(feature_maps="4")}, "layers.0.feature_maps: found '4', expected a whole number"),
        ({"layers": convolution(feature_maps=True)}, "layers.0.feature_maps: found True, expected a whole number"),
        ({"layers": [{"kind": "dropout", "rate": 1.0}]}, "layers.0.rate: found 1.0, expected less than 1"),
        ({"layers": convolution(feature_maps=4, name="head")}, "the name 'head' is taken"),
        ({"layers": convolution(feature_maps=4, name="../x")}, "layers.0.name"),
        ({"layers": 3}, "layers: found 3, expected a list"),
        ({"layers": 3, "connections": {}}, "layers: found 3, expected a list"),
        ({"layers": 3, "connections": {}, "merge": {"aggregate": "squeeze"}}, "layers: found 3, expected a list"),
        ({"\x1b[2J": 3}, r"\x1b[2J: there is no such key"),
        (
            {"connections": "ring"},
            "connections: expected a mapping or one of dense, chain, residual, complete (found 'ring')",
        ),
        ({"connections": {"conv1": ["input"], "head": ["conv1"]}}, "'pool1' reads nothing"),
        ({"connections": {"conv1": ["conv2"]}}, "'conv1' reads 'conv2', which does not come before it"),
        ({"connections": {"conv1": ["conv1"]}}, "'conv1' reads itself"),
        ({"connections": {"conv1": ["input", "input"]}}, "names a source twice"),
        ({"connections": {"conv9": ["input"]}}, "'conv9' is no layer"),
        (
            {"connections": {"conv1": ["input"], "pool1": ["input"], "conv2": ["pool1"], "head": ["conv2"]}},
            "nothing reads 'conv1'",
        ),
        ({"gates": {"kind": "tanh"}}, "gates.kind: found 'tanh', expected one of sigmoid, linear,"),
        (
            {"gates": {"penalty_warmup": 50.0}},
            "found 50.0, expected a share of the training below 1, like 0.5, or a whole",
        ),
        ({"gates": {"penalty_warmup": -1}}, "found -1, expected a share of the training"),
        ({"gates": {"penalty_warmup": True}}, "found True, expected a share of the training"),
        ({"gates": {"penalty_warmup": float("nan")}}, "expected a share of the training"),
        ({"gates": {"penalise": "l0"}}, "penalise l0 belongs to hard-concrete gates, but these are sigmoid"),
        ({"gates": {"open": 3}}, "open belongs to top-k gates, but these are sigmoid"),
        ({"gates": {"kind": "top-k", "open": 0.5}}, "gates.open: found 0.5, expected a whole number, or a percentage"),
        ({"gates": {"kind": "top-k", "penalty": 0.1}}, "top-k gates are as many as open says"),
        (
            {"gates": {"kind": "top-k", "penalise": "expected-cost", "budget": {"macs": "50%"}}},
            "top-k gates are as many as open says",
        ),
        ({"gates": {"kind": "softmax", "sharing": "per-feature-map"}}, "sharing must be shared"),
        ({"gates": {"kind": "softmax", "penalise": "gate"}}, "penalise gate has no effect on softmax gates, since"),
        (
            {"gates": {"kind": "softmax", "penalise": "expected-cost", "budget": {"macs": "50%"}}},
            "softmax gates of a target add up to 1",
        ),
        ({"gates": {"kind": "linear", "penalise": "entropy"}}, "penalise entropy needs gates between 0 and 1"),
        ({"gates": {"budget": {"macs": "50%"}}}, "penalise expected-cost and a budget belong together"),
        ({"gates": {"penalise": "expected-cost"}}, "penalise expected-cost and a budget belong together"),
        ({"gates": {"budget": {}}}, "expected a number of parameters, of macs, or of both"),
        ({"gates": {"budget": {"macs": "half"}}}, "macs: found 'half', expected a whole number, or a percentage"),
        (
            {"gates": {"budget": {"parameters": "0%"}}},
            "parameters: found '0%', expected a whole number, or a percentage",
        ),
        ({"gates": {"budget": {"macs": "0.00%"}}}, "more than none of it"),
        ({"gates": {"budget": {"macs": "101%"}}}, "expected a whole number, or a percentage of the network like 50%"),
        (
            {"gates": {"kind": "linear", "penalise": "expected-cost", "budget": {"macs": 3}}},
            "expected-cost needs gates between 0 and 1",
        ),
        ({"gates": {"target_sparsity": 0.5}}, "penalty is 0"),
        (
            {"gates": {"penalise": "entropy", "penalty": 0.1, "target_sparsity": 0.5}},
            "target_sparsity closes gates, but penalise entropy moves each gate to the end that it is nearer to",
        ),
        ({"gates": {"initialisation": {"kind": "uniform", "low": 2.0}}}, "low is 2, expected at most high, 1"),
        ({"merge": {"feature_maps": 3}}, "merge: feature_maps belongs to the aggregate squeeze"),
        ({"merge": {"aggregate": "sum", "denominator": 3}}, "denominator belongs to the aggregate mean, but this one"),
        ({"merge": {"aggregate": "mean", "denominator": 0}}, "merge.denominator: found 0"),
        ({"merge": {"aggregate": "meen"}}, "merge.aggregate: found 'meen', expected one of sum, max, mean"),
        ({"merge": {"aggregate": "meen"}}, "one of your own needs its plug-in; did you mean 'mean'?"),
        ({"merges": {"pool1": {"resize": "pad", "size": [4, 4]}}}, "the merge of 'pool1' pads to 4×4"),
        ({"selections": {"pool1": {"conv9": {"take": [0]}}}}, "no connection from 'conv9' to 'pool1'"),
        ({"selections": {"pool1": {"conv1": {"take": [0, 4]}}}}, "takes feature map 4 of 4"),
        ({"selections": {"pool1": {"conv1": {"take": [1, 1]}}}}, "take names a feature map twice"),
        ({"selections": {"pool1": {"conv1": {"take": [1], "at": [0]}}}}, "or has an `at`, which concat does not know"),
        ({"gates": {"initialisation": {"kind": "zeros"}}}, "gates.initialisation: found the kind 'zeros', expected"),
        ({"gates": {"penalty": -1.0}}, "gates.penalty: found -1.0"),
        ({"gates": {"penalty": float("nan")}}, "gates.penalty: found nan"),
        ({"gates": {"ungated": ["conv9"]}}, "'conv9', which is no layer"),
        ({"merges": {"conv9": {"size": [1, 1]}}}, "merges: 'conv9' is no layer"),
        ({"classes": 1}, "classes: found 1"),
        ({"clases": 1}, "clases: there is no such key; did you mean 'classes'?"),
        (
            {
                "layers": [{"kind": "max-pool", "size": 4}, *convolution(feature_maps=1, kernel=5, padding="valid")],
                "connections": "chain",
            },
            "the layer 'conv1' got 1@2 (feature maps@side), but a valid 5×5 convolution needs at least 5×5",
        ),
    ],
)
def test_refusals(changes: dict[str, Any], told: str) -> None:
    assert told in refusal(**changes)


def test_architectures_cannot_be_changed(blog: Architecture) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        blog.classes = 3  # type: ignore[misc]


def test_a_replaced_architecture_has_shapes_of_its_own(digits: Architecture) -> None:
    before = digits.shapes.merged["conv1"]
    larger = digits.replace(input={"feature_maps": 1, "height": 16, "width": 16})
    assert digits.shapes.merged["conv1"] == before
    assert larger.shapes.merged["conv1"].size == (16, 16)
