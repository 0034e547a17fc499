"""Drawings say what the architecture says, in the grammar of their language."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connprune.architecture import Architecture, Connection
from connprune.architecture.base import CLOSED
from connprune.architecture.shapes import gate_count
from connprune.export import dot, mermaid
from connprune.runs.gate_history import GateHistory
from tests.strategies import architectures

# Words of the two languages, and a sign that is an operator in one of them.
NAMES = ("node", "edge", "graph", "digraph", "strict", "end", "subgraph", "class", "a-b")

# One statement of DOT a line: identifiers in quotes, then attributes.
ATTRIBUTE = r'\w+=(?:"(?:[^"\\]|\\.)*"|[\w.]+)'
ATTRIBUTES = rf"\[({ATTRIBUTE}(?:, {ATTRIBUTE})*)\]"
DOT_BOX = re.compile(rf'  "([^"]+)" {ATTRIBUTES};')
DOT_ARROW = re.compile(rf'  "([^"]+)" -> "([^"]+)" {ATTRIBUTES};')

BOX = re.compile(r'  (n\d+)\["([^"]+)"\]')
ARROW = re.compile(r'  (n\d+) (-->|-\.->)(?:\|"([^"]+)"\|)? (n\d+)')
STYLE = re.compile(r"  linkStyle (\d+) stroke-width:(\d+\.\d\d)px(,stroke:#\w+)?")


def history(architecture: Architecture, values: list[float]) -> GateHistory:
    return GateHistory.of(architecture, np.array([values], dtype=np.float32))


@st.composite
def drawn(draw: st.DrawFn) -> tuple[Architecture, GateHistory | None]:
    architecture = draw(architectures(most_passes=3))
    count = gate_count(architecture)
    if not count or draw(st.booleans()):
        return architecture, None
    gate = st.one_of(st.just(0.0), st.floats(-3, 3, width=32))
    return architecture, history(architecture, draw(st.lists(gate, min_size=count, max_size=count)))


def closed(gates: GateHistory | None) -> set[Connection]:
    final = gates.final() if gates else {}
    return {connection for connection, gate in final.items() if abs(gate) < CLOSED}


@given(drawn())
def test_dot(case: tuple[Architecture, GateHistory | None]) -> None:
    architecture, gates = case
    first, _, _, *lines, last = dot.drawing("a run", architecture, gates).splitlines()
    assert (first, last) == ('digraph "a run" {', "}")
    count = len(architecture.layers) + 2
    boxes = [DOT_BOX.fullmatch(line) for line in lines[:count]]
    assert [box[1] for box in boxes if box] == ["input", *(layer.name for layer in architecture.layers), "head"]
    arrows = [DOT_ARROW.fullmatch(line) for line in lines[count:]]
    found = {Connection(arrow[1], arrow[2]): arrow[3] for arrow in arrows if arrow}
    assert list(found) == list(architecture.all_connections)
    assert {connection for connection, look in found.items() if "style=dashed" in look} == closed(gates)
    backward = {connection for connection, look in found.items() if "constraint=false" in look}
    assert backward == architecture.backward_connections
    for connection, gate in (gates.final() if gates else {}).items():
        assert found[connection].startswith(f'label="{gate:.2f}')


@given(drawn())
def test_mermaid(case: tuple[Architecture, GateHistory | None]) -> None:
    architecture, gates = case
    first, _, *lines = mermaid.drawing("a run", architecture, gates).splitlines()
    assert first == "flowchart TD"
    count, arcs = len(architecture.layers) + 2, len(architecture.all_connections)
    boxes = [BOX.fullmatch(line) for line in lines[:count]]
    arrows = [ARROW.fullmatch(line) for line in lines[count : count + arcs]]
    styles = [STYLE.fullmatch(line) for line in lines[count + arcs :]]
    names = {box[1]: box[2].split("<br/>")[0] for box in boxes if box}
    assert list(names.values()) == ["input", *(layer.name for layer in architecture.layers), "head"]
    found = {Connection(names[arrow[1]], names[arrow[4]]): arrow for arrow in arrows if arrow}
    assert list(found) == list(architecture.all_connections)
    assert {connection for connection, arrow in found.items() if arrow[2] == "-.->"} == closed(gates)
    assert [int(style[1]) for style in styles if style] == list(range(arcs))
    for connection, style in zip(architecture.all_connections, styles, strict=True):
        assert style
        assert bool(style[3]) == (connection in architecture.backward_connections)


def three_layers(names: tuple[str, ...] = ("conv1", "conv2", "conv3")) -> Architecture:
    return Architecture.model_validate(
        {
            "input": {"feature_maps": 1, "height": 8, "width": 6},
            "classes": 4,
            "layers": [{"name": name, "kind": "conv", "feature_maps": 4} for name in names],
            "connections": "dense",
            "gates": {},
        }
    )


def test_arcs_are_as_thick_as_gates_are_large() -> None:
    architecture = three_layers()
    values = [0.0, 0.25, 0.5, 1.0, 0.005, 0.02, 0.9, 0.1, 0.75]
    text = dot.drawing("a run", architecture, history(architecture, values))
    widths = [float(width) for width in re.findall(r"penwidth=(\S+)[,\]]", text)][1:]
    assert np.argsort(widths).tolist() == np.argsort(values).tolist()
    assert text.count("style=dashed") == 2
    assert '"conv1" [label="conv1\\nconv\\n4@8×6"];' in text


@pytest.mark.parametrize("name", NAMES)
def test_words_of_the_languages_are_names(name: str) -> None:
    architecture = three_layers(("conv1", name, "conv3"))
    text = dot.drawing(name, architecture, None)
    assert text.startswith(f'digraph "{name}" {{')
    for source, target in architecture.all_connections:
        assert f'"{source}" -> "{target}" [' in text
    lines = mermaid.drawing(name, architecture, None).splitlines()
    assert f'  n2["{name}<br/>conv<br/>4@8×6"]' in lines
    assert not any(name in line for line in lines[2:] if "[" not in line)


def test_quotes_end_no_string() -> None:
    architecture, name = three_layers(), 'a "b" \\ <c> #d'
    assert dot.drawing(name, architecture, None).startswith('digraph "a \\"b\\" \\\\ <c> #d" {\n')
    assert "accTitle: a #quot;b#quot; \\ #lt;c#gt; #35;d\n" in mermaid.drawing(name, architecture, None)


def test_a_connection_that_carries_some_feature_maps_says_so() -> None:
    data = three_layers().model_dump(exclude={"gates"})
    architecture = Architecture.model_validate({**data, "selections": {"conv3": {"conv1": {"take": [0, 2, 3]}}}})
    assert '"conv1" -> "conv3" [label="3 of 4 maps"' in dot.drawing("a run", architecture, None)
    assert 'n1 -->|"3 of 4 maps"| n3' in mermaid.drawing("a run", architecture, None)


@pytest.mark.parametrize(
    "name",
    [
        "a\n  n0 --> n9",
        "a\r\nclick n0 call alert()",
        "a; click n0 href 'javascript:alert()'",
        "%%{init: {'theme': 'dark'}}%%",
        'a"]; x [label="y',
        "a\u2028n0 --> n9",
        "\x1b]0;title\x07",
    ],
)
def test_a_name_adds_no_statement(digits: Architecture, name: str) -> None:
    """A drawing differs from one with a plain name in the line of the name alone, and there in quotes or entities."""
    for drawing, number in ((mermaid.drawing, 1), (dot.drawing, 0)):
        plain = drawing("a run", digits, None).splitlines()
        found = drawing(name, digits, None).splitlines()
        assert len(found) == len(plain)
        assert [line for line, other in zip(found, plain, strict=True) if line != other] == [found[number]]
        assert found[number].isprintable()
    assert re.fullmatch(r'  accTitle: (?:[^#;%"<>]|#\w+;)*', mermaid.drawing(name, digits, None).splitlines()[1])
    assert re.fullmatch(r'digraph "(?:[^"\\]|\\.)*" \{', dot.drawing(name, digits, None).splitlines()[0])
