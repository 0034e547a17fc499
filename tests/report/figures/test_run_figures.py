"""What the figures of a network show is what the network is, whatever its gates."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from matplotlib.figure import Figure

from connprune.architecture import Architecture, Threshold, cut
from connprune.architecture.base import HEAD, INPUT
from connprune.documents.epoch import EpochMetrics
from connprune.report.figures import Drawable, run_figures
from connprune.report.figures.connections import ARCS_PER_LAYER, MANY_LAYERS, connectivity
from connprune.report.figures.histogram import counted
from connprune.report.figures.profiles import profiles
from connprune.report.figures.wiring import Layout, label, ports, wiring_figure
from connprune.runs.gate_history import GateHistory
from tests.conftest import preset_architecture
from tests.report.figures.helpers import THRESHOLD, clashes, drawn_in, texts_of, trained

Trained = tuple[Architecture, GateHistory | None]
EPOCHS = [
    EpochMetrics(epoch=epoch, train_loss=2.0 / epoch, train_accuracy=0.2 * epoch, validation_loss=2.1 / epoch,
                 validation_accuracy=0.2 * epoch, rate=0.01, penalty=0.0, gates_closed=epoch, epoch_seconds=1.0,
                 images_per_second=1.0)
    for epoch in (1, 2, 3)
]  # fmt: skip


@given(trained())
def test_what_is_drawn_closed_is_what_is_below_the_threshold(given_: Trained) -> None:
    architecture, gates = given_
    found = connectivity(architecture, gates, THRESHOLD)
    assert [link.connection for link in found.links] == list(architecture.all_connections)
    assert [node.name for node in found.nodes] == [INPUT, *(layer.name for layer in architecture.layers), HEAD]
    final = {} if gates is None else gates.final()
    closed = {connection for connection, gate in final.items() if abs(gate) < THRESHOLD}
    assert {link.connection for link in found.links if link.state == "closed"} == closed
    assert {link.connection for link in found.links if link.gate is not None} == set(final)
    for link in found.links:
        assert 0 <= link.open_maps <= link.maps
        assert (link.open_maps == 0) == link.is_ghost
        assert (link.gate or 0) <= found.largest


@given(trained())
def test_every_arc_but_backward_ones_leads_to_the_right_and_ends_where_no_other_does(given_: Trained) -> None:
    found = connectivity(*given_, THRESHOLD)
    layout = Layout.of(found.nodes)
    ends = ports(found, layout)
    assert np.isfinite(ends).all()
    for link, (start, end) in zip(found.links, ends, strict=True):
        assert (start > end) == link.is_backward
        for name, at in zip(link.connection, (start, end), strict=True):
            assert abs(at - layout.centres[found.position[name]]) < layout.spacing / 2
    places = [round(at, 6) for pair in ends for at in pair]
    assert len(set(places)) == len(places)
    assert len({label(node) for node in found.nodes}) == len(found.nodes)


def test_of_many_layers_the_most_open_arcs_are_drawn(tmp_path: Path) -> None:
    strong = preset_architecture("strong")
    values = np.linspace(0, 1, len(strong.gated_connections), dtype=np.float32)[::-1]
    network = connectivity(strong, GateHistory.of(strong, values[None]), THRESHOLD)
    drawn = set(network.clear.links)
    assert len(drawn) == ARCS_PER_LAYER * len(strong.layers) < len(network.links)
    left_out = [link.gate for link in network.links if link not in drawn and link.gate is not None]
    assert max(left_out) <= min(link.gate for link in drawn if link.gate is not None)
    few = connectivity(strong, GateHistory.of(strong, (values > 0.8).astype(np.float32)[None]), THRESHOLD).clear
    assert 0 < len(few.links) < len(drawn)
    assert not any(link.is_ghost for link in few.links)
    wiring_figure([("whole", network), ("untrained", connectivity(strong, None, THRESHOLD))], tmp_path)
    assert {"whole; the 39 most open are drawn", "untrained; the 39 shortest are drawn"} <= texts_of(
        tmp_path / "wiring.svg"
    )


@given(trained())
def test_of_few_layers_all_arcs_are_drawn(given_: Trained) -> None:
    network = connectivity(*given_, THRESHOLD)
    assert network.clear is network or len(network.nodes) - 2 >= MANY_LAYERS


@given(trained())
def test_the_histogram_counts_every_gate_once(given_: Trained) -> None:
    _, gates = given_
    if gates is None:
        return
    edges, counts = counted(gates)
    assert (counts.sum(1) == gates.values.shape[1]).all()
    assert (np.diff(edges) > 0).all()
    for connection, heights in profiles(gates).items():
        assert (np.diff(heights) <= 0).all()
        assert heights[0] == pytest.approx(abs(gates.final()[connection]))


@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(trained())
def test_no_text_lies_on_another_or_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given_: Trained
) -> None:
    architecture, gates = given_
    found: list[str] = []

    def look(figure: Figure, path: str, **how: Any) -> None:
        found.extend(clashes(figure) if how["format"] == "png" else ())
        Path(path).touch()

    monkeypatch.setattr(Figure, "savefig", look)
    run_figures(Drawable("a-run", architecture, gates, EPOCHS, best=2), THRESHOLD, tmp_path)
    assert found == []


def short_ones(architecture: Architecture) -> GateHistory:
    """Gates that end at 1 where a connection spans at most two places, else at 0."""
    places = [INPUT, *architecture.layer, HEAD]
    spans = [places.index(target) - places.index(source) for source, target in architecture.gated_connections]
    last = np.array([float(span <= 2) for span in spans], np.float32)
    return GateHistory.of(architecture, np.stack([np.full(len(last), 0.6, np.float32), last]))


def test_the_svg_of_a_cut_holds_the_names_and_its_parent(digits: Architecture, tmp_path: Path) -> None:
    gates = short_ones(digits)
    closed = int((gates.values[-1] == 0).sum())
    smaller = cut(digits, gates.final(), Threshold(THRESHOLD)).architecture
    kept = GateHistory.of(smaller, np.ones((1, len(smaller.gated_connections)), np.float32))
    parent = Drawable("whole", digits, gates)
    written = run_figures(Drawable("smaller", smaller, kept, parent=parent), THRESHOLD, tmp_path)
    assert {path.name for path in written} == {path.name for path in tmp_path.iterdir()}
    assert {path.stem for path in written} == {"wiring", "connections", "gates", "histogram"}
    wiring = tmp_path / "wiring.svg"
    texts = texts_of(wiring)
    assert {layer.name for layer in digits.layers} <= texts
    assert {"16@8", "10 classes", "756 k MACs", "removed by the cut", "without a gate"} <= texts
    assert f"parent whole: 45 connections, {closed} closed, 8 layers" in texts
    assert f"smaller: {45 - closed} connections, 8 layers" in texts
    assert drawn_in(wiring, "closed-connections") == drawn_in(wiring, "removed-connections") == closed
    # Those that stay are in both drawings.
    assert drawn_in(wiring, "open-connections") == 2 * (44 - closed)


def test_what_was_never_trained_is_drawn_too(digits: Architecture, tmp_path: Path) -> None:
    run_figures(Drawable("digits", digits), THRESHOLD, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{stem}.{kind}" for stem in ("wiring", "connections") for kind in ("svg", "png")
    }
    assert drawn_in(tmp_path / "wiring.svg", "untrained-connections") == 44
    assert "gated, not trained yet" in texts_of(tmp_path / "wiring.svg")


def test_the_same_run_is_drawn_the_same(digits: Architecture, tmp_path: Path) -> None:
    subject = Drawable("one", digits, None, EPOCHS)
    for folder in ("first", "second"):
        run_figures(subject, THRESHOLD, tmp_path / folder)
    for path in (tmp_path / "first").glob("*.svg"):
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes()


def test_a_users_settings_of_matplotlib_change_nothing(digits: Architecture, tmp_path: Path) -> None:
    subject = Drawable("one", digits, None, EPOCHS)
    run_figures(subject, THRESHOLD, tmp_path / "plain")
    with mpl.rc_context({"font.size": 21, "axes.facecolor": "black", "lines.linewidth": 7, "svg.fonttype": "path"}):
        run_figures(subject, THRESHOLD, tmp_path / "dark")
    for path in (tmp_path / "plain").iterdir():
        assert path.read_bytes() == (tmp_path / "dark" / path.name).read_bytes()


def test_many_layers_and_long_names_fit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    layers = [
        {"name": f"layer-with-quite-a-long-name-{number}", "kind": "dropout", "rate": 0.1} for number in range(70)
    ]
    architecture = Architecture.model_validate(
        {
            "input": {"feature_maps": 1, "height": 4, "width": 4},
            "classes": 2,
            "layers": layers,
            "connections": "residual",
            "merge": {"aggregate": "sum"},
            "gates": {"kind": "sigmoid"},
        }
    )
    found: list[str] = []
    sizes = []

    def look(figure: Figure, path: str, **how: Any) -> None:
        found.extend(clashes(figure) if how["format"] == "png" else ())
        sizes.append(max(figure.get_size_inches()))
        Path(path).touch()

    monkeypatch.setattr(Figure, "savefig", look)
    subject = Drawable("long", architecture, short_ones(architecture))
    written = run_figures(subject, THRESHOLD, tmp_path)
    assert found == []
    assert max(sizes) < 45
    assert len(written) == len(sizes)


def test_dollar_signs_are_no_formulas(digits: Architecture, tmp_path: Path) -> None:
    run_figures(Drawable("a$b_{c$", digits), THRESHOLD, tmp_path)
    assert any("a$b_{c$" in text for text in texts_of(tmp_path / "wiring.svg"))


def test_control_characters_leave_an_svg_that_can_be_read(digits: Architecture, tmp_path: Path) -> None:
    run_figures(Drawable("a\x1b\nb", digits), THRESHOLD, tmp_path)
    assert any(r"a\x1b\nb" in text for text in texts_of(tmp_path / "wiring.svg"))


def test_figures_need_no_torch() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import connprune.report.figures"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not any(line.endswith(" torch") for line in done.stderr.splitlines())
