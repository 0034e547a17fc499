"""What is passed on says nothing of the place where it was made, where that is asked for or usual."""

import json
import os
import socket
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt

from connprune.files import sealed, text_digest
from connprune.runs.directory import RunDirectory
from tests.conftest import TINY, Command

FEW = ("--set", "data.train_images=40", "-q")


def assert_no_place(text: str, place: Path) -> None:
    assert str(place) not in text
    assert socket.gethostname() not in text
    for key in ("command", "folder", "commit", "host", "process"):
        assert f'"{key}"' not in text
        assert f"<dt>{key}</dt>" not in text


def test_an_exported_network(command: Command, digits_folder: Path, tmp_path: Path) -> None:
    images = digits_folder.rename(tmp_path / "secret client")
    few = (*TINY, "--data", images, *FEW, "--set", f"data.cache={tmp_path}/cache")
    command("train", *few, "--run", "first")
    start = f"gates.initialisation={{kind: from-run, run: {tmp_path}/first}}"
    assert command("train", *few, "--set", start, "--run", "run").code == 0
    export = command("export", "run", "--format", "safetensors", "--json").json
    card = Path(export["card"]).read_text()
    assert str(tmp_path).encode() not in Path(export["path"]).read_bytes()
    assert str(tmp_path) not in card
    assert "source: secret client" in card
    assert "run: first" in card
    plain = command("export", "run", "--format", "safetensors", "--no-redact", "--json").json
    assert f"source: {images}" in Path(plain["card"]).read_text()


def test_pages(command: Command, digits_folder: Path, tmp_path: Path) -> None:
    few = (*TINY, "--data", digits_folder, *FEW)
    command("train", *few, "--run", "runs/one")
    command("train", *few, "--run", "runs/two", "--seed", "2")
    command("prune", "runs/one", "--keep", "30", "--out", "cut")
    cut = ("retrain", "cut", "--epochs", "1", "--device", "cpu", "--html", "page.html", "--redact")
    for arguments in (
        ("inspect", "runs/one", "--html", "page.html", "--redact"),
        ("inspect", "cut", "--html", "page.html", "--redact"),
        ("inspect", "runs/one", "runs/two", "--html", "page.html", "--redact"),
        (*cut, "--run", "retrained"),
        (*cut, "--seeds", "1", "--run", "compared"),
    ):
        outcome = command(*arguments)
        assert outcome.code == 0, outcome
        text = (tmp_path / "page.html").read_text()
        assert_no_place(text, tmp_path)
        assert "of paths it holds the last part alone" in text
        assert "runs/one" not in text, text[text.index("runs/one") - 200 : text.index("runs/one") + 60]
    shown = command("inspect", "runs/one", "--html", "page.html")
    assert "it holds the paths of runs and images" in shown.err
    text = (tmp_path / "page.html").read_text()
    assert "it holds the paths of runs and images" in text
    assert str(os.getpid()) in text
    digits_folder.rename(tmp_path / "elsewhere")
    outcome = command("inspect", "runs/one", "--html", "page.html", "--redact")
    assert outcome.code == 0, outcome
    assert_no_place((tmp_path / "page.html").read_text(), tmp_path)


def test_the_names_of_several_runs_and_the_folder_of_an_error(
    command: Command, digits_folder: Path, tmp_path: Path
) -> None:
    images = digits_folder.rename(tmp_path / "secret client")
    few = (*TINY, "--data", images, *FEW)
    for name in ("alice/first", "bob/first"):
        assert command("train", *few, "--run", name).code == 0
    command("inspect", "alice/first", "bob/first", "--html", "page.html", "--redact")
    text = (tmp_path / "page.html").read_text()
    assert "first (1)" in text
    assert "first (2)" in text
    assert "alice" not in text
    damaged = next(images.glob("train/*/*.png"))
    damaged.write_bytes(damaged.read_bytes()[:60])
    outcome = command("inspect", "alice/first", "--html", "page.html", "--redact")
    assert "the page has no accuracies of cuts" in outcome.err
    text = (tmp_path / "page.html").read_text()
    assert "The accuracy of cuts is not known here" in text
    assert str(images) not in text
    assert str(tmp_path) not in text


def test_redact_without_a_page(command: Command) -> None:
    outcome = command("inspect", "--preset", "digits", "--redact")
    assert (outcome.code, outcome.err) == (2, "Error: --redact goes with --html.\n")


def test_a_card_of_a_strangers_run(command: Command, tmp_path: Path) -> None:
    """Every text of the run that the card shows is text in it: no heading, link or tag of theirs."""
    evil = "x\n```\n# Verified by the vendor\n<img src=x onerror=alert(1)>\n[login](http://evil)\n"
    command("train", *TINY, "--run", "run")
    command("prune", "run", "--keep", "30", "--out", "cut")
    run = RunDirectory(tmp_path / "cut")
    config = run.config.read_text().replace("source: digits", f"source: {json.dumps(evil)}")
    assert config != run.config.read_text()
    run.config.write_text(config)
    cut = json.loads(run.cut.read_text())
    run.cut.write_text(json.dumps(sealed({**cut, "rule": evil, "by": evil})))
    run.summarise(classes=[evil] * 10, digests={run.config.name: text_digest(config)})
    for more in ((), ("--no-redact",)):
        assert command("export", "cut", "--format", "safetensors", *more).code == 0
        card = (tmp_path / "cut/export/network.safetensors.md").read_text()
        blocks = MarkdownIt("commonmark").enable("table").parse(card)
        headings = [block.content for before, block in pairwise(blocks) if before.type == "heading_open"]
        expected = ["Input and output", "Size", "Accuracy", "Load", "Configuration"]
        assert headings == ["network of cut", *expected]
        assert not [block for block in blocks if block.type == "html_block"]
        kinds = {child.type for block in blocks for child in block.children or []}
        assert not kinds & {"html_inline", "link_open", "image"}, kinds
