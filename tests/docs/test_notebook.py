"""The notebook of the documentation: from the installation to a pruned network of torchvision."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.docs.blocks import ROOT

NOTEBOOK = ROOT / "docs" / "notebooks" / "torchvision.ipynb"
MOST_LINES = 30


def code() -> list[str]:
    """The source of each cell of code."""
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


def test_it_is_short_and_without_output() -> None:
    first, *others = code()
    assert first == "%pip install -q connprune"
    assert sum(bool(line.strip()) for cell in (first, *others) for line in cell.splitlines()) <= MOST_LINES
    for cell in others:
        compile(cell, NOTEBOOK.name, "exec")
    assert '"output_type"' not in NOTEBOOK.read_text(encoding="utf-8")


@pytest.mark.slow
def test_it_prunes_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    names: dict[str, Any] = {}
    for cell in code()[1:]:
        exec(compile(cell, NOTEBOOK.name, "exec"), names)
    small, wired, accuracy = names["small"], names["wired"], names["accuracy"]
    before, after = (sum(each.numel() for each in module.parameters()) for module in (wired, small))
    assert after < before
    assert accuracy(small) >= accuracy(wired) - 0.005 - 1e-9
    assert f"after: {after:,} parameters" in capsys.readouterr().out
    images = names["scaled"](names["digits"].test.images[:32])
    torch.testing.assert_close(names["again"].eval()(images), small(images), rtol=0, atol=1e-5)
