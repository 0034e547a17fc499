"""A class of layers says of which kind it is, so that only YAML has to."""

import pytest

from connprune.architecture.files import from_yaml, to_yaml
from connprune.architecture.gates import Constant, FeedForward, Normal, Uniform
from connprune.architecture.layers import LAYERS, Layer
from connprune.errors import UsageError
from connprune.training.schedules import SCHEDULES
from tests.conftest import preset_architecture

NEEDED = {"feature_maps": 4, "group_size": 2}


@pytest.mark.parametrize("kind", LAYERS)
def test_a_layer_in_python(kind: str) -> None:
    keys = {key: value for key, value in NEEDED.items() if key in LAYERS[kind].model_fields}
    layer: Layer = LAYERS[kind](**keys)
    assert layer.kind == kind
    assert layer.model_dump()["kind"] == kind


def test_initialisations_and_schedules_in_python() -> None:
    kinds = [each().kind for each in (Constant, Normal, Uniform, FeedForward)]
    assert kinds == ["constant", "normal", "uniform", "feed-forward"]
    assert {kind: schedule.model_validate({}).kind for kind, schedule in SCHEDULES.items()} == {
        kind: kind for kind in SCHEDULES
    }


@pytest.mark.parametrize("kind", ["kind: conv, ", "kind: constant, "])
def test_yaml_still_has_to(kind: str) -> None:
    text = to_yaml(preset_architecture("digits"))
    assert kind in text
    with pytest.raises(UsageError, match="kind"):
        from_yaml(text.replace(kind, ""))
