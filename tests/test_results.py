"""Every table of docs/experiments.md and docs/results.md comes from the JSON that it names."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from PIL import Image

from connprune.documents.agreement import RunAgreement
from connprune.documents.comparison import Comparison
from connprune.documents.patterns import Patterns
from connprune.documents.sweep import Sweep
from connprune.report.agreement import agreement_text
from connprune.report.comparison import comparison_text
from connprune.report.patterns import patterns_text
from connprune.report.sweep import sweep_text

PAGE = Path(__file__).parents[1] / "docs" / "experiments.md"
FINDINGS = PAGE.with_name("results.md")
FOLDER = PAGE.parent / "results"
TEXT: dict[str, Callable[[dict[str, Any]], str]] = {
    "comparison": lambda document: comparison_text(Comparison.read(document, "the file")),
    "sweep": lambda document: sweep_text(Sweep.read(document, "the file")),
    "patterns": lambda document: patterns_text(Patterns.read(document, "the file")),
    "run-agreement": lambda document: agreement_text(RunAgreement.read(document, "the file")),
}
README = PAGE.parents[1] / "README.md"
BLOCKS = [
    block
    for page in (PAGE, README)
    for block in re.findall(r"```text (\S+\.json)\n(.*?)\n```", page.read_text(encoding="utf-8"), re.DOTALL)
]


@pytest.mark.parametrize(("name", "block"), BLOCKS, ids=[f"{number}-{name}" for number, (name, _) in enumerate(BLOCKS)])
def test_a_table_is_what_the_tool_prints_for_its_file(name: str, block: str) -> None:
    document = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    assert block in TEXT[document["kind"]](document)


@pytest.mark.parametrize(
    ("page", "name"),
    [
        (PAGE, "differences"),
        (PAGE, "procedures"),
        (PAGE, "ranks"),
        (PAGE, "grown"),
        (PAGE, "passes"),
        (FINDINGS, "findings"),
    ],
)
def test_what_no_document_prints_is_that_of_the_files(page: Path, name: str) -> None:
    done = subprocess.run([sys.executable, str(FOLDER / f"{name}.py")], capture_output=True, text=True, check=True)
    assert f"```text {name}\n{done.stdout}```" in page.read_text(encoding="utf-8")


def test_the_findings_take_a_page_and_a_half() -> None:
    assert len(FINDINGS.read_text(encoding="utf-8").splitlines()) <= 80


def test_every_file_is_used_by_a_page() -> None:
    text = PAGE.read_text(encoding="utf-8") + FINDINGS.read_text(encoding="utf-8")
    for path in FOLDER.iterdir():
        assert path.is_dir() or path.name in text, path.name
    assert len(BLOCKS) >= 8


def test_the_table_of_criteria_is_that_of_its_file() -> None:
    rows = json.loads((FOLDER / "four-layers-criteria.json").read_text(encoding="utf-8"))["rows"]
    cells = {
        (row["by"], row["keep"]): f"{row['mean']:.2%}, {row['place_among_as_many']} of {row['as_many']}" for row in rows
    }
    lines = re.findall(r"^\| (\d+) \| (.*) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(lines) == 9
    for keep, rest in lines:
        expected = [cells.get((by, int(keep)), "-") for by in ("gate", "strength", "saliency", "ablation")]
        assert rest.split(" | ") == expected


def test_the_tables_of_how_far_a_cut_can_go_are_those_of_their_file() -> None:
    found = json.loads((FOLDER / "cifar-how-far.json").read_text(encoding="utf-8"))["rows"]
    left: dict[tuple[str, str], list[int]] = {}
    accuracies: dict[str, list[float]] = {}
    for row in found:
        left.setdefault((row["parent"], row["by"]), []).append(row["connections"])
        if row["by"] == "gate":
            accuracies.setdefault(row["parent"], []).append(row["validation_accuracy"])
    lines = re.findall(
        r"^\| `([a-z]+)` \| ([\d, ]+) \| ([\d.]+)(%?) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len(lines) == len(left) + 1
    for name, each, mean, percent in lines:
        of, wanted = (
            ((name, "gate"), fmean(accuracies[name])) if percent else (("search", name), fmean(left["search", name]))
        )
        assert each == ", ".join(map(str, left[of]))
        assert mean == (f"{wanted * 100:.2f}" if percent else f"{wanted:.1f}")


@pytest.mark.slow
@pytest.mark.parametrize("scale", ["cpu", "full"])
def test_the_script_of_the_results_can_be_planned(scale: str, digits_folder: Path, tmp_path: Path) -> None:
    for image in digits_folder.rglob("*.png"):
        Image.open(image).resize((32, 32)).save(image)
    script = PAGE.parents[1] / "benchmarks" / "results.sh"
    surroundings = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "CONNPRUNE_CACHE": str(tmp_path / "cache")}
    asked = [str(script), "--scale", scale, "--data", str(digits_folder), "--out", "out", "--dry-run"]
    done = subprocess.run(asked, cwd=tmp_path, env=surroundings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    trainings = ["24", "24", "15", "15", "15", "9", "27", "5", "5", "5"]
    assert re.findall(r"with \d seeds: (\d+) trainings", done.stderr) == trainings
