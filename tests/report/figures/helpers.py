"""Gates of any kind for any architecture, a comparison, and what stands in a figure."""

from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from connprune.architecture import Architecture
from connprune.architecture.shapes import gate_count
from connprune.documents.comparison import Comparison, Network, Training
from connprune.experiments.comparison import rows_of
from connprune.runs.gate_history import GateHistory
from tests.strategies import architectures

SVG = "{http://www.w3.org/2000/svg}"
THRESHOLD = 0.01


@st.composite
def trained(draw: st.DrawFn) -> tuple[Architecture, GateHistory | None]:
    """An architecture and a history of its gates: near 0, near 1, negative, large; None if it has none."""
    architecture = draw(architectures(most_passes=3))
    gates = gate_count(architecture)
    if not gates:
        return architecture, None
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = (draw(st.integers(1, 4)), gates)
    scale = draw(st.sampled_from([1e-3, 0.05, 1.0, 8.0]))
    values = generator.beta(0.2, 0.2, size) if draw(st.booleans()) else generator.normal(0, scale, size)
    return architecture, GateHistory.of(architecture, values.astype(np.float32))


def network(name: str, parameters: int, macs: int, *accuracies: float) -> Network:
    runs = tuple(
        Training(seed=seed, validation_accuracy=0.5, test_accuracy=accuracy, training_seconds=1, wall_seconds=None)
        for seed, accuracy in enumerate(accuracies)
    )
    return Network(name=name, connections=3, layers=2, parameters=parameters, macs=macs, runs=runs)


def comparison() -> Comparison:
    return Comparison(
        path="compared",
        cuts=("cut",),
        rules=("keep 3",),
        epochs=1,
        seeds=(0, 1),
        unit="seed",
        unfinished=0,
        method="",
        rows=rows_of(
            {
                "cut": [network("cut", 800, 9000, 0.95, 0.96)],
                "parent": [network("parent", 1000, 12000, 0.94, 0.97)],
                "random": [network("random-1", 700, 8000, 0.90, 0.91), network("random-2", 650, 8100, 0.93, 0.92)],
            }
        ),
        verdicts=(),
    )


def boxes(figure: Figure) -> list[tuple[str, Bbox]]:
    """The texts of a figure that stand outside of axes' ticks, and where, in dots."""
    FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    texts = [*figure.texts]
    for axes in figure.axes:
        texts += [*axes.texts, axes.title, axes.xaxis.label, axes.yaxis.label]
    shown = [text for text in texts if text.get_text() and text.get_visible()]
    return [(text.get_text(), text.get_window_extent()) for text in shown]


def clashes(figure: Figure) -> list[str]:
    """The texts that lie on another one, or reach out of the figure."""
    width, height = figure.bbox.size
    found = boxes(figure)
    out = [text for text, box in found if box.x0 < -1 or box.y0 < -1 or box.x1 > width + 1 or box.y1 > height + 1]
    for (one, first), (other, second) in combinations(found, 2):
        wide = min(first.x1, second.x1) - max(first.x0, second.x0)
        high = min(first.y1, second.y1) - max(first.y0, second.y0)
        # Boxes of lines of text reach a little beyond the letters.
        if wide > 1 and high > 3:
            out.append(f"{one} on {other}")
    return out


def texts_of(path: Path) -> set[str]:
    """The texts of an SVG."""
    return {"".join(found.itertext()).strip() for found in ElementTree.parse(path).iter(f"{SVG}text")}


def drawn_in(path: Path, group: str) -> int:
    """How many shapes a named group of an SVG holds."""
    found = [each for each in ElementTree.parse(path).iter(f"{SVG}g") if each.get("id") == group]
    return sum(shape.tag in (f"{SVG}use", f"{SVG}path") for each in found for shape in each.iter()) - sum(
        shape.tag == f"{SVG}path" for each in found for defs in each.iter(f"{SVG}defs") for shape in defs.iter()
    )
