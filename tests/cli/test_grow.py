"""`connprune grow`: a cut becomes a larger network, or a comparison of larger networks."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from connprune.architecture.base import HEAD, INPUT
from connprune.architecture.shapes import mac_count, parameter_count
from connprune.experiments.sweep import read_sweep
from connprune.runs.directory import RunDirectory
from tests.conftest import TINY, Command

QUICK = ("--set", "layers.0.feature_maps=4", "--set", "layers.4.feature_maps=4", "--set", "data.train_images=96")


@pytest.fixture
def cut(command: Command) -> str:
    assert command("train", *TINY, *QUICK, "--epochs", "1", "--run", "parent", "-q").code == 0
    assert command("prune", "parent", "--keep", "20", "--out", "cut", "-q").code == 0
    return "cut"


def test_it_grows_trains_is_searched_again_and_cut(command: Command, cut: str) -> None:
    done = command("grow", cut, "--repeat", "2", "--width", "0.5", "--gates", "--out", "again.yaml")
    assert (done.code, done.out) == (0, "again.yaml\n"), done.err
    assert "2 copies in 1 stage: 8" in done.err
    assert command("check", "again.yaml").code == 0
    refused = command("grow", cut, "--out", "again.yaml")
    assert refused.code == 2
    assert "there already" in refused.err
    trained = command("train", "--config", "again.yaml", "--epochs", "1", "--run", "second", "--device", "cpu", "-q")
    assert trained.code == 0, trained.err
    assert command("prune", "second", "--sparsity", "0.3", "--out", "smaller", "-q").code == 0
    block, found = RunDirectory.open(Path(cut)).architecture(), RunDirectory.open(Path("second")).architecture()
    assert found.gates is not None
    back = {f"b2-{name}": name for name in block.layer} | {"transition1": INPUT}
    assert tuple(back[name] for name in found.connections[HEAD]) == block.connections[HEAD]
    shown = command("grow", "smaller", "--max-params", "20k", "--json").json
    assert shown["networks"][0]["parameters"] <= 20_000
    assert (shown["path"], shown["cuts"], shown["input"]) == (None, ["smaller"], [1, 8, 8])
    assert "give --pattern" in command("grow", cut, "smaller").err
    both = command("grow", cut, "smaller", "--pattern", "--json")
    assert both.code == 0, both.err
    assert both.json["cuts"] == [cut, "smaller"]


def test_a_cut_whose_merges_keep_a_size_that_nothing_brings_any_more(command: Command, cut: str) -> None:
    sizes = set()
    for count in range(10, 34, 4):
        assert command("prune", "parent", "--keep", str(count), "--out", f"cut-{count}", "-q").code == 0
        done = command("grow", f"cut-{count}", "--repeat", "2", "--against", "dense", "--quiet")
        assert done.code == 0, done.err
        sizes |= {merge.size for merge in RunDirectory.open(Path(f"cut-{count}")).architecture().merges.values()}
    assert sizes - {None}


def test_for_other_images(command: Command, cut: str) -> None:
    arguments = ("grow", cut, "--input", "3x224x224", "--classes", "1000", "--max-macs", "5M")
    done = command(*arguments)
    assert done.code == 0, done.err
    assert "4 copies in 4 stages: 56, 28, 14, 7" in done.err
    assert "name the images by --data" in done.err
    data = yaml.safe_load(done.out)
    assert (data["input"], data["classes"]) == ({"feature_maps": 3, "height": 224, "width": 224}, 1000)
    assert data["gates"] is None
    named = command(*arguments, "--data", "images", "--set", "training.epochs=90")
    assert named.code == 0, named.err
    assert "name the images" not in named.err
    data = yaml.safe_load(named.out)
    assert data["data"]["source"] == str(Path("images").resolve())
    assert (data["data"]["size"], data["data"]["train_images"]) == ([224, 224], None)
    assert data["training"]["epochs"] == 90


def test_images_of_a_folder_are_decoded_in_the_size_that_the_network_sees(command: Command) -> None:
    random = np.random.default_rng(0)
    for folder in ("images", "others"):
        for part, label in (("train", "a"), ("train", "b"), ("test", "a"), ("test", "b")):
            Path(folder, part, label).mkdir(parents=True)
            for number in range(6):
                pixels = random.integers(0, 255, (20, 24, 3), np.uint8)
                Image.fromarray(pixels).save(Path(folder, part, label, f"{number}.png"))
    keys = ("data.size=[8, 8]", "data.train_images=8", "data.validation=0.34", "layers.0.feature_maps=4")
    settings = [word for key in keys for word in ("--set", key)]
    trained = command("train", *TINY, "--data", "images", *settings, "--epochs", "1", "--run", "parent", "-q")
    assert trained.code == 0, trained.err
    assert command("prune", "parent", "--keep", "20", "--out", "cut", "-q").code == 0
    for number, (more, source, images) in enumerate(
        (((), "images", 8), (("--data", "others"), "others", None), (("--set", "data.train_images=10"), "images", 10))
    ):
        name = f"{number}.yaml"
        done = command("grow", "cut", "--input", "3x16x16", "--repeat", "1", *more, "--out", name, "-q")
        assert done.code == 0, done.err
        data = yaml.safe_load(Path(name).read_text(encoding="utf-8"))["data"]
        assert (Path(data["source"]).name, data["size"], data["train_images"]) == (source, [16, 16], images)
        assert command("check", name).code == 0


def test_baselines_grow_to_as_many_macs(command: Command, cut: str) -> None:
    arguments = ("grow", cut, "--repeat", "2", "--against", "dense,chain,residual,random-cost:1")
    document = command(*arguments, "--out", "grown.yaml", "--json").json
    assert [each["network"] for each in document["networks"]] == [
        "cut",
        "dense",
        "chain",
        "residual",
        "random-cost",
    ]
    ours, *others = document["networks"]
    for other in others:
        assert other["macs"] == pytest.approx(ours["macs"], rel=0.1)
    cells = [candidate.architecture for candidate in read_sweep(Path("grown.yaml")).candidates]
    assert [mac_count(cell) for cell in cells] == [each["macs"] for each in document["networks"]]
    assert [parameter_count(cell) for cell in cells] == [each["parameters"] for each in document["networks"]]


@pytest.mark.slow
def test_a_folder_of_the_shape_of_imagenet_at_a_small_scale(command: Command, cut: str) -> None:
    """Photographs of many sizes in folders of classes, of which some are for the test."""
    random = np.random.default_rng(0)
    for part, count in (("train", 12), ("test", 2)):
        for label in range(3):
            folder = Path("images", part, f"n{label:08}")
            folder.mkdir(parents=True)
            for number in range(count):
                height, width = random.integers(200, 320, 2)
                pixels = random.integers(0, 255, (height, width, 3), np.uint8)
                Image.fromarray(pixels).save(folder / f"{number}.JPEG", format="JPEG")
    shape = ("--input", "3x224x224", "--classes", "3", "--max-macs", "5M", "--data", "images")
    keys = (
        "training.batch_size=6",
        "training.epochs=1",
        "data.normalise.subtract=channel-mean",
    )
    settings = [word for key in keys for word in ("--set", key)]
    assert command("grow", cut, *shape, *settings, "--out", "imagenet.yaml").code == 0
    done = command("train", "--config", "imagenet.yaml", "--run", "grown", "--device", "cpu", "-q")
    assert done.code == 0, done.err
    assert str(RunDirectory.open(Path("grown")).architecture().shapes.output["input"]) == "3@224"
    assert command("export", "grown", "--format", "onnx", "-q").code == 0


REFUSED = [
    (("--width", "0"), "expected a number above 0"),
    (("--width", "2", "--max-macs", "1M"), "--width is what a budget finds"),
    (("--max-macs", "600Q"), "expected a whole number, like 600000000 or 600M"),
    (("--max-macs", "100"), "found at most 100 MACs, but 1 copy of the smallest width cost"),
    (("--stages", "9"), "expected at most 4"),
    (("--repeat", "1", "--stages", "2"), "expected at least a copy for each"),
    (("--repeat", "1000"), "limit"),
    (("--gates", "--against", "dense"), "give one of them"),
    (("--against", "evolution:5"), "it is no wiring of the parent's"),
    (("--against", "dense,dense"), "name it once"),
    (("--against", "dens"), "did you mean 'dense'?"),
    (("--set", "classes=3"), "expected 10"),
]


def test_what_cannot_grow(command: Command, cut: str) -> None:
    for arguments, why in REFUSED:
        done = command("grow", cut, *arguments)
        assert (done.code, done.out) == (2, ""), arguments
        assert why in " ".join(done.err.split()), arguments
        assert "Traceback" not in done.err
