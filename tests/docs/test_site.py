"""The site: what its strict build refuses."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = "# Gates\n\nWhat a [gate](gates.md#gates) is.\n"
INDEX = "# Home\n\n## Concepts\n\n- [Gates](gates.md)\n"


def build(folder: Path, pages: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Builds a site of these pages as `make docs` does."""
    docs = folder / "docs"
    docs.mkdir()
    shutil.copy(ROOT / "docs" / "conf.py", docs)
    shutil.copytree(ROOT / "docs" / "static", docs / "static")
    for name, text in pages.items():
        (docs / name).write_text(text)
    options = re.findall(r"sphinx-build (.+) docs build/site", (ROOT / "Makefile").read_text())[0].split()
    return subprocess.run(
        [sys.executable, "-m", "sphinx", *options, "docs", "site"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_lists_are_the_navigation_and_nothing_comes_from_another_host(tmp_path: Path) -> None:
    done = build(tmp_path, {"index.md": INDEX, "gates.md": PAGE})
    assert done.returncode == 0, done.stderr
    html = (tmp_path / "site" / "gates.html").read_text()
    assert re.search(r'class="caption-text">Concepts<.*?href="#">Gates<', html, re.DOTALL)
    assert not re.findall(r'<(?:script|link|img|iframe)[^>]+(?:src|href)="(?:https?:)?//', html)


def test_all_that_is_missing_is_told_of_at_once(tmp_path: Path) -> None:
    """Of each fault alone, that it is refused, is asked by the slow test below."""
    faults = "[a](gates.md#merges) [b](merges.md)\n![drawing](drawing.png)\n"
    done = build(tmp_path, {"index.md": f"{INDEX}- [None](none.md)\n", "gates.md": PAGE + faults, "cut.md": "# Cut\n"})
    assert done.returncode != 0
    complaints = ("cut.md: WARNING: document isn't included in any toctree", "nonexisting document 'none'", "merges")
    for complaint in (*complaints, "merges.md", "drawing.png"):
        assert complaint in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pages", "complaint"),
    [
        ({"index.md": INDEX, "gates.md": PAGE, "cut.md": "# Cut\n"}, "isn't included in any toctree"),
        ({"index.md": INDEX}, "nonexisting document 'gates'"),
        ({"index.md": INDEX, "gates.md": PAGE.replace("#gates", "#merges")}, "merges"),
        ({"index.md": INDEX, "gates.md": PAGE.replace("gates.md", "merges.md")}, "merges.md"),
        ({"index.md": INDEX, "gates.md": PAGE + "![drawing](drawing.png)\n"}, "drawing.png"),
    ],
    ids=["a page in no list", "a list's page", "a heading", "a page", "a picture"],
)
def test_what_is_missing_is_refused(pages: dict[str, str], complaint: str, tmp_path: Path) -> None:
    done = build(tmp_path, pages)
    assert done.returncode != 0
    assert complaint in done.stderr
