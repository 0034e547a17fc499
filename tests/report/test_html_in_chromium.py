"""The page as people use it, in a headless Chromium: `pytest -m slow tests/report/test_html_in_chromium.py`."""

import json
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import TINY
from tests.report.conftest import Shown, needs_chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator

pytestmark = [pytest.mark.slow, needs_chromium]


@dataclass
class Work:
    """A folder with runs, and the pages made of them."""

    folder: Path
    documents: dict[str, Any] = field(default_factory=dict)

    def do(self, *words: str) -> str:
        command = [sys.executable, "-m", "connprune", *words]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def make(self, name: str, *words: str) -> None:
        self.documents[name] = json.loads(self.do(*words, "--html", f"{name}.html", "--json"))

    def data(self, name: str) -> Any:
        text = (self.folder / f"{name}.html").read_text(encoding="utf-8")
        return json.loads(text.split('id="data">')[1].split("</script>")[0])


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Work:
    """Trainings of digits, with gates pressed hard so that a few epochs are enough to cut something."""
    work = Work(tmp_path_factory.mktemp("pages"))
    preset = ("--preset", "digits", "--epochs", "6", "--device", "cpu", "-q")
    pressed = ("--set", "gates.penalty=0.02", "--set", "gates.rate=0.1", "--set", "gates.penalty_warmup=0")
    work.do("train", *preset, *pressed, "--run", "run")
    work.do("train", *preset, *pressed, "--seed", "2", "--run", "other")
    work.do("train", *TINY, "--set", "gates.sharing=per-feature-map", "--run", "maps", "-q")
    work.do("prune", "run", "--sparsity", "0.4", "--out", "cut", "-q")
    work.make("run", "inspect", "run")
    work.make("maps", "inspect", "maps")
    work.make("cut", "inspect", "cut")
    work.make("runs", "inspect", "run", "other")
    work.make("preset", "inspect", "--preset", "blog")
    work.make("retrained", "retrain", "cut", "--epochs", "2", "--run", "again")
    work.make("comparison", "retrain", "cut", "--against", "chain,random:2", "--seeds", "2", "--epochs", "1")
    return work


def test_both_sliders_change_the_numbers_as_the_data_say(browser: "Browser", work: Work) -> None:
    shown = Shown(browser, work.folder / "run.html", 1280)
    data = work.data("run")
    rows, metrics = data["thresholds"]["rows"], data["metrics"]
    threshold = shown.page.get_by_label("Threshold of a cut")
    threshold.focus()
    for row in rows[:4]:
        assert shown.stat("parameters") == f"{row['parameters']:,}"
        assert shown.stat("macs") == f"{row['macs']:,}"
        assert shown.stat("connections") == f"{row['connections']:,}"
        assert shown.stat("validation_accuracy") == f"{row['validation_accuracy']:.2%}"
        ghosts = shown.page.locator("path.arc.ghost, path.arc.followed").count()
        assert ghosts - len(shown.page.locator(".legend path.ghost, .legend path.followed").all()) == (
            rows[0]["connections"] - row["connections"]
        )
        shown.page.keyboard.press("ArrowRight")
    shown.page.keyboard.press("End")
    assert "would leave no path" in shown.page.locator("p[role=status]").inner_text()
    assert shown.stat("parameters") == "–"
    shown.page.keyboard.press("Home")
    assert shown.page.locator("p[role=status]").inner_text() == "This cuts nothing."

    epoch = shown.page.get_by_label("Epoch", exact=True)
    epoch.focus()
    widths = {width_of_an_arc(shown)}
    for metric in reversed(metrics):
        assert epoch.get_attribute("aria-valuetext") == f"epoch {metric['epoch']} of 6"
        assert shown.stat("epoch_validation_accuracy") == f"{metric['validation_accuracy']:.2%}"
        place = metric["epoch"]
        below = sum(abs(gate[place]) < 0.01 for gate in data["history"]["gate"])
        assert shown.stat("gates_closed") == f"{below} of 44"
        shown.page.keyboard.press("ArrowLeft")
        widths.add(width_of_an_arc(shown))
    assert shown.stat("epoch_validation_accuracy") == "–"
    assert len(widths) > 3
    shown.close()


def width_of_an_arc(shown: Shown) -> float:
    """As it is drawn at rest."""
    return float(shown.page.locator("#arc-9").evaluate("arc => arc.style.getPropertyValue('--g')"))


def test_play_goes_through_the_epochs(browser: "Browser", work: Work) -> None:
    shown = Shown(browser, work.folder / "run.html", 1280)
    shown.page.get_by_role("button", name="Play").press("Enter")
    shown.page.get_by_role("button", name="Pause").wait_for()
    shown.page.locator("#epoch[aria-valuetext='epoch 6 of 6']").wait_for(timeout=20_000)
    shown.page.get_by_role("button", name="Play").wait_for()
    shown.close()


def test_the_wiring_by_keyboard(browser: "Browser", work: Work) -> None:
    shown = Shown(browser, work.folder / "run.html", 1280)
    wiring = shown.page.get_by_role("listbox", name="Wiring")
    wiring.focus()
    details = shown.page.locator(".details h3")
    for key, expected in (
        ("ArrowLeft", "dropout2 → head"),
        ("Escape", None),
        ("ArrowRight", "input"),
        ("ArrowRight", "conv1"),
        ("ArrowRight", "input → conv1"),
        ("End", "dropout2 → head"),
        ("ArrowLeft", "pool2 → head"),
    ):
        shown.page.keyboard.press(key)
        assert details.all_inner_texts() == ([expected] if expected else [])
    row = next(
        row for row in work.documents["run"]["connection_gates"] if (row["source"], row["target"]) == ("pool2", "head")
    )
    assert shown.stat("gate") == written(float(f"{row['gate']:.4g}"))
    assert shown.page.locator("tbody tr.chosen").inner_text().split()[:2] == ["pool2", "head"]
    assert shown.page.locator("path.series.gate.chosen").count() == 1
    shown.page.keyboard.press("Escape")
    assert details.count() == 0
    shown.close()


def written(gate: float) -> str:
    """As the page writes gates."""
    if gate == 0:
        return "0"
    return f"{gate:.2e}".replace("e-0", "e-") if abs(gate) < 0.001 else f"{gate:.4f}"


def test_pointing_shows_details(browser: "Browser", work: Work) -> None:
    shown = Shown(browser, work.folder / "maps.html", 1280)
    shown.page.locator("g.node#node-3").hover()
    assert shown.page.locator(".details h3").inner_text() == "pool1"
    shown.page.locator("g.node#node-3").dispatch_event("pointerleave", {"pointerType": "mouse"})
    shown.page.locator("path.hit").nth(20).dispatch_event("click")
    details = shown.page.locator(".details")
    assert "open feature maps" in details.inner_text()
    assert details.locator(".barcode rect").count() == work.data("maps")["wiring"]["arcs"][20]["maps"]
    shown.close()


def test_tables_are_sorted_by_their_headers(browser: "Browser", work: Work) -> None:
    shown = Shown(browser, work.folder / "run.html", 1280)
    table = shown.page.get_by_role("region", name="Every connection")
    header = table.get_by_role("columnheader", name="gate", exact=True)
    gates = sorted((row["gate"] for row in work.documents["run"]["connection_gates"] if row["gated"]), reverse=True)
    for direction, wanted in (("descending", gates), ("ascending", gates[::-1])):
        header.get_by_role("button").press("Enter")
        assert header.get_attribute("aria-sort") == direction
        shown_gates = [cells_of(line)[2] for line in table.locator("tbody tr").all()]
        assert shown_gates == [*map(written, wanted), "–"], "what is missing comes last"
    assert table.locator("th[aria-sort]").count() == 1
    shown.close()


def cells_of(line: "Locator") -> list[str]:
    return line.locator("td").all_inner_texts()


def test_colours_can_be_changed(browser: "Browser", work: Work) -> None:
    shown = Shown(browser, work.folder / "run.html", 1280, "light")
    background = "getComputedStyle(document.body).backgroundColor"
    light = shown.page.evaluate(background)
    shown.page.get_by_role("button", name="Dark colours").press("Enter")
    dark = shown.page.evaluate(background)
    assert light != dark
    shown.close()
    preferring = Shown(browser, work.folder / "run.html", 1280, "dark")
    assert preferring.page.evaluate(background) == dark
    preferring.page.get_by_role("button", name="Light colours").press("Enter")
    assert preferring.page.evaluate(background) == light
    preferring.close()


def test_a_comparison_shows_who_is_chosen(browser: "Browser", work: Work) -> None:
    shown = Shown(browser, work.folder / "comparison.html", 1280)
    shown.page.get_by_label("Network", exact=True).select_option("chain")
    assert "9 connections" in shown.page.locator("main").inner_text()
    gone = len([left for left in work.data("comparison")["wirings"]["chain"] if left == 0])
    assert shown.page.locator("svg[role=listbox] > path.ghost").count() == gone
    shown.page.get_by_label("parameters", exact=True).check()
    points = shown.page.get_by_role("listbox", name="Test accuracy against cost")
    points.focus()
    shown.page.keyboard.press("Home")
    shown.page.keyboard.press("ArrowLeft")
    assert points.locator("[aria-selected=true]").count() == 1
    points.locator("[role=option]", has_text="random (mean of 2)").dispatch_event("click")
    assert shown.page.get_by_label("Network", exact=True).input_value() == ""
    assert "Choose one to see its wiring." in shown.page.locator("main").inner_text()
    row = next(row for row in work.documents["comparison"]["rows"] if row["network"] == "chain")
    assert (
        points.locator("[role=option]", has_text="chain")
        .get_attribute("aria-label")
        .endswith(  # type: ignore[union-attr]
            f"{row['parameters']:,.0f} parameters"
        )
    )
    shown.close()


NAMES = ("run", "maps", "cut", "runs", "preset", "retrained", "comparison")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("width", "colours"), [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")])
def test_it_fits_on_a_desktop_and_on_a_phone(
    browser: "Browser", work: Work, name: str, width: int, colours: str
) -> None:
    shown = Shown(browser, work.folder / f"{name}.html", width, colours)
    assert shown.page.evaluate("document.scrollingElement.scrollWidth") <= width
    shown.picture(f"{name}-{width}-{colours}")
    paint = shown.page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime")
    size = (work.folder / f"{name}.html").stat().st_size
    print(f"{name} at {width}: {size:,} bytes, first contentful paint after {paint} ms")
    shown.close()


@pytest.mark.parametrize("name", NAMES)
def test_every_control_has_a_name_and_can_be_reached(browser: "Browser", work: Work, name: str) -> None:
    shown = Shown(browser, work.folder / f"{name}.html", 1280)
    controls = shown.page.locator("button, input, select, summary, a[href], [tabindex='0']")
    unnamed = controls.evaluate_all(
        """all => all.filter(each => !(each.textContent.trim() || each.getAttribute("aria-label")
            || (each.labels && [...each.labels].some(label => label.textContent.trim()))))
            .map(each => each.outerHTML)"""
    )
    assert unnamed == []
    # Of a group of radio buttons one stands for all, and what is folded away is not to be reached.
    expected = controls.evaluate_all(
        """all => all.filter(each => (each.type !== 'radio' || each.checked)
            && (each.matches('summary') || !each.closest('details:not([open])'))).length"""
    )
    reached = set()
    for _ in range(expected + 5):
        shown.page.keyboard.press("Tab")
        reached.add(
            shown.page.evaluate(
                """() => { const here = document.activeElement; window.all ??= [...document.querySelectorAll('*')];
                if (here === document.body) return null;
                const style = getComputedStyle(here);
                const isBare = style.outlineStyle === 'none' && !here.matches('.skip');
                return isBare ? 'no focus ring' : window.all.indexOf(here); }"""
            )
        )
    assert "no focus ring" not in reached
    assert len(reached - {None}) >= expected
    shown.close()


def test_hostile_names_stay_text(browser: "Browser", work: Work) -> None:
    text = (work.folder / "run.html").read_text(encoding="utf-8")
    start, data, end = (
        text.partition('id="data">')[0],
        work.data("run"),
        text.split('id="data">')[1].split("</script>", 1)[1],
    )
    evil = "<img src=x onerror=\"document.title='owned'\">"
    data["wiring"]["nodes"][1]["name"] = evil
    for arc in data["wiring"]["arcs"]:
        arc.update({key: evil for key in ("source", "target") if arc[key] == "conv1"})
    for row in data["document"]["connection_gates"]:
        row.update({key: evil for key in ("source", "target") if row[key] == "conv1"})
    path = work.folder / "hostile.html"
    path.write_text(
        f'{start}id="data">{json.dumps(data).replace("<", chr(92) + "u003c")}</script>{end}', encoding="utf-8"
    )
    shown = Shown(browser, path, 1280)
    assert shown.page.locator("img").count() == 0
    assert evil in shown.page.get_by_role("region", name="Every connection").inner_text()
    assert re.fullmatch(r"run, .*seed \d+, begun \d{4}-\d\d-\d\d · connprune", shown.page.title())
    shown.close()


def test_gates_that_are_not_trained_are_not_called_missing(browser: "Browser", work: Work) -> None:
    shown = Shown(browser, work.folder / "preset.html", 1280)
    legend = shown.page.locator(".legend").first.inner_text()
    assert "gates are not trained yet" in legend
    assert "without a gate" not in legend
    shown.close()


def test_of_many_layers_the_matrix_comes_first(browser: "Browser", work: Work) -> None:
    """Arcs would be a hairball; they can be unfolded."""
    work.make("strong", "inspect", "--preset", "strong")
    for name, layers, folded in (("preset", 8, "As a matrix"), ("strong", 13, "As arcs")):
        shown = Shown(browser, work.folder / f"{name}.html", 1280)
        wiring = shown.page.locator("section[aria-label=Wiring]")
        assert wiring.locator("details > summary").all_inner_texts() == [folded]
        assert wiring.locator("g.cell").first.is_visible() == (layers >= 12)
        wiring.locator("details > summary").click()
        wiring.locator("g.cell").first.wait_for(state="visible")
        arcs = len(work.data(name)["wiring"]["arcs"])
        assert (wiring.locator("g.cell").count(), wiring.locator("path.hit").count()) == (arcs, arcs)
        wiring.locator("g.cell").last.hover()
        assert "→ head" in wiring.locator(".details h3").inner_text()
        shown.close()
