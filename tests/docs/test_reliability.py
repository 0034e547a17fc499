"""Each promise of docs/reliability.md stands beside a test that is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def rows(page: str) -> list[str]:
    """The rows of all tables, without the two lines that each begins with."""
    tables = re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE)
    return [row for table in tables for row in table.splitlines()[2:]]


def test_every_row_of_every_table_names_a_test() -> None:
    found = rows(PAGE)
    assert len(found) > 50
    assert [row for row in found if not NAMED.search(row.rstrip(" |").rpartition(" | ")[2])] == []


def test_each_test_that_the_page_names_exists() -> None:
    named = NAMED.findall(PAGE)
    assert len(named) == PAGE.count("tests/"), "a test is named by its file and its function"
    for path, function in named:
        text = (ROOT / path).read_text(encoding="utf-8")
        assert re.search(rf"^def {function}\(", text, re.MULTILINE), f"{path}::{function}"


def test_a_list_of_what_no_test_holds_says_so() -> None:
    section = PAGE.partition("### What no test holds\n")[2].partition("\n## ")[0]
    items = re.findall(r"^- .*", section, re.MULTILINE)
    assert items
    assert [item for item in items if not item.startswith("- not tested: ")] == []
