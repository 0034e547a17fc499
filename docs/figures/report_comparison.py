"""Draws report-comparison.png: the page of a comparison that docs/results has, in a headless Chromium.

python docs/figures/report_comparison.py
"""

import json
import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from connprune.documents.comparison import Comparison
from connprune.report.html.page import write_page
from connprune.report.html.points import chart_data

FOLDER = Path(__file__).parent


def write(path: Path) -> None:
    """The page, without the wirings, which take the runs."""
    file = FOLDER.parent / "results" / "digits.json"
    document = Comparison.read(json.loads(file.read_text(encoding="utf-8")), file.name)
    tiles = {
        "networks": str(sum(row.count for row in document.rows)),
        "seeds": str(len(document.seeds)),
        "epochs each": str(document.epochs),
        "trainings not finished": str(document.unfinished),
    }
    write_page(
        {
            "title": "digits",
            "about": ["data digits", "preset digits", f"seeds {', '.join(map(str, document.seeds))}"],
            "tiles": list(tiles.items()),
            "sentences": document.verdicts,
            "document": document.plain(),
            "chart": chart_data(document),
        },
        path,
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page = Path(folder) / "page.html"
        write(page)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1200, "height": 900}, reduced_motion="reduce")
        tab.goto(page.as_uri())
        tab.locator("g.strand").first.wait_for()
        # What is not a table; by script, since the page allows no style of others.
        hidden = ".scroll, .more, .sentence, body > section, footer"
        tab.evaluate(f"document.querySelectorAll('{hidden}').forEach((node) => (node.style.display = 'none'))")
        tab.screenshot(path=FOLDER / "report-comparison.png", full_page=True)
        browser.close()
