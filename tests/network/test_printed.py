"""What `print(network)` says."""

import re

import pytest
from hypothesis import given

from connprune import build
from connprune.architecture import Architecture
from connprune.architecture.architecture import Input
from connprune.architecture.base import HEAD
from connprune.architecture.convolutions import Convolution
from connprune.architecture.image_layers import GroupNorm, MaxPooling
from connprune.architecture.shapes import parameter_count
from tests.conftest import preset_architecture
from tests.strategies import architectures


def lines_of(architecture: Architecture) -> dict[str, str]:
    """What is said of each part, by its name."""
    _, whole, *parts, _ = str(build(architecture)).splitlines()
    return {"": whole.strip(), **dict(re.findall(r"^  \((\S+)\): (.*)$", "\n".join(parts), re.MULTILINE))}


def count(line: str, what: str) -> int:
    found = re.findall(rf"([\d,]+) {what}\b", line)
    return int(found[0].replace(",", "")) if found else 0


@given(architectures())
def test_every_part_has_a_line_with_its_shapes_and_counts(architecture: Architecture) -> None:
    whole, *_ = lines = lines_of(architecture)
    gates = lines.pop("gates", "")
    for target, merged in architecture.shapes.merged.items():
        assert f"-> {merged}" in lines[f"merge_{target}"]
        output = "" if target == HEAD else architecture.shapes.output[target]
        assert f"{merged} -> {output}" in lines[HEAD if target == HEAD else f"layer_{target}"]
    merges = [line for name, line in lines.items() if name.startswith("merge_")]
    assert sum(count(line, "gates?") for line in merges) == count(gates, "gates") == sum(architecture.gate_counts)
    assert len(lines) == 2 * len(architecture.layers) + 3
    parts = sum(count(line, "parameters") for name, line in lines.items() if name != whole)
    assert parts + sum(architecture.gate_counts) == count(lines[whole], "parameters") == parameter_count(architecture)


def test_a_network_reads_from_its_first_layer_to_its_head() -> None:
    lines = lines_of(preset_architecture("blog"))
    assert list(lines)[:4] == ["", "gates", "merge_conv1", "layer_conv1"]
    assert lines["layer_conv2"].startswith("Convolution(35@32 -> 32@30, kernel=3, padding=valid, activation=relu")
    assert lines["merge_head"] == "Merging(concat, input…dropout2 -> 1584@6, 9 gates)"
    assert max(map(len, lines.values())) < 120


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (
            Convolution(feature_maps=4, kernel=(7, 1), norm={"kind": "group", "group_size": 2}),
            ["kernel=7×1", "norm=group(2)"],
        ),
        (MaxPooling(), ["size=2"]),
        (GroupNorm(group_size=3), ["group-norm", "group_size=3", "6 parameters"]),
    ],
)
def test_a_layer_says_what_it_was_given(layer: object, expected: list[str]) -> None:
    architecture = Architecture(
        input=Input(feature_maps=3, height=8, width=8), classes=2, layers=(layer,), connections="chain"
    )
    (line,) = [line for name, line in lines_of(architecture).items() if name.startswith("layer_")]
    assert all(text in line for text in expected), line
