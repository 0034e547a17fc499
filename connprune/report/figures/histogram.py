"""How many gates have which value, over the epochs."""

from pathlib import Path

import numpy as np
from matplotlib.colors import LogNorm

from connprune.report.figures.header import MARGIN, header
from connprune.report.figures.labels import plain, shortened
from connprune.report.figures.style import COLOURS, GHOST, QUIET, SHADES, canvas, figure_of, inset, written
from connprune.runs.gate_history import FloatArray, GateHistory

BINS = 25
_WIDTH, _HEIGHT = 8.6, 3.5


def histogram_figure(history: GateHistory, threshold: float, name: str, folder: Path) -> list[Path]:
    """A column for each epoch, darker where more gates are; beside it how they began and how they ended.

    Every gate counts, those of single feature maps too, with its sign.

    Args:
        history: the gates.
        threshold: gates of a smaller magnitude count as closed.
        name: of the run.
        folder: where to write.

    Returns:
        The files.
    """
    edges, counts = counted(history)
    epochs, gates = len(counts) - 1, history.values.shape[1]
    with figure_of(_WIDTH, _HEIGHT, None) as figure:
        words = f"{shortened(name, 40)}: {gates:,} gate{'' if gates == 1 else 's'}; grey: the threshold {threshold:g}"
        header(canvas(figure), "Histogram of the gates", plain(words), "")
        bottom, height = 0.5, _HEIGHT - 1.05
        over = inset(figure, 0.65, bottom, 4.5, height)
        times = np.arange(len(counts) + 1) - 0.5
        shown = np.ma.masked_equal(counts.T, 0)
        drawn = over.pcolormesh(times, edges, shown, cmap=SHADES, norm=LogNorm(1, max(2, gates)), rasterized=True)
        over.set_xlabel("epoch")
        over.set_ylabel("gate")
        over.set_xlim(-0.5, epochs + 0.5)
        over.locator_params(axis="x", integer=True)
        bar = figure.colorbar(drawn, cax=inset(figure, 5.25, bottom, 0.1, height))
        bar.outline.set_visible(False)
        bar.minorticks_off()
        ticks = [tick for tick in (1, 3, 10, 30, 100, 300, 1000, 3000, 10_000, 100_000, 1_000_000) if tick <= gates]
        bar.set_ticks(ticks, labels=[f"{tick:,}" for tick in ticks])
        bar.ax.tick_params(labelsize=7, length=2)
        bar.set_label("gates", fontsize=8)
        end = inset(figure, 6.35, bottom, _WIDTH - 6.35 - MARGIN, height)
        end.stairs(counts[-1], edges, orientation="horizontal", fill=True, color=COLOURS[0], label=f"epoch {epochs}")
        if epochs:
            end.stairs(
                np.where(counts[0] > 0, counts[0], np.nan),
                edges,
                orientation="horizontal",
                color=COLOURS[4],
                linewidth=1.2,
                label="start",
            )
        end.set_xlabel("gates")
        end.set_xlim(0, counts[[0, -1]].max() * 1.05)
        end.locator_params(axis="x", integer=True, nbins=5)
        end.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=7, handlelength=1.2)
        for axes in (over, end):
            axes.set_ylim(edges[0], edges[-1])
            axes.tick_params(labelsize=8)
            for mark in (-threshold, threshold):
                if edges[0] < mark < edges[-1]:
                    axes.axhline(mark, color=GHOST if axes is over else QUIET, linewidth=0.8)
        return written(figure, folder, "histogram")


def counted(history: GateHistory) -> tuple[FloatArray, np.ndarray[tuple[int, ...], np.dtype[np.int64]]]:
    """The edges of the bins, and (epochs + 1, bins) how many gates are in each.

    The bins go from 0 to 1, or as far beyond as the gates do.
    """
    values = np.nan_to_num(history.values)
    low, high = min(0.0, float(values.min())), max(1.0, float(values.max()))
    edges = np.linspace(low, high, BINS + 1).astype(np.float32)
    # What rounding leaves outside of the outermost edges counts within them.
    inside = np.clip(values, edges[0], edges[-1])
    return edges, np.stack([np.histogram(row, edges)[0] for row in inside])
