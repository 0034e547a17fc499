"""Draws anew the pictures of docs/experiments.md that the files beside this one are enough for.

python docs/results/figures.py

Those of single gates over the epochs, and of the wiring of the strong network, take the runs themselves.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from connprune.analysis.agreement import Agreement
from connprune.architecture.architecture import Connection
from connprune.documents.agreement import RunAgreement
from connprune.documents.comparison import Comparison
from connprune.documents.sweep import Sweep
from connprune.report.figures import agreement_figure, comparison_figures, sweep_figures

FOLDER = Path(__file__).parent
NAMES = ("cifar-pressure-agreement", "digits-agreement", "cifar-retrained", "starts-and-interpolations")


def draw(name: str, folder: Path) -> Path:
    """The picture of a file, as PNG in a folder."""
    document: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    if document["kind"] == "comparison":
        paths = comparison_figures(Comparison.read(document, name), folder)
    elif document["kind"] == "sweep":
        paths = sweep_figures(Sweep.read(document, name), folder)
    else:
        found = RunAgreement.read(document, name)
        paths = agreement_figure(agreement_of(found), [Path(run).name for run in found.runs], folder)
    return next(path for path in paths if path.suffix == ".png")


def agreement_of(document: RunAgreement) -> Agreement:
    """What a document tells of the runs: their final gates, without the paths there."""
    final = np.array([vote.gates for vote in document.votes], float).T
    connections = tuple(Connection(vote.source, vote.target) for vote in document.votes)
    paths = tuple(row[None] for row in np.abs(final))
    return Agreement(connections, document.threshold, np.abs(final), paths, tuple(document.decided_epochs))


if __name__ == "__main__":
    for name in NAMES:
        with tempfile.TemporaryDirectory() as folder:
            # So few colours make a small file.
            picture = Image.open(draw(name, Path(folder))).convert("RGB").quantize(256)
            picture.save(FOLDER / f"{name}.png", optimize=True)
