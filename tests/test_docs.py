"""The documentation is what the code does."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from connprune.architecture.strict_yaml import parse
from connprune.training.configuration import Configuration, resolve
from tests.conftest import Command

ROOT = Path(__file__).parents[1]
CONCEPTS = sorted((ROOT / "docs" / "concepts").glob("*.md"))
HOW_TO_WITH_YAML = ("configuration.md", "cutting.md", "comparing.md", "networks-of-the-literature.md")
WITH_YAML = [*(ROOT / "docs" / name for name in HOW_TO_WITH_YAML), *CONCEPTS]
GENERATED = ("configuration.md", "json.md", "commands.md", "cards.md")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)


def test_the_generated_pages_are_current() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import reference; print(*(page() for page in reference.PAGES.values()), sep='', end='')",
        ],
        cwd=ROOT / "docs",
        capture_output=True,
        text=True,
        check=True,
    )
    pages = "".join((ROOT / "docs" / name).read_text() for name in GENERATED)
    assert done.stdout == pages, "run `python docs/reference.py`"


@pytest.mark.parametrize("page", WITH_YAML, ids=lambda page: page.name)
def test_every_example_configuration_trains_and_is_cut(page: Path, command: Command, tmp_path: Path) -> None:
    for number, example in enumerate(blocks(page, "yaml")):
        (tmp_path / "mine.yaml").write_text(example)
        limits = ("--epochs", "1", "--device", "cpu", "--set", "data.train_images=100")
        outcome = command("train", "--config", "mine.yaml", *limits, "--run", f"runs/{number}")
        assert outcome.code == 0, outcome.err
        swept = command("prune", f"runs/{number}", "--dry-run", "--sweep", "--json").json["rows"]
        outcome = command("prune", f"runs/{number}", "--threshold", repr(swept[-1]["threshold"]))
        assert outcome.code == 0, outcome.err


def test_every_example_sweep_can_be_planned(command: Command, tmp_path: Path) -> None:
    examples = [example for page in WITH_YAML for example in blocks(page, "yaml sweep")]
    examples += [
        text
        for path in (ROOT / "docs" / "results").glob("*.yaml")
        if "axes:" in (text := path.read_text(encoding="utf-8"))
    ]
    for example in examples:
        (tmp_path / "sweep.yaml").write_text(example)
        outcome = command("sweep", "sweep.yaml", "--dry-run", "--json")
        assert outcome.code == 0, outcome.err
    assert len(examples) >= 2


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_option_that_is_mentioned_exists(page: Path, command: Command) -> None:
    # What stands in quotes is for another command, as after --then.
    lines = [re.sub(r"'[^']*'", "", line) for block in blocks(page, "sh") for line in block.splitlines()]
    for name, options in re.findall(
        r"connprune (runs diff|runs rm|train|inspect|prune|retrain|grow|evaluate|predict|export|sweep|bench|data|"
        r"presets|runs|env|check)\b"
        r"([^|&)\n]*)",
        "\n".join(lines),
    ):
        known = command(name, "--help").out
        for option in re.findall(r"--[a-z-]+", options):
            assert option in known, f"{name} {option}"


@pytest.mark.parametrize("page", CONCEPTS, ids=lambda page: page.name)
def test_concepts_are_ideas_and_name_no_option(page: Path) -> None:
    """What to type stands in the guides."""
    assert re.findall(r"(?<![\w-])--[a-z][a-z-]+", page.read_text()) == []
    assert blocks(page, "sh") == []


def test_keys_in_the_text_exist() -> None:
    """`--set key=value` in any page sets something that the configuration knows."""
    for page in PAGES:
        for assignment in re.findall(r"--set ('[^'`]+'|[^\s`']+)", page.read_text()):
            if "KEY" not in assignment and "$" not in assignment:
                assert isinstance(resolve(preset="digits", assignments=[assignment.strip("'")]), Configuration)


def test_presets_say_what_they_are() -> None:
    for preset in (ROOT / "connprune" / "architecture" / "presets").iterdir():
        assert preset.read_text().startswith("# ")
        assert set(parse(preset.read_text(), preset.name).data) <= {*Configuration.model_fields, "preset"}
