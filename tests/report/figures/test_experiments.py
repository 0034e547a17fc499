"""The figures of comparisons, sweeps and several runs, from their documents."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure

from connprune.analysis.agreement import agreement
from connprune.architecture import Architecture
from connprune.documents.sweep import Cell, CellTraining, Label, Sweep
from connprune.report.figures import agreement_figure, comparison_figures, paths_figure, sweep_figures
from connprune.report.figures.networks import of_comparison, of_sweep
from connprune.runs.gate_history import GateHistory
from tests.report.figures.helpers import SVG, clashes, comparison, texts_of


def test_a_comparison_names_each_row_once(tmp_path: Path) -> None:
    networks = of_comparison(comparison())
    assert [network.name for network in networks] == ["cut", "parent", "", "", "random, mean of 2"]
    mean = networks[-1]
    assert (mean.parameters, mean.macs) == (675, 8050)
    assert (mean.accuracy, mean.deviation) == pytest.approx((0.915, 0))
    assert networks[1].accuracy == pytest.approx(0.955)
    comparison_figures(comparison(), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"comparison.svg", "comparison.png"}
    assert {"cut", "parent", "random, mean of 2", "cut against each, 95% interval"} <= texts_of(
        tmp_path / "comparison.svg"
    )


def test_gates_over_training_name_their_epochs_once_a_column(digits: Architecture, tmp_path: Path) -> None:
    values = np.linspace(0, 1, 3 * len(digits.gated_connections), dtype=np.float32).reshape(3, -1)
    paths_figure(agreement([GateHistory.of(digits, values)], 0.01), ["run"], tmp_path)
    texts = [text.text for text in ElementTree.parse(tmp_path / "gates.svg").iter(f"{SVG}text")]
    assert [texts.count(label) for label in ("epoch", "gate, by magnitude")] == [4, 2]


def test_error_bars_are_the_standard_deviations_of_the_tables(tmp_path: Path) -> None:
    """Those of several searches too, where a row's std is over the searches and not over the seeds of one."""
    of_seeds = comparison()
    cut, *rest = of_seeds.rows
    searched = cut.model_copy(update={"networks": cut.networks * 3, "searches": 3, "test_std": 0.04})
    of_searches = of_seeds.model_copy(update={"unit": "search", "rows": (searched, *rest)})
    for document in (of_seeds, of_searches):
        named = [network for network in of_comparison(document) if network.name]
        assert [each.accuracy for each in named] == [row.test_accuracy for row in document.rows]
        assert [each.deviation for each in named] == [row.test_std for row in document.rows]
    comparison_figures(of_searches, tmp_path)
    assert any("mean over searches, ± standard deviation" in text for text in texts_of(tmp_path / "comparison.svg"))


def test_an_axis_that_is_logarithmic_says_so(tmp_path: Path) -> None:
    sweep_figures(sweep({"narrow": 10, "wide": 1000}), tmp_path / "far")
    sweep_figures(sweep({"narrow": 10, "wide": 20}), tmp_path / "near")
    assert "parameters, logarithmic" in texts_of(tmp_path / "far" / "sweep-costs.svg")
    assert "parameters" in texts_of(tmp_path / "near" / "sweep-costs.svg")


def sweep(widths: dict[str, int]) -> Sweep:
    rows = [
        Cell(
            name=f"{label}-{rate}",
            cell={"width": label, "rate": rate},
            seeds=2,
            test_accuracy=0.5,
            test_std=None,
            validation_accuracy=0.5,
            gates_closed=None,
            gated_connections=0,
            parameters=size,
            macs=10 * size,
            training_seconds=1,
            wall_seconds=None,
            runs=tuple(
                CellTraining(
                    seed=seed,
                    validation_accuracy=0.5,
                    test_accuracy=accuracy,
                    gates_closed=None,
                    training_seconds=1,
                    wall_seconds=None,
                )
                for seed, accuracy in enumerate((0.5 + 0.01 * number, 0.6))
            ),
        )
        for number, (label, size) in enumerate(widths.items())
        for rate in ("0.1", "0.2")
    ]
    axes = {
        axis: tuple(Label(label=label, seeds=2, test_accuracy=0.5, difference=None, wirings=None) for label in labels)
        for axis, labels in {"width": list(widths), "rate": ["0.1", "0.2"]}.items()
    }
    return Sweep(path="swept", seeds=(0, 1), unfinished=0, method="", rows=tuple(rows), axes=axes)


def test_costs_of_a_sweep_are_drawn_where_they_differ(tmp_path: Path) -> None:
    different = sweep({"narrow": 10, "wide": 1000})
    assert [network.name for network in of_sweep(different)] == [
        "narrow, 0.1", "narrow, 0.2", "wide, 0.1", "wide, 0.2"
    ]  # fmt: skip
    assert {path.stem for path in sweep_figures(different, tmp_path)} == {"sweep", "sweep-costs"}
    assert {path.stem for path in sweep_figures(sweep({"one": 10, "other": 10}), tmp_path)} == {"sweep"}


@pytest.mark.parametrize("count", [2, 5, 12])
def test_names_of_many_runs_do_not_overlap(
    digits: Architecture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, count: int
) -> None:
    generator = np.random.default_rng(count)
    histories = [
        GateHistory.of(digits, generator.beta(0.2, 0.2, (3, len(digits.gated_connections))).astype(np.float32))
        for _ in range(count)
    ]
    found: list[str] = []

    def look(figure: Figure, path: str, **how: Any) -> None:
        found.extend(clashes(figure) if how["format"] == "png" else ())
        Path(path).touch()

    monkeypatch.setattr(Figure, "savefig", look)
    names = [f"some/jobs/parent/seed-{number}" for number in range(count)]
    agreement_figure(agreement(histories, 0.01), names, tmp_path)
    paths_figure(agreement(histories, 0.01), names, tmp_path)
    assert found == []
