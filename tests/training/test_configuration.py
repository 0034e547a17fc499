"""Defaults < YAML < command line, and every mistake named with its place."""

import contextlib
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from connprune.architecture.base import Shape
from connprune.architecture.gates import Constant, FeedForward, FromRun, Normal, Uniform
from connprune.architecture.layers import LAYERS
from connprune.architecture.presets import preset_names
from connprune.errors import UsageError
from connprune.training.configuration import design, resolve, with_recipe
from connprune.training.layered import Setting
from connprune.training.recipe import Adam
from connprune.training.schedules import SCHEDULES, Cosine, Plateau


def refusal(*assignments: str, config: Path | None = None) -> str:
    with pytest.raises(UsageError) as caught:
        resolve(preset=None if config else "digits", config=config, assignments=assignments)
    return str(caught.value)


def test_the_command_line_wins_over_the_file_and_the_file_over_the_preset(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("preset: digits\ntraining: {epochs: 7, seed: 8}\ngates: {penalty: 0.5}\n")
    found = resolve(config=file, assignments=["training.seed=9"], settings=[Setting("training.epochs", 3)])
    assert (found.training.epochs, found.training.seed, found.training.batch_size) == (3, 9, 32)
    assert found.gates is not None
    assert (found.gates.penalty, found.gates.rate) == (0.5, 0.03)
    assert found.data.source == "digits"


def test_search_is_the_default() -> None:
    assert resolve() == resolve(preset="search")


def test_the_blog_recipe() -> None:
    training = resolve(preset="blog").training
    assert (training.seed, training.epochs, training.batch_size) == (1337, 200, 32)
    assert training.optimizer == Adam(rate=1e-3, weight_decay=0.0)
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
        (
            "training.optimizer=3",
            "training.optimizer: found 3, expected a section of keys (kind, rate, and others by kind)",
        ),
        ("training.optimizer=adamw", "expected a section of keys; to choose 'adamw', set training.optimizer.kind."),
        ("training.schedule=cosine", "expected a section of keys; to choose 'cosine', set training.schedule.kind."),
        ("gates=linear", "expected a section of keys; to choose 'linear', set gates.kind."),
        ("gates=off", "found 'off', expected a section of keys (budget, initialisation, kind,"),
        ("merge=sum", "to choose 'sum', set merge.aggregate."),
        ("merges.conv2=sum", "to choose 'sum', set merges.conv2.aggregate."),
        ("data.size=96", "data.size: found 96, expected a list of 2, like [96, 96]. (command line"),
        ("data.size=96x64", "data.size: found '96x64', expected a list of 2, like [96, 64]."),
        ("data.size=[96]", "data.size: found [96], expected a list of 2, like [96, 96]."),
        ("data.size=[1, 2, 3]", "data.size: found [1, 2, 3], expected a list of 2, like [1, 2]."),
        ("head.hidden=512", "head.hidden: found 512, expected a list, like [512]."),
        ("gates.ungated=head", "gates.ungated: found 'head', expected a list, like [head]."),
        ("layers=conv", "layers: found 'conv', expected a list."),
        ("training.recompute=x", "training.recompute: found 'x', expected true or false or 'auto'."),
        ("data.skip_damaged=yes", "data.skip_damaged: found 'yes', expected true or false."),
        ("data.skip_damaged=true", "but the source is digits (found {"),
        ("gates.initialisation={mean: 1}", "expected a section with a kind: constant, normal, uniform, feed-forward,"),
        ("training.epochs=1:30", "training.epochs: found '1:30', expected a whole number"),
        ("training.epochs=1_000", "training.epochs: found '1_000', expected a whole number"),
        (
            "training.schedule={kind: steps}",
            "training.schedule: found the kind 'steps', expected one of plateau, cosine",
        ),
        ("data.validation=1.0", "data.validation: found 1.0, expected less than 1"),
        ("data.channels=2", "data.channels: found 2, expected 1 or 3"),
        ("data.augment.flip=2.0", "data.augment.flip: found 2.0"),
        ("layers.99.kind=conv", "expected a number from 0 to 7"),
        ("layers.x.kind=conv", "expected a number from 0 to 7"),
        ("layers.².kind=conv", "layers: found the key '²', expected a number from 0 to 7. (command line: `layers"),
        ("layers.-1.kind=conv", "layers: found the key '-1', expected a number from 0 to 7"),
        (f"layers.{'9' * 5000}.kind=conv", "expected a number from 0 to 7"),
        (f"{'a.' * 3000}a=1", "found 3,001 keys, expected at most 32."),
        ("a..b=1", "found 'a..b=1', expected KEY=VALUE, like training.epochs=10. (command line: `a..b=1`)"),
        ("training.epochs.x=3", "'x' cannot be set, there is a plain value above it"),
        ("nothing", "found 'nothing', expected KEY=VALUE"),
        ("a={", "no valid YAML"),
    ],
)
def test_refusals(assignment: str, told: str) -> None:
    message = refusal(assignment)
    assert told in message
    assert "Traceback" not in message
    assert "preset digits" not in message, "it is the user's value that is wrong"
    assert len(message) < 600


def test_a_mistake_in_a_file_comes_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("preset: digits\ntraining:\n  epochs: 3\n  bach_size: 4\ngates: {penalty: lots}\n")
    message = refusal(config=file)
    assert f"training.bach_size: there is no such key; did you mean 'batch_size'? ({file}, line 4, column 3" in message
    assert f"gates.penalty: found 'lots', expected a valid number. ({file}, line 5, column 9" in message
    assert len(message.splitlines()) == 2


@settings(max_examples=20)
@given(st.text(st.sampled_from("abcdk.0129-²٣_ \n\x1b=[{&*!#'"), max_size=12), st.text(max_size=6))
def test_any_assignment_is_taken_or_refused_by_a_sentence(key: str, value: str) -> None:
    for path in (key, f"layers.{key}", f"training.{key}.kind", f"data.size.{key}"):
        with contextlib.suppress(UsageError):
            resolve(preset="digits", assignments=[f"{path}={value}"])


def test_a_missing_key_is_blamed_on_the_line_that_lacks_it(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    for text in (
        "layers:\n  - {kind: max-pool}\n  - {kind: conv}\n",
        "preset: digits\nlayers:\n- kind: dropout\n- kind: conv\n",
    ):
        file.write_text(text)
        line = next(number for number, found in enumerate(text.splitlines(), 1) if "kind: conv" in found)
        assert f"layers.1.feature_maps: this key is missing. ({file}, line {line}, column" in refusal(config=file)
    file.write_text("preset: blog\ninput:\n  height: 3\ngates:\n  initialisation: {kind: from-run}\n")
    message = refusal(config=file)
    assert f"input.width: this key is missing. ({file}, line 2" in message
    assert f"gates.initialisation.run: this key is missing. ({file}, line 5" in message
    file.write_text("preset: digits\ngates: {penalise: l0, kind: sigmoid}\ndata:\n  size: [3, 3]\n")
    message = refusal(config=file)
    assert "penalise l0 belongs to hard-concrete gates" in message
    assert f"({file}, line 2, column 9" in message
    assert f"({file}, line 4, column 3: `size: [3, 3]`)" in message


def of_kinds() -> list[tuple[str, str, type[BaseModel], dict[str, type[BaseModel]]]]:
    """Each place whose keys depend on a kind: how to set it, its key path, the class of a kind, and all its kinds."""
    layers: dict[str, type[BaseModel]] = dict(LAYERS)
    starts: dict[str, type[BaseModel]] = {
        "constant": Constant, "normal": Normal, "uniform": Uniform, "feed-forward": FeedForward, "from-run": FromRun,
    }  # fmt: skip
    schedules: dict[str, type[BaseModel]] = dict(SCHEDULES)
    return [
        (assignment, kind, model, kinds)
        for assignment, kinds in (
            ("layers=[{%s}]", layers),
            ("gates.initialisation={%s}", starts),
            ("training.schedule={%s}", schedules),
        )
        for kind, model in kinds.items()
    ]


@pytest.mark.parametrize(("assignment", "kind", "model", "kinds"), of_kinds())
def test_only_keys_of_the_kind_at_hand_are_offered(
    assignment: str, kind: str, model: type[BaseModel], kinds: dict[str, type[BaseModel]]
) -> None:
    others = {key for other in kinds.values() for key in other.model_fields} - set(model.model_fields)
    for key in [*others, *(f"{each}s" for each in others), "zzz"]:
        lines = refusal(assignment % f"kind: {kind}, {key}: 1").splitlines()
        (told,) = [line for line in lines if f".{key}: there is no such key" in line]
        if len({frozenset(other.model_fields) for other in kinds.values()}) > 1:
            assert f"for the kind {kind};" in told
        offered = re.search(r"did you mean '(\w+)'\?|expected one of (.*?)\. \(", told)
        assert offered
        assert {offered[1]} <= set(model.model_fields) if offered[1] else True
        if offered[2]:
            assert set(offered[2].split(", ")) == set(model.model_fields)


def test_unknown_presets_and_files(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"preset: found 'blogg', expected one of {', '.join(preset_names())}"):
        resolve(preset="blogg")
    assert "cannot read this file: No such file" in refusal(config=tmp_path / "none.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    assert "it is no UTF-8 text" in refusal(config=tmp_path / "binary.yaml")


def test_a_stated_shape_must_be_that_of_the_data() -> None:
    stated = resolve(preset="digits", assignments=["input={feature_maps: 3, height: 8, width: 8}"])
    with pytest.raises(UsageError, match=r"input: found 3@8, expected 1@8, as the images of the data are"):
        stated.architecture_for(Shape(1, 8, 8), 10)
    with pytest.raises(UsageError, match="classes: found 3, expected 10, as the data have"):
        resolve(preset="digits", assignments=["classes=3"]).architecture_for(Shape(1, 8, 8), 10)


def test_another_recipe_is_validated_too() -> None:
    configuration = resolve(preset="digits")
    assert with_recipe(configuration, epochs=3, seed=None).training.epochs == 3
    with pytest.raises(UsageError, match=r"training.epochs: found 0, expected greater than or equal to 1."):
        with_recipe(configuration, epochs=0, seed=None)


@pytest.mark.parametrize(
    "layers", ["layers=[]", "gates.ungated=[conv1, conv2, pool1, dropout1, conv3, conv4, pool2, dropout2, head]"]
)
@pytest.mark.parametrize(
    ("key", "settings"),
    [
        ("budget", ["gates.penalise=expected-cost", "gates.budget={macs: 50%}"]),
        ("target_sparsity", ["gates.penalty=0.1", "gates.target_sparsity=0.5"]),
    ],
)
def test_a_target_for_gates_that_no_connection_has_is_refused(layers: str, key: str, settings: list[str]) -> None:
    with pytest.raises(UsageError, match=rf"gates\.{key}: no connection has a gate.*gates\.ungated"):
        design(resolve("digits", assignments=[layers, *settings]))


def test_a_budget_of_less_than_one_is_refused_before_training() -> None:
    chosen = resolve("digits", assignments=["gates.penalise=expected-cost", "gates.budget={macs: 0.0000001%}"])
    with pytest.raises(UsageError, match=r"gates\.budget\.macs: found 0\.0000001%"):
        design(chosen)
