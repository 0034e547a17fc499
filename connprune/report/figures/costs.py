"""What networks cost and what they achieve: accuracy against parameters and MACs, with the Pareto front."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from connprune.analysis.pareto import front
from connprune.report.figures.header import MARGIN, header
from connprune.report.figures.labels import amount, height_of, plain, shortened, width_of
from connprune.report.figures.networks import Network
from connprune.report.figures.placing import Box, beside, is_far, nearest
from connprune.report.figures.style import COLOURS, INK, QUIET, canvas, figure_of, inset, is_logarithmic, written
from connprune.report.headings import COSTS

# In inches; texts in points.
_HEADER, _WIDTH, _HEIGHT, _LEFT, _BELOW, _ABOVE = 0.5, 3.6, 3.0, 0.6, 0.55, 0.2
_TEXT = 7.5
_MARKS = "osv^<>pPXh"
# Of more networks than this only those on the front have a label.
MOST_LABELS = 14


def costs_figure(
    networks: Sequence[Network],
    folder: Path,
    name: str,
    title: str,
    ours: str = "",
    differences: Sequence[tuple[str, float, float | None, float | None]] = (),
    unit: str = "seeds",
) -> list[Path]:
    """Accuracy against parameters and against MACs; beside them, if there are any, the differences between networks.

    Args:
        networks: at least one.
        folder: where to write.
        name: of the files.
        title: of the figure.
        ours: the group that stands out.
        differences: for each baseline its name, by how much `ours` is better, from -1 to 1, and the interval of that,
            whose ends are None where there is none.
        unit: what the means and the standard deviations are over.

    Returns:
        The files.
    """
    panels = [(key, COSTS[key]) for key in ("parameters", "macs")]
    across = _LEFT + _WIDTH + 0.15
    names = max((width_of(plain(shortened(each[0], 20)), _TEXT) for each in differences), default=0.0)
    extra = names + 0.3 + 2.3 if differences else 0.0
    width, height = 2 * MARGIN + 2 * across + extra, _HEADER + _ABOVE + _HEIGHT + _BELOW
    groups = list(dict.fromkeys(network.group for network in networks))
    whiskers = f"mean over {unit}, ± standard deviation; " if any(each.deviation for each in networks) else ""
    with figure_of(width, height, None) as figure:
        header(canvas(figure), title, f"{whiskers}dashed: the Pareto front", "")
        for number, (key, label) in enumerate(panels):
            axes = inset(figure, MARGIN / 2 + number * across + _LEFT, _BELOW, _WIDTH, _HEIGHT)
            _scatter(axes, networks, groups, key, ours)
            axes.set_xlabel(f"{label}, logarithmic" if is_logarithmic(_costs(networks, key)) else label)
            if number == 0:
                axes.set_ylabel("test accuracy (%)")
        if differences:
            axes = inset(figure, width - MARGIN - 2.3, _BELOW, 2.3, _HEIGHT)
            _forest(axes, differences, groups, ours)
        return written(figure, folder, name)


def _costs(networks: Sequence[Network], key: str) -> list[float]:
    return [float(getattr(network, key)) for network in networks]


def _scatter(axes: Axes, networks: Sequence[Network], groups: Sequence[str], key: str, ours: str) -> None:
    costs = _costs(networks, key)
    gains = [network.accuracy * 100 for network in networks]
    ends = [(network.accuracy + sign * network.deviation) * 100 for network in networks for sign in (-1, 1)]
    logarithmic = is_logarithmic(costs)
    positions = np.log10(costs) if logarithmic else np.asarray(costs)
    x_limits, y_limits = _around(positions.tolist(), 0.12), _around(ends, 0.08)
    # The best of many draws would be on the front by luck, so their mean stands for them.
    named = [number for number, network in enumerate(networks) if network.name]
    best = [named[number] for number in front([costs[n] for n in named], [gains[n] for n in named])]
    _step(axes, [float(positions[number]) for number in best], [gains[number] for number in best], x_limits[1])
    for number, network in enumerate(networks):
        is_ours = network.group == ours
        colour, mark = _look(network.group, groups, ours)
        is_one_of_several = not network.name
        if network.deviation:
            low, high = ((network.accuracy + sign * network.deviation) * 100 for sign in (-1, 1))
            axes.plot([positions[number]] * 2, [low, high], color=colour, linewidth=0.9, alpha=0.5)
        axes.plot(
            positions[number],
            gains[number],
            mark,
            color="white" if is_one_of_several else colour,
            markeredgecolor=colour,
            markersize=(8 if is_ours else 5.5) - is_one_of_several,
            zorder=4 if is_ours else 3,
        )
    axes.set_xlim(*x_limits)
    axes.set_ylim(*y_limits)
    axes.locator_params(axis="x", nbins=5)
    if logarithmic:
        marks = [factor * 10.0**power for power in range(16) for factor in (1, 2, 5)]
        axes.set_xticks([np.log10(mark) for mark in marks if x_limits[0] < np.log10(mark) < x_limits[1]])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: amount(10**value if logarithmic else value)))
    axes.tick_params(labelsize=8)
    if len(named) > MOST_LABELS:
        named = [number for number in named if number in best]
    _name(axes, networks, ours, positions.tolist(), gains, named)


def _name(
    axes: Axes,
    networks: Sequence[Network],
    ours: str,
    positions: Sequence[float],
    gains: Sequence[float],
    named: Sequence[int],
) -> None:
    """Writes the names beside the points, in inches, and lines to those that had to go far."""
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    wide, tall = _WIDTH / (right - left), _HEIGHT / (high - low)
    rest = [number for number in range(len(networks)) if number not in named]
    points = [((positions[n] - left) * wide, (gains[n] - low) * tall) for n in [*named, *rest]]
    sizes = [(width_of(networks[n].label, _TEXT) + 0.02, height_of(_TEXT)) for n in named]
    boxes = beside(points, sizes, Box(0, 0, _WIDTH, _HEIGHT))
    for number, point, box in zip(named, points, boxes, strict=False):
        x, y = left + box.left / wide, low + (box.bottom + box.height / 2) / tall
        weight = "bold" if networks[number].group == ours else "normal"
        paper = {"facecolor": "white", "edgecolor": "none", "pad": 0.4}
        text = networks[number].label
        axes.text(x, y, text, fontsize=_TEXT, va="center", color=INK, fontweight=weight, bbox=paper, zorder=2)
        if is_far(point, box):
            end = nearest(point, box)
            axes.plot(
                [left + point[0] / wide, left + end[0] / wide],
                [low + point[1] / tall, low + end[1] / tall],
                color=QUIET,
                linewidth=0.5,
                zorder=1,
            )


def _step(axes: Axes, costs: Sequence[float], gains: Sequence[float], right: float) -> None:
    """The front as a stair: what can be had for at most so much."""
    x, y = [*costs, right], [*gains, gains[-1]]
    axes.plot(x, y, drawstyle="steps-post", color=QUIET, linewidth=0.9, linestyle="--", zorder=1)


def _forest(
    axes: Axes, differences: Sequence[tuple[str, float, float | None, float | None]], groups: Sequence[str], ours: str
) -> None:
    """A line for each baseline with the difference and its interval."""
    for number, (name, mean, low, high) in enumerate(differences):
        colour, mark = _look(name, groups, ours)
        if low is not None and high is not None:
            axes.plot([low * 100, high * 100], [number] * 2, color=colour, linewidth=1.4)
        axes.plot(mean * 100, number, mark, color=colour, markersize=6)
    axes.axvline(0, color=QUIET, linewidth=0.8)
    axes.set_yticks(range(len(differences)), [plain(shortened(each[0], 20)) for each in differences], fontsize=_TEXT)
    axes.set_ylim(len(differences) - 0.4, -0.6)
    axes.tick_params(axis="x", labelsize=8)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("points by which it is better")
    axes.set_title(f"{plain(shortened(ours, 20))} against each, 95% interval")


def _look(group: str, groups: Sequence[str], ours: str) -> tuple[str, str]:
    """Colour and mark of a group; ours always has the same."""
    if group == ours:
        return COLOURS[0], "D"
    turn = [each for each in groups if each != ours].index(group)
    return COLOURS[1:][turn % (len(COLOURS) - 1)], _MARKS[turn % len(_MARKS)]


def _around(values: Sequence[float], share: float) -> tuple[float, float]:
    """Limits with some room on both sides."""
    low, high = min(values), max(values)
    room = (high - low) * share or abs(high) * 0.05 or 1.0
    return low - room, high + room
