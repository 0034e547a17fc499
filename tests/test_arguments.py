"""Whatever is given to a public function, it works or is refused by a sentence that names the argument."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import connprune
from connprune.architecture import (
    Architecture,
    Budget,
    Connection,
    Keep,
    KeepPerLayer,
    Share,
    Sparsity,
    Threshold,
    WholeLayers,
)
from connprune.architecture.files import from_yaml
from connprune.errors import ArgumentError, DisconnectedError, UsageError

SMALL = Architecture.model_validate(
    {
        "input": {"feature_maps": 1, "height": 4, "width": 4},
        "classes": 2,
        "layers": [{"kind": "conv", "feature_maps": 2}],
        "connections": "dense",
        "gates": {},
    }
)
GATES = {str(connection): 0.5 for connection in SMALL.gated_connections}
RULES: list[Callable[..., Any]] = [Threshold, Keep, Sparsity, KeepPerLayer, Share, Budget, WholeLayers]
ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.complex_numbers(),
    st.text(max_size=8),
    st.binary(max_size=8),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.sampled_from([SMALL, GATES, Keep(1), Threshold(0.1), Budget(macs=3), Share(0.5), Path("nowhere")]),
    st.sampled_from([Threshold, Architecture, object(), print, Connection("input", "head"), "flops", range(3)]),
)


def refused_or_done(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function gives; None if it refuses its arguments, which it must by one plain sentence."""
    try:
        return function(*arguments)
    except (UsageError, DisconnectedError) as error:
        told = str(error)
    assert re.fullmatch(r"([^\n]+\n?)+", told)
    assert " at 0x" not in told
    return None


@given(st.sampled_from(RULES), ANYTHING)
def test_rules(make: Callable[..., Any], value: Any) -> None:
    rule = refused_or_done(make, value)
    if rule is not None and make is not Share:
        assert str(rule) or make is Budget
        refused_or_done(connprune.cut, SMALL, GATES, rule)


@given(ANYTHING, ANYTHING)
def test_budgets(parameters: Any, macs: Any) -> None:
    rule = refused_or_done(Budget, parameters, macs)
    if rule is not None:
        refused_or_done(connprune.cut, SMALL, GATES, rule)


@given(ANYTHING | st.just(SMALL), ANYTHING | st.just(GATES), ANYTHING | st.just(Keep(1)))
def test_the_arguments_of_a_cut(architecture: Any, gates: Any, rule: Any) -> None:
    refused_or_done(connprune.cut, architecture, gates, rule)


@given(ANYTHING)
def test_the_gates_of_a_cut(gate: Any) -> None:
    refused_or_done(connprune.cut, SMALL, {**GATES, "input->head": gate}, Keep(1))


@given(ANYTHING)
def test_networks_and_files(value: Any) -> None:
    refused_or_done(connprune.build, value)
    refused_or_done(connprune.load, value)
    refused_or_done(from_yaml, value)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: connprune.cut(SMALL, GATES, Threshold(-1)), "threshold: found -1, expected a number from 0 upwards."),
        (
            lambda: Budget("flops", 3),  # type: ignore[arg-type]
            "parameters: found 'flops', expected a whole number from 0 upwards, or a Share of the parent's.",
        ),
        (
            lambda: connprune.cut(GATES, SMALL, Keep(1)),  # type: ignore[arg-type]
            "architecture: found a value of the type dict, expected an Architecture.",
        ),
        (
            lambda: connprune.cut(SMALL, Keep(1), GATES),  # type: ignore[arg-type]
            "gates: found a value of the type Keep, expected a mapping from connections to their gates.",
        ),
        (
            lambda: connprune.cut(SMALL, GATES, Keep),  # type: ignore[arg-type]
            "rule: found the class Keep, expected a rule, like Threshold(0.01) or Keep(20).",
        ),
        (
            lambda: connprune.cut(SMALL, {**GATES, "input->head": "half"}, Keep(1)),  # type: ignore[arg-type]
            "gates['input->head']: expected a number, or a list of one for each feature map that the connection "
            "carries.",
        ),
        (lambda: connprune.build("digits"), "architecture: found 'digits', expected an Architecture."),  # type: ignore[arg-type]
        (lambda: connprune.load(3), "path: found 3, expected the path of a run or of a safetensors file."),  # type: ignore[arg-type]
    ],
)
def test_refusals(call: Callable[[], object], told: str) -> None:
    with pytest.raises(ArgumentError) as refused:
        call()
    assert str(refused.value) == told


def test_numbers_of_other_libraries_are_numbers() -> None:
    one, half = np.int64(1), np.float32(0.5)
    rules: list[Callable[[Any], Any]] = [Threshold, Sparsity, Keep, KeepPerLayer, Budget]
    for rule, value in zip(rules, (half, half, one, one, np.int64(10**9)), strict=True):
        assert connprune.cut(SMALL, GATES, rule(value)).architecture.connections
