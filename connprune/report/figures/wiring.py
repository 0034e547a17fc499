"""The wiring as a graph: what costs something hangs below a line in layer order, what is connected arches above it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.path import Path as Outline

from connprune.report.figures.connections import Connectivity, Link, Node
from connprune.report.figures.header import KEY_BELOW_TOP, MARGIN, gate_key, header, header_height
from connprune.report.figures.labels import amount, height_of, plain, shortened, width_of
from connprune.report.figures.looks import BACKWARD, BACKWARD_LINE, LOOKS, shade_of, states_of
from connprune.report.figures.style import BACKWARD_SHADES, GHOST, INK, QUIET, canvas, figure_of, written

# All in inches; texts in points.
_PANEL_TITLE = 0.28
_NARROWEST, _WIDEST, _LEAST_WIDTH, _MOST_WIDTH = 0.72, 1.25, 7.6, 26.0
_ARCS, _LEAST_BAR, _BARS = (1.2, 3.4), 0.05, 0.55
_TEXT = 7.0
# The part of the room for a node that its bar takes.
_BAR_SHARE = 0.86
_THINNEST, _THICKEST = 0.5, 4.0
# How far, of a quarter of an ellipse, the handles of a cubic Bézier curve lie from its ends.
_KAPPA = 0.5523


@dataclass(frozen=True)
class Layout:
    """Where everything of a panel is, in inches.

    Attributes:
        spacing: between the middles of two nodes.
        centres: of the nodes.
        arcs: how high the longest arc is.
        upright: whether labels stand upright because they would not fit side by side.
        every: a label is at each such node; more than 1 where even upright ones would not fit.
    """

    spacing: float
    centres: tuple[float, ...]
    arcs: float
    upright: bool
    every: int

    @classmethod
    def of(cls, nodes: Sequence[Node]) -> "Layout":
        """The layout for these nodes."""
        count = len(nodes)
        needed = max(width_of(line, _TEXT) for node in nodes for line in label(node)) + 0.1
        room = (_LEAST_WIDTH - 2 * MARGIN) / count
        spacing = max(_NARROWEST, needed, min(_WIDEST, room))
        spacing = min(spacing, (_MOST_WIDTH - 2 * MARGIN) / count)
        left = MARGIN + max(0.0, (room - spacing) * count / 2)
        centres = tuple(left + spacing * (number + 0.5) for number in range(count))
        low, high = _ARCS
        every = int(np.ceil(height_of(_TEXT) / spacing))
        return cls(spacing, centres, float(np.clip(0.32 * spacing * count, low, high)), spacing < needed, every)

    @property
    def width(self) -> float:
        """Of the figure."""
        return max(_LEAST_WIDTH, self.centres[-1] + self.spacing / 2 + MARGIN)


def label(node: Node) -> tuple[str, ...]:
    """What stands below a node: its name, what it gives, and what it costs."""
    cost = (f"{amount(node.macs)} MACs",) if node.macs else ()
    return (plain(shortened(node.name)), node.gives, *cost)


def wiring_figure(panels: Sequence[tuple[str, Connectivity]], folder: Path, note: str = "") -> list[Path]:
    """The wiring of a network, or of several with the same nodes one below the other.

    Arcs go from left to right, those of backward connections back, in another hue and dashed and dotted. Their shade
    and width are the magnitude of the gate, or the mean of those of all feature maps. What is closed or removed is a
    thin, broken, grey line; of many layers only the most open connections are drawn. The area of the bar below a node
    is its MACs.

    Args:
        panels: a title for each network, and what there is to draw of it.
        folder: where to write.
        note: a sentence below the title; may be empty.

    Returns:
        The files.
    """
    panels = [_clear(*panel) for panel in panels]
    layout = Layout.of(panels[0][1].nodes)
    lines = max(len(label(node)) for _, network in panels for node in network.nodes)
    labels = lines * height_of(_TEXT) + 0.08
    if layout.upright:
        labels = 0.08 + max(width_of(_upright(node), _TEXT) for _, network in panels for node in network.nodes)
    height_of_panel = _PANEL_TITLE + layout.arcs + _BARS + labels + 0.12
    height = header_height(note) + len(panels) * height_of_panel + 0.1
    most_macs = max(1, *(node.macs for _, network in panels for node in network.nodes))
    with figure_of(layout.width, height, None) as figure:
        axes = canvas(figure)
        _header(axes, [network for _, network in panels], note)
        for number, (title, network) in enumerate(panels):
            base = height - header_height(note) - number * height_of_panel - _PANEL_TITLE - layout.arcs
            axes.text(MARGIN, base + layout.arcs + 0.1, plain(title), fontsize=9, fontweight="bold", va="bottom")
            _arcs(axes, network, layout, base)
            _bars(axes, network, layout, base, most_macs)
        gate_key(figure, [network for _, network in panels])
        return written(figure, folder, "wiring")


def _clear(title: str, network: Connectivity) -> tuple[str, Connectivity]:
    """What arcs can show of a network, and a title that says so."""
    clear = network.clear
    which = "most open" if any(link.gate is not None for link in network.links) else "shortest"
    drawn = len(clear.links)
    return (title if drawn == len(network.links) else f"{title}; the {drawn} {which} are drawn"), clear


def ports(network: Connectivity, layout: Layout) -> list[tuple[float, float]]:
    """Where along the line each link leaves and arrives.

    The links of a node are spread over its bar: on the left those that arrive, the shortest first, on the right those
    that leave, the longest first. So no two arcs share an end, and arcs of one node do not cross.
    """
    arriving: dict[str, list[int]] = {node.name: [] for node in network.nodes}
    leaving: dict[str, list[int]] = {node.name: [] for node in network.nodes}
    for number, link in enumerate(network.links):
        leaving[link.connection.source].append(number)
        arriving[link.connection.target].append(number)
    spans = [_span(network, link) for link in network.links]
    starts, ends = [0.0] * len(spans), [0.0] * len(spans)
    for node, centre in zip(network.nodes, layout.centres, strict=True):
        here = sorted(arriving[node.name], key=spans.__getitem__)
        there = sorted(leaving[node.name], key=spans.__getitem__, reverse=True)
        width = _BAR_SHARE * layout.spacing
        step = width / (len(here) + len(there) or 1)
        for slot, number in enumerate([*here, *there]):
            at = centre - width / 2 + step * (slot + 0.5)
            (ends if slot < len(here) else starts)[number] = at
    return list(zip(starts, ends, strict=True))


def _span(network: Connectivity, link: Link) -> int:
    return abs(network.position[link.connection.target] - network.position[link.connection.source])


def arc(start: float, end: float, base: float, height: float) -> Outline:
    """The upper half of an ellipse, as two cubic Bézier curves."""
    middle, half = (start + end) / 2, (end - start) / 2
    points = [
        (start, base),
        (start, base + _KAPPA * height),
        (middle - _KAPPA * half, base + height),
        (middle, base + height),
        (middle + _KAPPA * half, base + height),
        (end, base + _KAPPA * height),
        (end, base),
    ]
    return Outline(points, [Outline.MOVETO, *[Outline.CURVE4] * 6])


def _arcs(axes: Axes, network: Connectivity, layout: Layout, base: float) -> None:
    ends = ports(network, layout)
    longest = max((abs(end - start) for start, end in ends), default=1.0)
    outlines = [arc(start, end, base, layout.arcs * (abs(end - start) / longest) ** 0.8) for start, end in ends]
    thickest = _thickest(network, layout)
    for (state, look), back in product(LOOKS.items(), (False, True)):
        numbers = [
            number for number, link in enumerate(network.links) if link.state == state and link.is_backward == back
        ]
        # The most open ones last, on top.
        numbers.sort(key=lambda number: network.links[number].gate or 0)
        if not numbers:
            continue
        links = [network.links[number] for number in numbers]
        is_open = state == "open"
        drawn = PathCollection(
            [outlines[number] for number in numbers],
            facecolors="none",
            edgecolors=[shade_of(link)((link.gate or 0) / network.largest) for link in links]
            if is_open
            else look.colour,
            linewidths=[_width(link, network, thickest) for link in links] if is_open else min(look.width, thickest),
            linestyles=BACKWARD_LINE if back and not links[0].is_ghost else look.line,
            zorder=look.order,
            capstyle="butt",
        )
        drawn.set_gid(f"{state}-{'backward-' * back}connections")
        axes.add_collection(drawn, autolim=False)


def _thickest(network: Connectivity, layout: Layout) -> float:
    """The width of a gate that is all open, in points: arcs side by side do not touch."""
    ends = [name for link in network.links for name in link.connection]
    busiest = max((ends.count(node.name) for node in network.nodes), default=1) or 1
    return float(np.clip(0.75 * 72 * _BAR_SHARE * layout.spacing / busiest, _THINNEST, _THICKEST))


def _width(link: Link, network: Connectivity, thickest: float) -> float:
    return _THINNEST + (thickest - _THINNEST) * (link.gate or 0) / network.largest


def _bars(axes: Axes, network: Connectivity, layout: Layout, base: float, most_macs: int) -> None:
    width = _BAR_SHARE * layout.spacing
    for number, (node, centre) in enumerate(zip(network.nodes, layout.centres, strict=True)):
        depth = max(_LEAST_BAR, _BARS * node.macs / most_macs)
        shown = node.macs > 0 and not node.is_removed
        bar = Rectangle(
            (centre - width / 2, base - depth),
            width,
            depth,
            facecolor="#8A8A8A" if shown else "white",
            edgecolor=GHOST if node.is_removed else QUIET,
            linestyle="--" if node.is_removed else "-",
            linewidth=0.8,
            zorder=4,
        )
        axes.add_patch(bar)
        if number % layout.every:
            continue
        colour = "#8F8F8F" if node.is_removed else INK
        below = base - _BARS - 0.06
        if layout.upright:
            axes.text(centre, below, _upright(node), fontsize=_TEXT, color=colour, rotation=90, va="top", ha="center")
            continue
        for line, text in enumerate(label(node)):
            axes.text(
                centre,
                below - line * height_of(_TEXT),
                text,
                fontsize=_TEXT,
                color=colour,
                fontweight="bold" if line == 0 else "normal",
                va="top",
                ha="center",
            )


def _upright(node: Node) -> str:
    return "  ".join(label(node))


def _header(axes: Axes, panels: Sequence[Connectivity], note: str) -> None:
    header(axes, "Wiring", "from left to right; below each layer a bar whose area is its MACs", note)
    top, at = axes.get_ylim()[1] - KEY_BELOW_TOP, MARGIN
    entries: list[tuple[str, Any, str]] = []
    for _, look in states_of(panels):
        entries.append((look.words.format(threshold=panels[-1].threshold), look.colour, look.line))
    if any(network.leads_backward for network in panels):
        entries.append((BACKWARD, BACKWARD_SHADES(0.5), BACKWARD_LINE))
    for text, colour, line in entries:
        axes.add_line(Line2D([at, at + 0.32], [top] * 2, color=colour, lw=1.3, ls=line))
        axes.text(at + 0.4, top, text, fontsize=7.5, va="center")
        at += 0.4 + width_of(text, 7.5) + 0.3
