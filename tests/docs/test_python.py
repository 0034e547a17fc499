"""The Python blocks of the pages that show whole programs run."""

from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, blocks

# The second one trains.
PAGES = ["docs/wire.md", pytest.param("docs/python.md", marks=pytest.mark.slow)]


@pytest.mark.parametrize("page", PAGES)
def test_the_python_blocks_of_a_page_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CONNPRUNE_RUNS", raising=False)
    names: dict[str, object] = {}
    for block in blocks(ROOT / page):
        if block.language == "python":
            exec(compile(block.text, str(block), "exec"), names)


def test_a_network_of_ones_own_takes_at_most_thirty_lines() -> None:
    first = next(block for block in blocks(ROOT / "docs" / "wire.md") if block.language == "python")
    assert len(first.text.splitlines()) <= 30
