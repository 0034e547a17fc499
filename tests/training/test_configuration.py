"""Defaults < YAML < command line, and every mistake named with its place."""

from pathlib import Path

import pytest

from connprune.architecture.base import Shape
from connprune.architecture.presets import preset_names
from connprune.errors import UsageError
from connprune.training.configuration import resolve, with_recipe
from connprune.training.recipe import Cosine, Plateau


def refusal(*assignments: str, config: Path | None = None) -> str:
    with pytest.raises(UsageError) as caught:
        resolve(preset=None if config else "digits", config=config, assignments=assignments)
    return str(caught.value)


def test_the_command_line_wins_over_the_file_and_the_file_over_the_preset(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("preset: digits\ntraining: {epochs: 7, seed: 8}\ngates: {penalty: 0.5}\n")
    found = resolve(config=file, assignments=["training.seed=9"], options={"training.epochs": ("--epochs 3", 3)})
    assert (found.training.epochs, found.training.seed, found.training.batch_size) == (3, 9, 32)
    assert found.gates is not None
    assert (found.gates.penalty, found.gates.rate) == (0.5, 0.03)
    assert found.data.source == "digits"


def test_search_is_the_default() -> None:
    assert resolve() == resolve(preset="search")


def test_the_blog_recipe() -> None:
    training = resolve(preset="blog").training
    assert (training.seed, training.epochs, training.batch_size) == (1337, 200, 32)
    assert (training.optimizer.kind, training.optimizer.rate, training.optimizer.weight_decay) == ("adam", 1e-3, 0.0)
    assert training.schedule == Plateau(kind="plateau", factor=0.1, patience=5, floor=1e-7)
    data = resolve(preset="blog").data
    assert (data.normalise.subtract, data.normalise.divide) == ("pixel-mean", 128.0)
    assert (data.augment.shift, data.augment.flip) == (0.1, 0.5)


def test_a_section_of_another_kind_starts_afresh() -> None:
    assert resolve(preset="blog", assignments=["training.schedule.kind=cosine"]).training.schedule == Cosine(
        kind="cosine"
    )
    found = resolve(preset="digits", assignments=["gates.initialisation={kind: normal, deviation: 0.2}"]).gates
    assert found is not None
    assert found.initialisation.kind == "normal"
    assert found.penalty == resolve(preset="digits").gates.penalty  # type: ignore[union-attr]


def test_changing_the_kind_of_gate_keeps_the_rest() -> None:
    gates = resolve(preset="digits", assignments=["gates.kind=linear"]).gates
    assert gates is not None
    assert (gates.kind, gates.rate) == ("linear", 0.03)


def test_no_gates_and_a_chain() -> None:
    found = resolve(preset="blog", assignments=["gates=none", "connections=chain"])
    assert found.gates is None
    assert found.connections["head"] == ("dropout2",)


def test_a_layer_can_be_reached_by_its_number() -> None:
    assert resolve(preset="blog", assignments=["layers.1.feature_maps=8"]).layers[1].feature_maps == 8  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("assignment", "told"),
    [
        ("training.epochs=0", "training.epochs: found 0, expected greater than or equal to 1"),
        ("training.epochs=many", "training.epochs: found 'many', expected a whole number"),
        ("training.epoch=3", "training.epoch: there is no such key; did you mean 'epochs'?"),
        ("trainin.epochs=3", "trainin: there is no such key; did you mean 'training'?"),
        ("training.optimizer=3", "training.optimizer: found 3, expected a section of keys"),
        ("training.schedule={kind: step}", "training.schedule: found the kind 'step', expected one of 'plateau'"),
        ("data.validation=1.0", "data.validation: found 1.0, expected less than 1"),
        ("data.channels=2", "data.channels: found 2, expected 1 or 3"),
        ("data.augment.flip=2.0", "data.augment.flip: found 2.0"),
        ("layers.99.kind=conv", "expected a number from 0 to 7"),
        ("layers.x.kind=conv", "expected a number from 0 to 7"),
        ("training.epochs.x=3", "'x' cannot be set, there is a plain value above it"),
        ("nothing", "--set nothing: expected KEY=VALUE"),
        ("a={", "no valid YAML"),
    ],
)
def test_refusals(assignment: str, told: str) -> None:
    message = refusal(assignment)
    assert told in message
    assert "Traceback" not in message


def test_a_mistake_in_a_file_comes_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("preset: digits\ntraining:\n  epochs: 3\n  bach_size: 4\ngates: {penalty: lots}\n")
    message = refusal(config=file)
    assert f"training.bach_size: there is no such key; did you mean 'batch_size'? ({file}, line 4, column 3" in message
    assert f"gates.penalty: found 'lots', expected a valid number. ({file}, line 5, column 9" in message
    assert len(message.splitlines()) == 2


def test_unknown_presets_and_files(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"preset: found 'blogg', expected one of {', '.join(preset_names())}"):
        resolve(preset="blogg")
    assert "cannot read this file: No such file" in refusal(config=tmp_path / "none.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    assert "it is no UTF-8 text" in refusal(config=tmp_path / "binary.yaml")


def test_a_stated_shape_must_be_that_of_the_data() -> None:
    stated = resolve(preset="digits", assignments=["input={feature_maps: 3, height: 8, width: 8}"])
    with pytest.raises(UsageError, match=r"input: found 3@8 .* but the images of the data are 1@8"):
        stated.architecture_for(Shape(1, 8, 8), 10)
    with pytest.raises(UsageError, match="classes: found 3, but the data have 10"):
        resolve(preset="digits", assignments=["classes=3"]).architecture_for(Shape(1, 8, 8), 10)


def test_another_recipe_is_validated_too() -> None:
    configuration = resolve(preset="digits")
    assert with_recipe(configuration, epochs=3, seed=None).training.epochs == 3
    with pytest.raises(UsageError, match=r"training.epochs: found 0.*--epochs 0"):
        with_recipe(configuration, epochs=0, seed=None)
