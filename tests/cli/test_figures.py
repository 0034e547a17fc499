"""`--figures`: what is drawn of which run, and what is refused."""

import shutil
from pathlib import Path

import pytest

from tests.conftest import TINY, Command
from tests.report.figures.helpers import texts_of

QUICK = ("--set", "layers.0.feature_maps=4", "--set", "layers.4.feature_maps=4", "--set", "data.train_images=96")


def names(folder: str) -> set[str]:
    """The figures in a folder; each has both formats, and nothing else is there."""
    found = {path.name for path in Path(folder).iterdir()}
    stems = {Path(name).stem for name in found}
    assert found == {f"{stem}.{kind}" for stem in stems for kind in ("svg", "png")}
    return stems


def test_every_kind_of_run_has_its_figures(command: Command) -> None:
    command("train", *TINY, *QUICK, "--set", "gates.sharing=per-feature-map", "--run", "parent")
    command("prune", "parent", "--sparsity", "0.4", "--out", "cut")
    retrained = command("retrain", "cut", "--run", "retrained", "--figures", "compared", "--json")
    assert retrained.json["figures"] == ["compared/comparison.svg", "compared/comparison.png"]
    assert "figures: compared/comparison.svg" in retrained.err
    assert {"parent", "cut", "parameters"} <= texts_of(Path("compared/comparison.svg"))

    document = command("inspect", "parent", "--figures", "of-parent", "--json").json
    assert names("of-parent") == {"wiring", "connections", "gates", "histogram", "profiles", "training"}
    assert {Path(path) for path in document["figures"]} == set(Path("of-parent").iterdir())
    for run, more in (("cut", {"gates", "histogram", "profiles"}), ("retrained", {"training"})):
        assert command("inspect", run, "--figures", f"of-{run}").code == 0
        assert names(f"of-{run}") == {"wiring", "connections"} | more
        assert any(text.startswith("parent parent: ") for text in texts_of(Path(f"of-{run}/wiring.svg")))

    shutil.move("parent", "elsewhere")
    alone = command("inspect", "cut", "--figures", "alone")
    assert alone.code == 0
    assert "Warning: The parent is not where it was, or cannot be read, so it is not drawn." in alone.err
    texts = texts_of(Path("alone/wiring.svg"))
    assert "The parent is not where it was, or cannot be read, so it is not drawn." in texts
    assert not any(text.startswith("parent ") for text in texts)


def test_a_preset_is_drawn_without_gates(command: Command) -> None:
    document = command("inspect", "--preset", "sequence", "--figures", "figures", "--json").json
    assert names("figures") == {"wiring", "connections"}
    assert len(document["figures"]) == 4
    assert "lstm1" in texts_of(Path("figures/wiring.svg"))


def test_a_comparison_and_several_runs_are_drawn(command: Command) -> None:
    command("train", *TINY, *QUICK, "--epochs", "1", "--run", "parent", "-q")
    command("prune", "parent", "--keep", "20", "--out", "cut", "-q")
    ours = ("retrain", "cut", "--against", "parent,random:2", "--seeds", "2", "--epochs", "1", "--run", "compared")
    done = command(*ours, "--figures", "figures", "--json")
    assert done.code == 0, done.err
    assert done.json["figures"] == ["figures/comparison.svg", "figures/comparison.png"]
    assert "figures" not in Path("compared/comparison.json").read_text()
    texts = texts_of(Path("figures/comparison.svg"))
    assert {
        "cut",
        "parent",
        "random, mean of 2",
        "MACs per image, logarithmic",
        "cut against each, 95% interval",
    } <= texts

    runs = [f"compared/jobs/parent/seed-{seed}" for seed in (1337, 1338)]
    refused = command("retrain", "--resume", "--run", runs[0], "--figures", "again")
    assert (refused.code, refused.out, Path("again").exists()) == (2, "", False)
    agreeing = command("inspect", *runs, "--figures", "both", "--json").json
    assert names("both") == {"agreement", "gates"}
    assert len(agreeing["figures"]) == 4
    assert {"seed-1337", "seed-1338"} <= texts_of(Path("both/agreement.svg"))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["inspect", "--preset", "digits", "--figures", "file"], "file"),
        (["sweep", "any.yaml", "--list", "--figures", "new"], "--figures draws results"),
        (["sweep", "any.yaml", "--dry-run", "--figures", "new"], "--figures draws results"),
        (["retrain", "--seeds", "2", "--list", "--figures", "new"], "--figures draws results"),
    ],
)
def test_what_cannot_be_drawn_is_refused(command: Command, arguments: list[str], told: str) -> None:
    Path("file").write_text("")
    outcome = command(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert told in outcome.err
    assert {path.name for path in Path().iterdir()} == {"file"}
