"""The wiring in DOT, the language of Graphviz (https://graphviz.org/doc/info/lang.html)."""

from connprune.architecture.architecture import Architecture
from connprune.export.wiring import Arc, arcs, nodes
from connprune.printable import printable
from connprune.runs.gate_history import GateHistory


def drawing(name: str, architecture: Architecture, gates: GateHistory | None) -> str:
    """The text of the drawing.

    Args:
        name: what the graph is called.
        architecture: whose wiring it is.
        gates: see `connprune.export.wiring.arcs`.
    """
    boxes = [f"  {_quoted(node.name)} [label={_quoted(*node.lines)}];" for node in nodes(architecture)]
    lines = [f"  {_quoted(arc.source)} -> {_quoted(arc.target)} [{_look(arc)}];" for arc in arcs(architecture, gates)]
    return "\n".join(
        [
            f"digraph {_quoted(name)} {{",
            '  node [shape=box, style=rounded, fontname="Helvetica"];',
            '  edge [fontname="Helvetica", fontsize=9];',
            *boxes,
            *lines,
            "}\n",
        ]
    )


def _look(arc: Arc) -> str:
    attributes = [f"label={_quoted(arc.label)}"] if arc.label else []
    attributes.append(f"penwidth={arc.width:.2f}")
    if arc.is_backward:
        # The layers stay in their order from top to bottom.
        attributes.append("constraint=false")
    if arc.is_closed:
        attributes += ["style=dashed", 'color="#888888"']
    elif arc.is_backward:
        attributes.append('color="#B3541E"')
    return ", ".join(attributes)


def _quoted(*lines: str) -> str:
    """A quoted string; every name may stand in one, also the language's own words."""
    # A line break is no statement within quotes, but who reads the drawing line by line would take it for one.
    escaped = [printable(line).replace("\\", "\\\\").replace('"', '\\"') for line in lines]
    return '"' + "\\n".join(escaped) + '"'
