"""Parts of the user's own, one file each as the documentation shows them, each command a process."""

import json
from pathlib import Path

import pytest

from connprune.runs.directory import RunDirectory
from tests.conftest import Run
from tests.docs.blocks import ROOT, files

FILES = files(ROOT / "docs" / "plugins.md")
SMALL = ("--preset", "digits", "--set", "layers=[{kind: conv, feature_maps: 4}, {kind: conv, feature_maps: 4}]")
STRIPES = (*SMALL, "--data", "stripes", "--set", "data.train_images=150", "--epochs", "1")
MOMENTUM = "training.optimizer={kind: momentum, rate: 0.1, momentum: 0.8}"
FEW = """
from connprune.architecture import baselines
from connprune.experiments.baselines import Counted

class Few(Counted):
    name = "few"

    def architectures(self, pair):
        return baselines.random(pair, self.count)
"""


@pytest.fixture
def plugins(tmp_path: Path) -> dict[str, tuple[str, str]]:
    """The option of each file that was written into the folder of the commands."""
    for name, text in {**FILES, "few.py": FEW}.items():
        (tmp_path / name).write_text(text)
    return {name.removesuffix(".py"): ("--plugin", name.removesuffix(".py")) for name in (*FILES, "few.py")}


def test_each_kind_of_part_comes_in_from_one_file(
    forked: Run, plugins: dict[str, tuple[str, str]], tmp_path: Path
) -> None:
    assert set(FILES) == {
        "hard_sigmoid.py",
        "momentum.py",
        "root.py",
        "invert.py",
        "stripes.py",
        "matlab.py",
        "distance.py",
        "from_input.py",
        "journal.py",
    }
    both = (*plugins["stripes"], *plugins["momentum"])
    trained = forked("train", *STRIPES, "--set", MOMENTUM, "--run", "run", "--json", *both)
    assert trained.returncode == 0, trained.stderr
    written = (tmp_path / "run" / "config.yaml").read_text()
    assert "source: stripes" in written
    assert "optimizer: {kind: momentum, rate: 0.1, momentum: 0.8}" in written

    cut = forked("prune", "run", "--keep", "3", "--by", "distance", *plugins["distance"], *both, "--json")
    assert cut.returncode == 0, cut.stderr
    assert json.loads(cut.stdout)["by"] == "distance"

    # Two processes train, and each has to load the plug-ins.
    words = ("retrain", json.loads(cut.stdout)["path"], "--against", "from-input,few:1", "--jobs", "2", "--json")
    compared = forked(*words, *plugins["from_input"], *plugins["few"], *both)
    assert compared.returncode == 0, compared.stderr
    assert [row["network"] for row in json.loads(compared.stdout)["rows"]] == ["cut", "from-input", "few"]

    without = forked("prune", "run", "--keep", "3", *plugins["momentum"])
    assert without.returncode == 2
    assert "or the plug-in, if this is a data set of your own" in without.stderr


def test_a_schedule_an_augmentation_a_kind_of_gates_and_a_callback_come_in_from_one_file(
    forked: Run, plugins: dict[str, tuple[str, str]], tmp_path: Path
) -> None:
    both = (*plugins["root"], *plugins["invert"], *plugins["hard_sigmoid"], *plugins["journal"])
    recipe = ("training.schedule.kind=root", "data.augment.operations=[{kind: invert}]", "gates.kind=hard-sigmoid")
    told = "run.callbacks=[journal]"
    settings = ("--set", "data.train_images=150", *(word for one in (*recipe, told) for word in ("--set", one)))
    trained = forked("train", *SMALL, *settings, "--epochs", "3", "--run", "run", *both)
    assert trained.returncode == 0, trained.stderr
    run = RunDirectory.open(tmp_path / "run")
    w = run.final_weights()["gates.weight"].numpy()
    inspected = forked("inspect", "run", "--json", *both)
    gates = [
        connection["gate"] for connection in json.loads(inspected.stdout)["connection_gates"] if connection["gated"]
    ]
    assert gates == pytest.approx((w / 6 + 0.5).clip(0, 1))
    rates = [epoch.rate for epoch in run.read_metrics()]
    assert rates == pytest.approx([0.003 * (1 + done) ** -0.5 for done in (0.8, 1.8, 2.8)], rel=1e-5)
    journal = (run.path / "journal.txt").read_text().splitlines()
    assert journal[2:] == [
        f"epoch 3: {run.read_metrics()[2].validation_accuracy:.1%}",
        f"test: {run.trained().final.test_accuracy:.1%}",
    ]
    without = forked("check", "run/config.yaml", *plugins["root"])
    assert without.returncode == 2
    assert "an augmentation of your own needs its plug-in" in without.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("check", "mine.yaml", "--plugin", "momentum"), "there is no such key for the kind momentum; did you mean"),
        (("check", "mine.yaml"), "an optimizer of your own needs its plug-in"),
        (
            ("train", "--data", "stripe", "--plugin", "stripes"),
            "fashion-mnist, svhn, stl10, stripes, or an existing folder",
        ),
        (
            ("train", "--preset", "digits", "--data", "wrong", "--plugin", "wrong"),
            "gave train images of torch.float64 and (4, 1, 8, 8), exp",
        ),
        (("data", "strips", "--plugin", "stripes"), "did you mean 'stripes'?"),
    ],
    ids=["a key", "no optimizer", "no source", "a source that is wrong", "no download"],
)
def test_what_does_not_go_is_said(
    forked: Run, plugins: dict[str, tuple[str, str]], tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    (tmp_path / "mine.yaml").write_text("training: {optimizer: {kind: momentum, momentun: 0.5}}")
    (tmp_path / "wrong.py").write_text(
        FILES["stripes.py"].partition("    def load")[0].replace('"stripes"', '"wrong"')
        + "    def load(self, settings, progress):\n        import torch\n"
        "        from connprune.data.images import Dataset, Images\n"
        "        images = Images(torch.zeros(4, 1, 8, 8).double(), torch.tensor([0, 1, 0, 1]))\n"
        "        return Dataset(('a', 'b'), images, images)\n"
    )
    done = forked(*words, *(("--run", "run") if words[0] == "train" else ()))
    assert done.returncode == 2
    assert told in " ".join(done.stderr.split())


def test_the_schema_knows_the_optimizers_of_plug_ins(forked: Run, plugins: dict[str, tuple[str, str]]) -> None:
    schema = json.loads(forked("schema", *plugins["momentum"]).stdout)
    assert schema["$defs"]["Momentum"]["required"] == ["kind"]
    optimizers = schema["$defs"]["Recipe"]["properties"]["optimizer"]["anyOf"]
    assert {"$ref": "#/$defs/Momentum"} in optimizers
