"""The page as a file: nothing to load, no text taken for markup, the document in it."""

import json
import os
import re
import shutil
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from connprune.architecture import Architecture
from connprune.documents.comparison import Comparison
from connprune.documents.run import Summary
from connprune.report.document import describe
from connprune.report.figures.connections import ARCS_PER_LAYER
from connprune.report.html.history import MOST_VALUES, gate_data, kept_rows
from connprune.report.html.page import page, write_page
from connprune.report.html.points import chart_data
from connprune.report.html.run import about, run_data
from connprune.report.html.wiring import maps_left, wiring_data
from connprune.runs.directory import RunDirectory
from connprune.runs.gate_history import GateHistory
from tests import command_lines
from tests.conftest import TINY, Command, preset_architecture
from tests.report.conftest import Shown, needs_chromium
from tests.report.figures.helpers import comparison

if TYPE_CHECKING:
    from playwright.sync_api import Browser

QUICK = (*TINY, "--set", "data.train_images=96")


def embedded(text: str) -> Any:
    found = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert len(found) == 1
    return json.loads(found[0])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trained") / "run"
    done = command_lines.run(path.parent, "train", *QUICK, "--run", "run", "-q")
    assert done.code == 0, done.told
    return path


@pytest.fixture
def run(command: Command, trained: Path, tmp_path: Path) -> str:
    shutil.copytree(trained, tmp_path / "run")
    return "run"


def test_a_run_with_what_thresholds_would_cut(command: Command, run: str, tmp_path: Path) -> None:
    shown = command("inspect", run, "--html", "report.html", "--json")
    assert shown.code == 0, shown.err
    text = (tmp_path / "report.html").read_text()
    data = embedded(text)
    assert {**data["document"], "html": "report.html"} == shown.json
    assert shown.json["html"] == "report.html"
    assert command("inspect", run, "--json").json == {k: v for k, v in shown.json.items() if k != "html"}
    swept = command("prune", run, "--dry-run", "--sweep", "--json").json["rows"]
    assert data["thresholds"]["rows"] == swept
    removed = [left.count(0) for left in data["thresholds"]["left"]]
    assert [45 - row["connections"] for row in swept] == removed
    assert data["metrics"] == [epoch.plain() for epoch in RunDirectory.open(Path(run)).read_metrics()]
    assert f"{shown.json['summary']['final']['test_accuracy']:.2%}" in text


@needs_chromium
def test_it_draws_its_parts_in_a_browser(command: Command, run: str, tmp_path: Path, browser: "Browser") -> None:
    assert command("inspect", run, "--html", "report.html").code == 0
    begun = RunDirectory.open(tmp_path / run).summary.created[:10]  # type: ignore[index]
    shown = Shown(browser, tmp_path / "report.html", 1280)
    main = shown.page.locator("main")
    parts = ["Wiring", "What a cut would leave", "Gates over training", "Training", "Classes", "Connections", "Layers"]
    assert main.locator("section > h2").all_inner_texts() == parts
    assert main.locator("g.node").count() == 10
    assert main.locator("path.hit").count() == 45
    assert main.locator("path.series.gate").count() == 44
    # Gates are shades in a matrix too, and what does not fit its place says so.
    main.get_by_text("As a matrix").click()
    main.locator("g.cell").first.wait_for(state="visible")
    assert main.locator("g.cell").count() == 45
    connections = main.get_by_role("region", name="Every connection")
    assert "more rows" in connections.locator("xpath=following-sibling::p").inner_text()
    assert shown.page.title() == f"run, data digits, preset digits, seed 1337, begun {begun} · connprune"
    assert main.get_by_role("region", name="Every connection").locator("tbody tr").count() == 45
    shown.picture("smoke")
    shown.close()


def test_the_chart_of_a_comparison_has_its_front_and_its_means() -> None:
    chart = chart_data(comparison())
    points = {point["name"]: point for point in chart["points"]}
    assert list(points) == ["random-1", "random-2", "cut", "parent", "random (mean of 2)"]
    assert points["random-1"]["accuracy"] == pytest.approx(0.905)
    assert points["random (mean of 2)"]["accuracy"] == pytest.approx(0.915)
    assert [name for name, point in points.items() if point["is_one_of_several"]] == ["random-1", "random-2"]
    # The parent, as good as the cut, costs more; of one random network the accuracy may be luck.
    assert {cost: [chart["points"][number]["name"] for number in front] for cost, front in chart["fronts"].items()} == {
        "macs": ["random (mean of 2)", "cut"],
        "parameters": ["random (mean of 2)", "cut"],
        "connections": ["cut"],
    }


def compared_page(browser: "Browser", folder: Path, document: Comparison, **parts: object) -> Shown:
    """The page of a comparison with its chart, and with more parts of its data, in a browser."""
    data = {"title": "compared", "tiles": [], "sentences": [], "document": document.plain()}
    write_page({**data, "chart": chart_data(document), **parts}, folder / "page.html")
    return Shown(browser, folder / "page.html", 1280)


@needs_chromium
def test_a_comparison_is_drawn_in_a_browser(tmp_path: Path, browser: "Browser") -> None:
    document = comparison()
    shown = compared_page(browser, tmp_path, document)
    points = shown.page.get_by_role("listbox", name="Test accuracy against cost")
    assert points.get_by_role("option").count() == 5
    assert (points.locator("path.front").get_attribute("d") or "").count("H") == 1
    shown.page.get_by_label("connections", exact=True).check()
    assert (points.locator("path.front").get_attribute("d") or "").count("H") == 0
    # Every measure at once: a line a network, and the keys choose one.
    assert shown.page.locator("g.strand").count() == len(document.rows)
    shown.page.get_by_role("radio", name="cut", exact=True).press("ArrowRight")
    assert shown.page.get_by_role("radio", name="parent", exact=True).is_checked()
    assert shown.page.locator("g.strand.chosen path:not(.hit)").count() == 1
    assert "parent: validation accuracy: 50.00%; test accuracy: 95.50%" in shown.page.locator("main").inner_text()
    shown.picture("smoke-comparison")
    shown.close()


# The texts of the charts that begin or end outside of their drawing, or lie on another of the same row of an axis.
CLASHES = """() => [...document.querySelectorAll("main svg[role=group]")].flatMap((drawing) => {
  const place = drawing.getBoundingClientRect();
  const boxes = [...drawing.querySelectorAll("text")].map((text) => [text, text.getBoundingClientRect()]);
  const out = boxes.filter(([, box]) => box.left < place.left - 1 || box.right > place.right + 1);
  const ticks = boxes.filter(([text]) => text.classList.contains("tick"));
  const on = ticks.filter(([text, box]) =>
    ticks.some(([other, its]) => other !== text && box.left < its.right && its.left < box.right && box.top === its.top),
  );
  return [...out, ...on].map(([text]) => text.textContent);
})"""


@needs_chromium
def test_on_a_phone_charts_and_captions_are_whole(
    command: Command, run: str, tmp_path: Path, browser: "Browser"
) -> None:
    assert command("inspect", run, "--html", "report.html").code == 0
    data = embedded((tmp_path / "report.html").read_text())
    # As after a long training, whose gates are orders of magnitude apart.
    for number, row in enumerate(data["thresholds"]["rows"]):
        row["threshold"] = 0 if number == 0 else 10.0 ** (-9 + 8 * number / len(data["thresholds"]["rows"]))
    write_page(data, tmp_path / "page.html")
    shown = Shown(browser, tmp_path / "page.html", 390)
    assert "threshold (the first is 0), logarithmic" in shown.page.locator("svg .title").all_text_contents()
    assert shown.page.evaluate(CLASHES) == []
    tables = shown.page.locator("main .scroll:has(caption)")
    assert tables.count() > 3
    for table in tables.all():
        place, caption = table.bounding_box(), table.locator("caption").bounding_box()
        assert place
        assert caption
        assert caption["width"] <= place["width"]
    shown.picture("smoke-phone")
    shown.close()


def test_pages_begin_with_what_tells_runs_apart(command: Command, run: str, tmp_path: Path) -> None:
    shutil.copytree(tmp_path / run, tmp_path / "again")
    begun = RunDirectory.open(tmp_path / run).summary.created[:10]  # type: ignore[index]
    assert command("inspect", run, "again", "--html", "runs.html").code == 0
    told = ["data digits", "preset digits", "seed 1337", f"begun {begun}"]
    assert embedded((tmp_path / "runs.html").read_text())["about"] == told
    assert command("inspect", "--preset", "digits", "--html", "preset.html").code == 0
    assert embedded((tmp_path / "preset.html").read_text())["title"] == "digits"


def test_of_many_seeds_the_first_and_the_last_are_told() -> None:
    runs = [Summary(kind="train", status="finished", seed=seed, data="digits") for seed in range(1, 9)]
    assert about(runs[:1], ["blog"]) == ["data digits", "preset blog", "seed 1"]
    assert about(runs[:3], ["mine", None]) == ["data digits", "configuration mine", "seeds 1, 2, 3"]
    assert about(runs) == ["data digits", "seeds 1, 2, 3, 4, …, 8"]


@needs_chromium
def test_the_cut_lies_on_what_it_is_compared_with(tmp_path: Path, browser: "Browser") -> None:
    document = comparison()
    shown = compared_page(browser, tmp_path, document)
    names = [each.get_attribute("aria-label") or "" for each in shown.page.locator("g.point").all()]
    assert names[-1].startswith("cut: ")
    assert [name.split(":")[0] for name in names[:2]] == ["random-1", "random-2"]
    shown.close()


@needs_chromium
def test_axes_say_that_they_are_logarithmic_and_many_layers_have_few_arcs(tmp_path: Path, browser: "Browser") -> None:
    document = comparison()
    far = document.rows[1].model_copy(update={"macs": 10 * document.rows[1].macs})
    document = document.model_copy(update={"rows": (document.rows[0], far, *document.rows[2:])})
    strong = preset_architecture("strong")
    shown = compared_page(
        browser, tmp_path, document, wiring=wiring_data(strong), wirings={"cut": maps_left(strong, strong)}
    )
    titles = shown.page.locator("svg .title").all_text_contents()
    assert {"MACs per image, logarithmic", "MACs, logarithmic", "parameters"} <= set(titles)
    shown.page.get_by_text("As arcs").click()
    shown.page.locator("g.node").first.wait_for(state="visible")
    assert shown.page.locator("path.arc:visible").count() == ARCS_PER_LAYER * len(strong.layers)
    # Of what is pointed at, all.
    arcs = sum("stem" in connection for connection in strong.all_connections)
    shown.page.locator("g.node").nth(1).dispatch_event("click")
    assert shown.page.locator("path.arc.near:visible").count() == arcs
    shown.close()


def test_it_loads_nothing(command: Command, run: str, tmp_path: Path) -> None:
    command("inspect", run, "--html", "report.html")
    text = (tmp_path / "report.html").read_text()
    without_data = re.sub(r'<script type="application/json".*?</script>', "", text, flags=re.DOTALL)
    addresses = set(re.findall(r"https?://[^\"' )]+", without_data))
    assert addresses <= {"http://www.w3.org/2000/svg"}, "the name of a namespace is no address to load from"
    assert not re.search(r"<(link|img|iframe|object|embed)\b|\bsrc=|@import|url\(|\bimport\(|fetch\(", without_data)
    assert "default-src 'none'" in without_data


def test_the_scripts_take_no_text_for_markup() -> None:
    for script in files("connprune.report.html").iterdir():
        if script.name.endswith(".js"):
            assert not re.search(
                r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|DOMParser",
                script.read_text(),
            ), script.name


def test_names_cannot_leave_their_place(digits: Architecture) -> None:
    evil = '</script><script>alert("1")</script><!-- &amp; \u2028'
    document = describe(digits, None, None, Path(evil))
    data = {**run_data(document, digits, None, None, 0.01), "title": evil, "tiles": [[evil, evil]]}
    text = page(data)
    assert text.count("<script") == text.count("</script>") == 2
    assert "<!-- &amp;" not in text
    assert embedded(text)["document"]["path"] == evil


def test_classes_of_a_folder_are_text(command: Command, digits_folder: Path) -> None:
    for part in ("train", "test"):
        (digits_folder / part / "0").rename(digits_folder / part / "<script>alert(1)<")
    assert (
        command("train", *QUICK, "--data", digits_folder, "--set", "data.train_images=40", "--run", "run", "-q").code
        == 0
    )
    assert command("inspect", "run", "--html", "report.html").code == 0
    text = Path("report.html").read_text()
    assert text.count("<script") == 2
    assert "<script>alert(1)<" in embedded(text)["document"]["summary"]["classes"]


def test_without_its_images_accuracies_are_left_out(command: Command, digits_folder: Path) -> None:
    assert (
        command("train", *QUICK, "--data", digits_folder, "--set", "data.train_images=40", "--run", "run", "-q").code
        == 0
    )
    with_images = command("prune", "run", "--dry-run", "--sweep", "--json").json["rows"]
    digits_folder.rename(digits_folder.with_name("elsewhere"))
    shown = command("inspect", "run", "--html", "report.html")
    assert shown.code == 0
    assert "no accuracies of cuts" in shown.err
    found = embedded(Path("report.html").read_text())["thresholds"]
    assert found["why"].startswith("The accuracy of cuts is not known here: ")
    assert found["rows"] == [{k: v for k, v in row.items() if "validation" not in k} for row in with_images]


def test_a_run_under_way(command: Command, run: str) -> None:
    directory = RunDirectory.open(Path(run))
    directory.begin()
    shown = command("inspect", run, "--html", "report.html")
    assert shown.code == 0, shown.err
    data = embedded(Path("report.html").read_text())
    assert data["thresholds"]["why"] == "The accuracy of cuts is not known yet: the run's status is running."
    assert "validation_accuracy" not in data["thresholds"]["rows"][0]
    assert data["history"]["epochs"] == [0, 1, 2]


def test_a_run_before_its_first_epoch(command: Command, run: str) -> None:
    directory = RunDirectory.open(Path(run))
    directory.begin()
    directory.gates.unlink()
    directory.metrics.unlink()
    assert command("inspect", run, "--html", "report.html").code == 0
    assert "thresholds" not in embedded(Path("report.html").read_text())


def test_a_preset(command: Command) -> None:
    shown = command("inspect", "--preset", "blog", "--html", "report.html", "--json")
    data = embedded(Path("report.html").read_text())
    assert {**data["document"], "html": "report.html"} == shown.json
    assert len(data["wiring"]["arcs"]) == 45
    assert not {"history", "thresholds", "cut"} & set(data)


def test_a_cut_and_its_retrained_network_show_what_went(command: Command, run: str) -> None:
    report = command("prune", run, "--keep", "20", "--out", "cut", "--json").json
    command("inspect", "cut", "--html", "cut.html")
    data = embedded(Path("cut.html").read_text())
    gone = {
        f"{arc['source']}->{arc['target']}"
        for arc, left in zip(data["wiring"]["arcs"], data["wiring"]["left"], strict=True)
        if not left
    }
    assert gone == {*report["chosen"], *report["followed"]}
    assert len(data["history"]["gate"]) == 44
    done = command("retrain", "cut", "--epochs", "1", "--run", "again", "--html", "again.html", "--json")
    data = embedded(Path("again.html").read_text())
    places = {"path": str(Path("again").resolve()), "cuts": [str(Path("cut").resolve())]}
    assert {**done.json, **places} == {**data["comparison"], "html": "again.html"}
    assert data["wiring"]["left"].count(0) == len(gone)
    assert data["document"]["path"] == "again"


def test_a_cut_whose_parent_is_gone(command: Command, run: str) -> None:
    command("prune", run, "--keep", "20", "--out", "cut", "-q")
    Path(run).rename("elsewhere")
    assert command("inspect", "cut", "--html", "cut.html").code == 0
    data = embedded(Path("cut.html").read_text())
    assert len(data["wiring"]["arcs"]) == 45
    assert data["wiring"]["whose"].startswith("those of the first training")
    assert "history" not in data


def test_the_gates_of_a_parent_that_was_trained_anew_are_not_those_that_were_cut(command: Command, run: str) -> None:
    command("prune", run, "--keep", "20", "--out", "cut", "-q")
    command("inspect", "cut", "--html", "cut.html")
    assert embedded(Path("cut.html").read_text())["wiring"]["whose"] == "the parent's"
    shutil.rmtree(run)
    command("train", *QUICK, "--seed", "7", "--run", run, "-q")
    assert command("inspect", "cut", "--html", "cut.html").code == 0
    assert "history" not in embedded(Path("cut.html").read_text())


def test_several_runs(command: Command, run: str) -> None:
    command("train", *QUICK, "--seed", "7", "--epochs", "3", "--run", "other", "-q")
    shown = command("inspect", run, "other", "--html", "report.html", "--json")
    data = embedded(Path("report.html").read_text())
    assert {**data["document"], "html": "report.html"} == shown.json
    assert data["history"]["epochs"] == [0, 1, 2]
    for low, mean, high in zip(data["history"]["low"], data["history"]["gate"], data["history"]["high"], strict=True):
        assert all(a <= b * 1.001 and b <= c * 1.001 for a, b, c in zip(low, mean, high, strict=True))


def test_a_comparison(command: Command, run: str) -> None:
    command("prune", run, "--keep", "20", "--out", "cut", "-q")
    shown = command("retrain", "cut", "--against", "chain", "--epochs", "1", "--html", "report.html", "--json")
    assert shown.code == 0, shown.err
    data = embedded(Path("report.html").read_text())
    assert {**data["document"], "html": "report.html"} == shown.json
    assert set(data["wirings"]) == {"cut", "chain"}
    assert sum(1 for left in data["wirings"]["chain"] if left) == 9
    again = command("retrain", "--collect", "--html", "report.html", "--json")
    assert {**embedded(Path("report.html").read_text())["document"], "html": "report.html"} == again.json


def test_places_that_are_refused_before_any_work(command: Command, run: str, tmp_path: Path) -> None:
    Path("notes.txt").write_text("mine")
    os.mkfifo("pipe")
    for place, why in (
        (".", "found a directory, expected a file"),
        ("notes.txt", "there is another file"),
        ("pipe", "there is another file"),
        ("nowhere/report.html", "there is no folder nowhere"),
        ("/proc/report.html", "cannot write there"),
        ("notes.txt/report.html", "there is no folder notes.txt"),
    ):
        for words in (("inspect", run), ("retrain", run)):
            refused = command(*words, "--html", place)
            assert (refused.code, refused.out) == (2, ""), refused.err
            assert refused.err.startswith(f"Error: --html: {place}: {why}")
            assert len(refused.err.splitlines()) == 1
    assert Path("notes.txt").read_text() == "mine"
    assert command("retrain", run, "--against", "chain", "--list", "--html", "report.html").code == 2


def test_an_earlier_page_is_replaced(command: Command) -> None:
    for _ in range(2):
        assert command("inspect", "--preset", "digits", "--html", "report.html").code == 0


@pytest.mark.parametrize(
    ("name", "sharing"), [("blog", "per-feature-map"), ("blog-3", "per-feature-map"), ("search", "shared")]
)
def test_two_hundred_epochs_are_under_three_megabytes(name: str, sharing: str) -> None:
    architecture = preset_architecture(name)
    assert architecture.gates is not None
    architecture = architecture.replace(gates=architecture.gates.model_copy(update={"sharing": sharing}))
    count = sum(architecture.gate_counts)
    values = np.random.default_rng(1).random((201, count), dtype=np.float32)
    gates = GateHistory.of(architecture, values)
    document = describe(architecture, gates, None, None)
    data = run_data(document, architecture, gates, None, 0.01)
    epoch = dict.fromkeys(
        ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy"), 0.12345678901234567
    )
    data["metrics"] = [{"epoch": number, **epoch, "epoch_seconds": 1 / 3} for number in range(1, 201)]
    assert len(page(data).encode()) < 3_000_000


def test_gates_are_counted_before_they_are_rounded(digits: Architecture) -> None:
    values = np.ones((2, sum(digits.gate_counts)), np.float32)
    values[1, :3] = [0.0099999, -0.0099999, 0.01]
    data: Any = gate_data(digits, GateHistory.of(digits, values), 0.01)
    assert data["closed"] == [0, int((np.abs(values[1]) < 0.01).sum())]
    assert [column[1] for column in data["gate"][:3]] == [0.01, -0.01, 0.01]


def test_long_histories_are_thinned_evenly() -> None:
    assert kept_rows(201, 44) == list(range(201))
    kept = kept_rows(201, 5000)
    assert kept[0] == 0
    assert kept[-1] == 200
    assert 2 <= len(kept) <= MOST_VALUES // 5000
    assert len(kept_rows(100_000, 1)) == 1000
    steps = {after - before for before, after in pairwise(kept)}
    assert max(steps) - min(steps) <= 1
