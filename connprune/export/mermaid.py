"""The wiring as a Mermaid flowchart (https://mermaid.js.org/syntax/flowchart.html), which GitHub draws in Markdown."""

from connprune.architecture.architecture import Architecture
from connprune.export.wiring import arcs, nodes
from connprune.printable import printable
from connprune.runs.gate_history import GateHistory

# A percent sign may begin a comment or a directive.
_ENTITIES = str.maketrans({"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", ";": "#59;", "%": "#37;"})


def drawing(name: str, architecture: Architecture, gates: GateHistory | None) -> str:
    """The text of the drawing.

    Args:
        name: what it is called.
        architecture: whose wiring it is.
        gates: see `connprune.export.wiring.arcs`.
    """
    # Names may be words of the language, like end; numbers may not.
    known = {node.name: (f"n{number}", node) for number, node in enumerate(nodes(architecture))}
    boxes = [f"  {key}[{_quoted(*node.lines)}]" for key, node in known.values()]
    lines, widths = [], []
    for number, arc in enumerate(arcs(architecture, gates)):
        line = "-.->" if arc.is_closed else "-->"
        label = f"|{_quoted(arc.label)}|" if arc.label else ""
        lines.append(f"  {known[arc.source][0]} {line}{label} {known[arc.target][0]}")
        colour = ",stroke:#B3541E" if arc.is_backward else ""
        widths.append(f"  linkStyle {number} stroke-width:{arc.width:.2f}px{colour}")
    return "\n".join(["flowchart TD", f"  accTitle: {_escaped(name)}", *boxes, *lines, *widths, ""])


def _quoted(*lines: str) -> str:
    return f'"{"<br/>".join(map(_escaped, lines))}"'


def _escaped(text: str) -> str:
    """On one line, and with Mermaid's own entities for what would end a string or a statement, or begin a tag."""
    return printable(text).translate(_ENTITIES)
