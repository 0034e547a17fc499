"""How the states of a connection look, in every figure."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.colors import LinearSegmentedColormap

from connprune.report.figures.connections import Connectivity, Link, State
from connprune.report.figures.style import BACKWARD_SHADES, COLOURS, FAINT, INK, QUIET, SHADES


@dataclass(frozen=True)
class Look:
    """How connections of a state look.

    Attributes:
        colour: of a line; of what is open the shade of its gate counts.
        width: of a line, in points; of what is open the gate counts.
        line: matplotlib's name of the line's style.
        order: what lies on top of what.
        mark: what stands in a cell that has no gate to tell.
        words: what the key says.
    """

    colour: str
    width: float
    line: str
    order: int
    mark: str
    words: str


LOOKS: dict[State, Look] = {
    "removed": Look(FAINT, 0.8, ":", 1, "×", "removed by the cut"),
    "closed": Look(FAINT, 0.7, "--", 1, "", "closed, below {threshold:g}"),
    "ungated": Look(QUIET, 1.3, "-", 2, "–", "without a gate"),
    "untrained": Look(COLOURS[0], 1.1, "-", 2, "?", "gated, not trained yet"),
    "open": Look(INK, 1.3, "-", 3, "", ""),
}


# What the key says of backward connections, which have shades and a line style of their own.
BACKWARD = "backward, from the pass before"
BACKWARD_LINE = "-."


def shade_of(link: Link) -> LinearSegmentedColormap:
    """The shades of a connection's gate."""
    return BACKWARD_SHADES if link.is_backward else SHADES


def states_of(panels: Sequence[Connectivity]) -> list[tuple[State, Look]]:
    """The states that a key has to explain; shades have one of their own."""
    there = {link.state for network in panels for link in network.links}
    return [(state, look) for state, look in LOOKS.items() if state in there and state != "open"]
