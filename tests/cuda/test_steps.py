"""Training steps on CUDA, as far as that can be tried where there is no device.

torch's CUDA build runs on `runtime.c`: every launch, copy and capture is torch's own, only nothing is computed. So this
says nothing of numbers, of time, or of cuDNN.
"""

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from connprune.architecture.presets import preset_names

Recorded = Callable[..., list[dict[str, Any]]]

# The weights of a flattened head only take time here.
SMALL_HEAD = ("head.hidden=[8]",)
FLATTENED = ("blog", "blog-3", "search", "plain")
# Their networks are those of other presets, and their recipes are tried below.
RECIPES_ALONE = ("resnet20", "densenet40")
PRESETS = [(name, *(SMALL_HEAD if name in FLATTENED else ())) for name in preset_names() if name not in RECIPES_ALONE]
MERGES = [
    ("digits", f"merge.aggregate={aggregate}", f"gates.kind={kind}", f"gates.sharing={sharing}")
    for aggregate, (kind, sharing) in product(
        ("concat", "sum", "max", "squeeze", "mean"),
        (("sigmoid", "shared"), ("linear", "per-feature-map"), ("hard-concrete", "per-feature-map")),
    )
]
KINDS = [
    ("digits", "gates.kind=bernoulli"),
    ("digits", "gates.kind=top-k", "gates.penalty=0"),
    ("digits", "gates.kind=softmax"),
    ("digits", "gates.kind=reinforce"),
]
BUDGETS = [
    ("digits", "gates.penalise=expected-cost", "gates.budget={parameters: 50%, macs: 40%}", *setting)
    for setting in (("gates.penalty_warmup=0",), ("merge.aggregate=sum", "gates.sharing=per-feature-map"))
]
BACKWARD = [
    ("unrolled", "gates.penalise=expected-cost", "gates.budget={macs: 50%}", *setting)
    for setting in ((), ("gates.sharing=per-feature-map",))
]
RESIZES = [
    ("blog", *SMALL_HEAD, *setting)
    for setting in (
        ("merge.resize=pad",),
        *((f"merge.interpolation={mode}",) for mode in ("nearest", "bicubic", "area", "max-pool")),
        ("training.precision=bfloat16", "training.recompute=true"),
    )
]


SGD = "training.optimizer={kind: sgd, weight_decay: 1.0e-4}"
RECIPES = [
    ("digits", SGD, "training.schedule={kind: step, warmup: 2}", "training.clip_norm=1.0", "training.accumulate=2"),
    ("digits", "training.ema_decay=0.99", "training.label_smoothing=0.1", "training.class_weights=balanced"),
    ("digits", "data.augment.operations=[{kind: crop}, {kind: cutout}, {kind: erase}, {kind: mixup}, {kind: cutmix}]"),
    ("search", *SMALL_HEAD, "data.augment.operations=[{kind: colour, brightness: 1, contrast: 1, saturation: 1}]"),
]


# Launches of a step, so nodes of its recording. A convolution counts as one for each of its results, as with cuDNN.
MOST_LAUNCHES = {("blog", *SMALL_HEAD): 146, ("digits",): 135, ("strong",): 497, BUDGETS[0]: 859, BACKWARD[0]: 2352}


@pytest.fixture(scope="module")
def steps(recorded: Recorded) -> list[dict[str, Any]]:
    return recorded([*PRESETS, *MERGES, *KINDS, *BUDGETS, *BACKWARD, *RESIZES])


def test_every_step_is_recorded_without_a_warning(steps: list[dict[str, Any]]) -> None:
    assert [step["case"] for step in steps if step["warnings"] or not step["recorded"]] == []


def test_all_steps_of_an_epoch_are_replayed_whatever_the_size_of_its_last_batch(recorded: Recorded) -> None:
    """Batches of eight images and at the end one of five, from the third epoch on."""
    for found in recorded([("digits",), ("digits", "gates.kind=reinforce"), ("strong",)], images=29):
        assert (found["recorded"], found["replayed"], found["warnings"]) == (2, [True] * 4, [])


def test_steps_of_any_recipe_are_recorded(recorded: Recorded) -> None:
    for found in recorded(RECIPES):
        assert (found["recorded"], found["warnings"], found["single"]) == (1, [], []), found["case"]


def test_batches_of_images_in_the_host_s_memory_are_copied_while_steps_are_replayed(recorded: Recorded) -> None:
    """Nothing waits for the device, whatever the size of the last batch; with mixing each has the images of another."""
    mixing = "data.augment.operations=[{kind: crop, padding: 1}, {kind: trivial-augment}, {kind: mixup}]"
    cases = [("digits", "training.images=host"), ("digits", "training.images=host", mixing, "training.accumulate=2")]
    plain, mixed = recorded(cases, images=29)
    assert plain["replayed"] == [True] * 4
    for found in (plain, mixed):
        assert (found["recorded"], found["waits"], found["warnings"]) == (2, 0, []), found["case"]


FIXED = "training.deterministic=true"
FIRST = [("blog", *SMALL_HEAD), ("strong",), *MERGES[::3], *KINDS, *BUDGETS, *BACKWARD]


@pytest.mark.parametrize(
    "cases",
    [
        pytest.param(FIRST, id="some"),
        pytest.param([case for case in [*PRESETS, *MERGES] if case not in FIRST], id="others", marks=pytest.mark.slow),
    ],
)
def test_a_step_that_is_to_add_up_in_a_fixed_order_is_recorded_and_can(recorded: Recorded, cases: list[Any]) -> None:
    """torch raises an error where an operation cannot. That the bits are equal needs a GPU."""
    steps = recorded([(*case, FIXED) for case in cases])
    assert [step["case"] for step in steps if step["warnings"] or not step["recorded"]] == []


def test_no_operation_on_a_large_tensor_runs_on_one_block(steps: list[dict[str, Any]]) -> None:
    assert {step["case"]: step["single"] for step in steps if step["single"]} == {}
    # The backward passes were watched too: they have more operations than the forward ones.
    assert min(step["operations"] for step in steps) > 100


def test_a_step_is_few_launches(steps: list[dict[str, Any]]) -> None:
    launches = {step["case"]: step["launches"] for step in steps}
    counted = {case: launches[" ".join(case)] for case in MOST_LAUNCHES}
    assert {case: count for case, count in counted.items() if count > MOST_LAUNCHES[case]} == {}


def test_a_layer_that_waits_is_warned_of_once_and_training_goes_on(recorded: Recorded) -> None:
    (found,) = recorded([("digits",)], waits=True)
    assert not found["recorded"]
    (warning,) = found["warnings"]
    # The wait itself is named, not the end of the recording that it spoilt.
    assert "cannot be recorded" in warning
    assert "operation not permitted when stream is capturing" in warning


def test_an_optimizer_is_recorded_if_it_can_be_and_else_that_is_said(recorded: Recorded) -> None:
    cases = [("digits", f"training.optimizer={{kind: {kind}}}") for kind in ("nadam", "remembering")]
    can, cannot = recorded(cases, plugins=["tests.training.optimizers"])
    assert (can["recorded"], can["warnings"]) == (1, [])
    assert cannot["recorded"] == 0
    (warning,) = cannot["warnings"]
    assert "are not recorded as a CUDA graph" in warning
    assert "the optimizer remembering has no argument capturable" in warning


def test_a_training_on_the_second_device_takes_no_memory_of_the_first(recorded: Recorded) -> None:
    (found,) = recorded([("digits",)], devices=2)
    assert found["recorded"]
    first, second = found["bytes"]
    assert first == 0 < second
