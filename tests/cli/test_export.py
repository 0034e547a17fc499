"""`connprune export`: files that hold what the run holds, drawings on stdout, one sentence for what cannot be done."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
import pytest
import torch
from safetensors import safe_open

import connprune
from connprune.architecture.files import to_yaml
from connprune.data.sources import load as load_images
from connprune.files import sealed, write_json
from connprune.runs.directory import RunDirectory
from connprune.training.configuration import read_configuration
from tests.conftest import TINY, Command

MODELS = ["onnx", "pt2", "safetensors"]
DRAWINGS = ["dot", "mermaid"]


def metadata_of(path: Path) -> dict[str, str]:
    match path.suffix:
        case ".onnx":
            return {entry.key: entry.value for entry in onnx.load(path).metadata_props}
        case ".pt2":
            extra = dict.fromkeys(
                ("connprune", "task", "classes", "preprocessing", "architecture", "weights_sha256"), ""
            )
            torch.export.load(path, extra_files=extra)
            return extra
        case _:
            with safe_open(path, framework="pt") as file:
                return dict(file.metadata())


def test_onnx_gives_the_scores_of_the_run(command: Command) -> None:
    """On the images that the run was trained on, as they come, in one batch of all."""
    run = Path(command("train", *TINY).out.strip())
    exported = command("export", "--format", "onnx")
    assert exported.code == 0, exported.err
    assert exported.out == f"{run}/export/network.onnx\n"
    assert exported.err.count("\n") == 1
    images = load_images(read_configuration(RunDirectory.open(run)).data).test.images
    network, _ = connprune.load(run)
    with torch.no_grad():
        expected = network(images)
    session = onnxruntime.InferenceSession(exported.out.strip())
    (scores,) = session.run(["scores"], {"images": images.numpy()})
    torch.testing.assert_close(torch.from_numpy(scores), expected, rtol=1e-4, atol=1e-4)
    with pytest.raises(Exception, match=r"expected: \(tensor\(uint8\)\)"):
        session.run(["scores"], {"images": images.float().numpy() / 255})


@pytest.mark.parametrize("format_name", MODELS)
def test_what_travels_with_a_network(command: Command, cut: str, tmp_path: Path, format_name: str) -> None:
    """Metadata, a card with true numbers, and a snippet in it that runs, for a cut whose weights are its parent's."""
    document = command("export", cut, "--format", format_name, "--out", f"new/net.{format_name}", "--json").json
    path = tmp_path / document["path"]
    assert document["path"] == f"new/net.{format_name}"
    assert (document["schema"], document["format"], document["run"]) == (2, format_name, cut)
    assert document["digest"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert document["bytes"] == path.stat().st_size
    assert sorted(entry.name for entry in path.parent.iterdir()) == [path.name, f"{path.name}.md"]
    run = RunDirectory.open(Path(cut))
    after = json.loads(run.cut.read_text())["after"]
    metadata = metadata_of(path)
    assert json.loads(metadata["classes"]) == list("0123456789")
    assert json.loads(metadata["preprocessing"])["shape"] == [1, 8, 8]
    assert metadata["architecture"] == to_yaml(run.architecture())
    assert metadata["connprune"] == connprune.__version__
    assert metadata["task"] == "image-classification"
    assert metadata["weights_sha256"] == document["weights_digest"] == run.digest()
    card = (tmp_path / document["card"]).read_text()
    assert f"{after['validation_accuracy']:.2%}" in card
    assert f"{after['test_accuracy']:.2%}" in card
    assert f"{after['macs']:,}" in card
    assert run.config.read_text() in card
    (snippet,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    done = subprocess.run([sys.executable, "-c", snippet], cwd=path.parent, capture_output=True, text=True, check=True)
    assert re.fullmatch(r"\['\d'\]\n", done.stdout)


def test_a_safetensors_file_is_loaded_without_its_run(command: Command, tmp_path: Path) -> None:
    run = Path(command("train", *TINY).out.strip())
    file = command("export", run, "--format", "safetensors", "--out", "net.safetensors", "-q").out.strip()
    network, architecture = connprune.load(run)
    weights = (run / "final.safetensors").rename(tmp_path / "weights.safetensors")
    again, same_architecture = connprune.load(file)
    assert same_architecture == architecture
    assert not again.training
    images = torch.randint(0, 256, (3, 1, 8, 8), dtype=torch.uint8)
    torch.testing.assert_close(again(images), network(images), rtol=0, atol=0)
    with pytest.raises(connprune.errors.UsageError, match="found a file without an architecture"):
        connprune.load(weights)


def test_drawings_are_printed(command: Command) -> None:
    run = command("train", *TINY).out.strip()
    cut = command("prune", "--keep", "20").out.strip()
    for format_name, arrow in (("dot", r'" -> "'), ("mermaid", r"n\d+ -->")):
        whole = command("export", run, "--format", format_name)
        assert (whole.code, whole.err) == (0, "")
        left = command("export", "-", "--format", format_name, stdin=cut).out
        assert len(re.findall(arrow, whole.out)) == 45
        assert len(re.findall(arrow, left)) == len(RunDirectory.open(Path(cut)).architecture().all_connections)
        document = command("export", run, "--format", format_name, "--json").json
        assert (document["text"], document["path"], document["card"]) == (whole.out, None, None)
        written = command("export", run, "--format", format_name, "--out", f"new/wiring.{format_name}")
        assert written.out == f"new/wiring.{format_name}\n"
        assert Path(written.out.strip()).read_text() == whole.out


def test_drawing_needs_no_torch(command: Command) -> None:
    run = command("train", *TINY).out.strip()
    for format_name in DRAWINGS:
        done = subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "connprune", "export", run, "--format", format_name],
            capture_output=True,
            text=True,
            check=True,
        )
        assert not any(line.endswith(" torch") for line in done.stderr.splitlines())


def test_the_runs_own_export_is_made_anew_and_nothing_else_is_replaced(command: Command, tmp_path: Path) -> None:
    command("train", *TINY)
    first = command("export", "--format", "safetensors", "--json").json
    path = Path(first["path"])
    path.write_text("half a file")
    again = command("export", "--format", "safetensors", "--json").json
    assert {**again, "digest": first["digest"]} == first
    assert hashlib.sha256(path.read_bytes()).hexdigest() == again["digest"]
    (tmp_path / "thesis.txt").write_text("mine")
    (tmp_path / "net.md").write_text("mine")
    for format_name in (*MODELS, *DRAWINGS):
        outcome = command("export", "--format", format_name, "--out", "thesis.txt")
        assert (outcome.code, outcome.out) == (2, "")
        assert "thesis.txt: there is something already" in outcome.err
    outcome = command("export", "--format", "safetensors", "--out", "net")
    assert (outcome.code, outcome.out) == (2, "")
    assert "net.md: there is something already" in outcome.err
    assert {(tmp_path / name).read_text() for name in ("thesis.txt", "net.md")} == {"mine"}
    assert not (tmp_path / "net").exists()


@pytest.mark.parametrize("format_name", [*MODELS, *DRAWINGS])
def test_a_run_that_has_not_ended_is_refused(command: Command, format_name: str) -> None:
    run = RunDirectory.open(Path(command("train", *TINY).out.strip()))
    run.summarise(status="interrupted")
    outcome = command("export", "--format", format_name)
    assert (outcome.code, outcome.out) == (2, "")
    assert f"{run.path}: this run has not ended (its status is 'interrupted')" in outcome.err
    assert f"connprune train --resume --run {run.path}" in outcome.err
    assert not run.exports.exists()


def test_a_damaged_summary_is_refused(command: Command) -> None:
    run = RunDirectory.open(Path(command("train", *TINY).out.strip()))
    before = run.summary.plain()
    for damage, told in (
        ({"classes": None}, "summary.json: this file is damaged: classes: Input should be a valid list"),
        ({"final": {"test_accuracy": 1.0}}, "summary.json: this file is damaged: final.epoch: Field required"),
    ):
        write_json(run.path / "summary.json", sealed({**before, **damage}))
        outcome = command("export", run.path, "--format", "safetensors")
        assert (outcome.code, outcome.out) == (2, "")
        assert told in outcome.err


@pytest.mark.parametrize("package", ["onnx", "onnxscript"])
def test_without_the_packages_of_onnx(command: Command, monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    run = Path(command("train", *TINY).out.strip())
    monkeypatch.setitem(sys.modules, package, None)
    outcome = command("export", "--format", "onnx")
    assert (outcome.code, outcome.out) == (2, "")
    assert f"needs the package {package}; install it with `pip install onnx onnxscript onnxruntime`" in outcome.err
    assert outcome.err.count("\n") == 1
    assert not (run / "export").exists()


def test_only_runs_have_networks(command: Command, tmp_path: Path) -> None:
    RunDirectory(tmp_path).summarise(kind="comparison", status="finished")
    outcome = command("export", tmp_path, "--format", "dot")
    assert (outcome.code, outcome.out) == (2, "")
    assert "this is a comparison" in outcome.err


def test_sequences_and_folders_say_what_to_do_with_an_image(command: Command, digits_folder: Path) -> None:
    limits = ("--epochs", "1", "--device", "cpu", "--set", "data.train_images=40", "-q")
    command("train", "--preset", "sequence", *limits)
    card = Path(command("export", "--format", "safetensors", "--json").json["card"]).read_text()
    assert "A network for sequence classification" in card
    assert "its rows are the steps" in card
    command("train", "--preset", "digits", "--data", digits_folder, "--set", "data.size=[9, 8]", *limits)
    document = command("export", "--format", "safetensors", "--json").json
    card = Path(document["card"]).read_text()
    assert "Images are RGB. They were resized to 9 × 8 (bilinear, Pillow)." in card
    assert f"the images of a folder called `{digits_folder.name}`" in card
    wanted: Any = json.loads(metadata_of(Path(document["path"]))["preprocessing"])
    assert (wanted["channels"], wanted["resize"], wanted["shape"]) == ("RGB", [9, 8], [3, 9, 8])
