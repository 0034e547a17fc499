"""The commands, one after the other, as scripts use them."""

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from connprune import load
from connprune.architecture.presets import preset_names
from connprune.runs.directory import RunDirectory
from tests.conftest import TINY, Command, Run


def test_without_any_path(command: Command, tmp_path: Path) -> None:
    trained = command("train", *TINY)
    assert trained.code == 0
    assert (tmp_path / trained.out.strip() / "summary.json").is_file()
    assert "epoch 2/2" in trained.err
    pruned = command("prune", "--keep", "20")
    assert pruned.code == 0
    assert "keep 20 by gate: 24 connections cut" in pruned.err
    retrained = command("retrain")
    assert retrained.code == 0
    assert "parent: the cut is " in retrained.err
    assert "points from it at 1 seed, too few to claim a difference" in retrained.err
    for outcome in (trained, pruned, retrained):
        assert len(outcome.out.splitlines()) == 1
    names = [Path(outcome.out.strip()).name for outcome in (trained, pruned, retrained)]
    assert {path.name for path in (tmp_path / "runs").iterdir()} == set(names)
    # Each says what it is, and of which preset.
    assert [re.sub(r"-\d{8}-\d{6}.*", "", name) for name in names] == ["digits", "digits-cut", "digits-retrain"]


def test_json_is_one_document_a_command(command: Command) -> None:
    trained = command("train", *TINY, "--json").json
    pruned = command("prune", trained["path"], "--keep", "20", "--json").json
    retrained = command("retrain", pruned["path"], "--epochs", "3", "--json").json
    assert trained["schema"] == pruned["schema"] == retrained["schema"] == 2
    assert trained["final"]["epoch"] == 2
    assert pruned["before"]["test_accuracy"] == trained["final"]["test_accuracy"]
    rows = {row["network"]: row for row in retrained["rows"]}
    assert list(rows) == ["cut", "parent"]
    assert rows["parent"]["connections"] == 45
    (parent,) = rows["parent"]["networks"]
    assert parent["runs"][0]["test_accuracy"] == rows["parent"]["test_accuracy"] == trained["final"]["test_accuracy"]
    assert (retrained["epochs"], retrained["cuts"]) == (3, [pruned["path"]])
    assert rows["cut"]["connections"] == pruned["after"]["connections"]
    assert rows["cut"]["macs"] == pruned["after"]["macs"] < rows["parent"]["macs"]
    gates_left = RunDirectory.open(Path(pruned["path"])).architecture().gated_connections
    assert pruned["after"]["parameters"] - rows["cut"]["parameters"] == len(gates_left)
    assert rows["cut"]["cost"] is None
    assert rows["parent"]["cost"]["ratios"]["macs"] == rows["cut"]["macs"] / rows["parent"]["macs"]


@pytest.mark.skipif(os.name != "posix", reason="the contract's pipe is a POSIX shell's")
def test_the_documented_pipe_in_bash(tmp_path: Path) -> None:
    """Nothing but the document reaches stdout, under `set -euo pipefail`."""
    script = f"""
    set -euo pipefail
    connprune() {{ {sys.executable} -m connprune "$@"; }}
    R=$(connprune train {" ".join(TINY)} --epochs 1 -q) && connprune prune "$R" --keep 22 | connprune retrain - --json
    """
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert [row["network"] for row in json.loads(done.stdout)["rows"]] == ["cut", "parent"]


def test_a_failed_command_in_front_of_a_pipe_is_told(command: Command) -> None:
    outcome = command("prune", "-", "--keep", "3", stdin="")
    assert outcome.code == 2
    assert "Standard input is empty" in outcome.err


def test_quiet_means_only_the_path(command: Command) -> None:
    trained = command("train", *TINY, "-q")
    assert trained.err == ""
    assert command("prune", "--keep", "20", "-q").err == ""


def test_a_search_that_closed_every_gate_says_so(command: Command) -> None:
    collapsed = command("train", *TINY, "--set", "gates.initialisation.value=-6")
    assert "44 of 44 gates closed (all of them: with a smaller penalty" in collapsed.err
    assert "every one" not in command("train", *TINY).err
    assert command("prune", collapsed.out.strip(), "--threshold", "0.01").code == 3


def test_a_folder_of_images(command: Command, digits_folder: Path) -> None:
    trained = command("train", *TINY, "--data", digits_folder, "--set", "data.train_images=40", "--json")
    assert trained.code == 0, trained.err
    architecture = RunDirectory.open(Path(trained.json["path"])).architecture()
    assert (architecture.input.feature_maps, architecture.classes) == (3, 10)


def test_a_cut_names_its_parent_and_can_be_loaded_and_cut_again(command: Command) -> None:
    trained = command("train", *TINY, "--json").json
    once = command("prune", "--keep", "30", "--json").json
    assert Path(once["parent"]).name == Path(trained["path"]).name
    assert once["parent_digest"] == RunDirectory.open(Path(trained["path"])).digest()
    network, architecture = load(once["path"])
    assert len(architecture.all_connections) == once["after"]["connections"]
    assert sum(parameter.numel() for parameter in network.parameters()) == once["after"]["parameters"]
    twice = command("prune", once["path"], "--keep", "20", "--json").json
    assert twice["before"]["connections"] == once["after"]["connections"]
    assert twice["before"] == once["after"]


def test_nothing_below_the_threshold(command: Command) -> None:
    command("train", *TINY)
    outcome = command("prune", "--threshold", "0.0001")
    assert outcome.code == 0
    assert "This rule cuts nothing (threshold 0.0001): by gate, the 44 scores lie between" in outcome.err
    assert "a sparsity of 0.25 would cut 11 of them." in outcome.err
    cut = RunDirectory.open(Path(outcome.out.strip()))
    parent = RunDirectory.open(cut.path / json.loads(cut.cut.read_text())["parent"])
    assert cut.architecture() == parent.architecture()


def test_a_cut_that_disconnects_writes_nothing(command: Command, tmp_path: Path) -> None:
    command("train", *TINY)
    before = sorted((tmp_path / "runs").iterdir())
    outcome = command("prune", "--threshold", "0.99")
    assert outcome.code == 3
    assert outcome.out == ""
    assert sorted((tmp_path / "runs").iterdir()) == before
    safe = outcome.err.split()[-1].rstrip(".")
    assert command("prune", "--threshold", safe).code == 0


def test_dry_runs_write_nothing(command: Command, tmp_path: Path) -> None:
    planned = command("train", *TINY, "--dry-run", "--json")
    assert planned.json["gated_connections"] == 44
    assert not (tmp_path / "runs").exists()
    command("train", *TINY)
    outcome = command("prune", "--keep", "20", "--dry-run", "--json")
    assert outcome.json["after"]["connections"] <= 21
    assert command("prune", "--keep", "20", "--dry-run").out == ""
    assert len(list((tmp_path / "runs").iterdir())) == 1


def test_the_plan_of_a_dry_run_is_a_configuration(command: Command, tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(command("train", *TINY, "--dry-run").out)
    again = command("train", "--config", "plan.yaml", "--dry-run").out
    assert again == (tmp_path / "plan.yaml").read_text()


def test_an_architecture_file_is_a_configuration(command: Command) -> None:
    trained = command("train", *TINY, "--json").json
    file = Path(trained["path"]) / "architecture.yaml"
    assert (
        command("inspect", "--config", file, "--set", "data.source=digits", "--json").json["parameters"]
        == trained["parameters"]
    )


def test_inspect_a_preset_gives_the_shape_table(command: Command) -> None:
    document = command("inspect", "--preset", "blog", "--json").json
    assert [row["reads"] for row in document["targets"]][1:] == [
        "35@32", "67@30", "134@15", "268@15", "332@15", "396@13", "792@6", "1584@6",
    ]  # fmt: skip
    assert document["gated_connections"] == 44
    assert document["parameters"] == sum(row["parameters"] for row in document["targets"]) + 44 == 29_558_518
    assert sum(row["macs"] for row in document["targets"]) == document["macs"]


def test_inspect_a_run(command: Command) -> None:
    run = command("train", *TINY).out.strip()
    document = command("inspect", run, "--history", "--json").json
    assert [row["epoch"] for row in document["history"]] == [0, 1, 2]
    first = document["connection_gates"][1]
    assert (first["source"], first["target"], first["gated"]) == ("input", "conv2", True)
    assert first["start"] == pytest.approx(0.6224593)
    assert first["smallest"] <= first["gate"] <= first["largest"]
    assert first["share"] == pytest.approx(1 / 17)
    by_epoch = [row["input->conv2"] for row in document["history"]]
    assert (by_epoch[0], by_epoch[-1]) == (first["start"], first["gate"])
    table = command("inspect").out
    assert "input   conv2" in table.replace("     ", "   ") or "conv2" in table
    assert "gates below 0.01: 0" in table
    last = [abs(gate) for name, gate in document["history"][-1].items() if name != "epoch"]
    middle = round(sorted(last)[20], 3)
    below = sum(gate < middle for gate in last)
    assert 0 < below < 44
    assert f"gates below {middle:g}: {below}, above 0.9: " in command("inspect", "--threshold", middle).out
    counted = command("inspect", "--threshold", middle, "--json").json["gates"]
    assert (counted["threshold"], counted["closed"], counted["below"]["0.01"]) == (middle, below, 0)
    rows = list(csv.DictReader(io.StringIO(command("inspect", run, "--csv").out)))
    assert len(rows) == 45
    assert float(rows[1]["gate"]) == pytest.approx(first["gate"])
    history = list(csv.DictReader(io.StringIO(command("inspect", run, "--csv", "--history").out)))
    assert [row["epoch"] for row in history] == ["0", "1", "2"]


def test_inspect_cuts_and_retrained_runs(command: Command) -> None:
    command("train", *TINY)
    cut = command("prune", "--keep", "20").out.strip()
    document = command("inspect", cut, "--json").json
    assert document["kind"] == "cut"
    assert document["gated_connections"] == document["gates"]["gated_connections"]
    retrained = command("retrain").out.strip()
    document = command("inspect", retrained, "--json").json
    assert (document["kind"], document["gates"], document["gated_connections"]) == ("retrain", None, 0)


@pytest.mark.parametrize("criterion", ["gate", "strength", "saliency", "ablation", "random"])
@pytest.mark.parametrize("granularity", ["connection", "feature-map"])
def test_every_criterion_at_every_granularity(
    command: Command, trained_once: Path, criterion: str, granularity: str
) -> None:
    sharing = "shared" if criterion == "ablation" else "per-feature-map"
    if not (trained_once / sharing).exists():
        trained = command("train", *TINY, "--set", f"gates.sharing={sharing}", "--run", sharing)
        assert trained.code == 0, trained.err
        shutil.copytree(sharing, trained_once / sharing)
    shutil.copytree(trained_once / sharing, "runs/searched")
    arguments = ("prune", "--sparsity", "0.3", "--by", criterion, "--granularity", granularity, "--json")
    pruned = command(*arguments)
    assert pruned.code == 0, pruned.err
    document = pruned.json
    assert (document["by"], document["granularity"]) == (criterion, granularity)
    assert document["after"]["feature_maps"] < document["before"]["feature_maps"]
    assert document["after"]["macs"] <= document["before"]["macs"]
    assert command("inspect", document["path"], "--json").json["parameters"] == document["after"]["parameters"]
    assert command("prune", document["path"], "--sparsity", "0.1").code == 0
    retrained = command("retrain", document["path"], "--epochs", "1", "--json").json
    assert retrained["rows"][0]["macs"] == document["after"]["macs"]


def test_budgets_are_kept_and_not_undercut_by_much(command: Command) -> None:
    trained = command("train", *TINY, "--set", "gates.sharing=per-feature-map", "--json").json
    for option, count in (("--max-params", "parameters"), ("--max-macs", "macs")):
        most = trained[count] // 2
        document = command("prune", option, str(most), "--dry-run", "--json").json
        assert 0.97 * most < document["after"][count] <= most
    both = command("prune", "--max-params", "70%", "--max-macs", "50%", "--dry-run", "--json").json
    assert both["after"]["parameters"] <= 0.7 * both["before"]["parameters"]
    assert both["after"]["macs"] <= 0.5 * both["before"]["macs"]
    assert "found none of them" in command("prune").err
    refused = command("prune", "--max-macs", "10")
    assert refused.code == 3
    assert "keeps a path from the input to the head" in refused.err


def test_a_run_with_a_budget_of_its_own_is_cut_to_it(command: Command) -> None:
    budget = ("--set", "gates.penalise=expected-cost", "--set", "gates.budget={parameters: 60%, macs: 700000}")
    trained = command("train", *TINY, *budget)
    assert "Warning: gates.budget.macs: without its closed gates" in trained.err
    document = command("prune", "--json").json
    assert document["rule"] == "at most 60% of the parameters and at most 700,000 MACs"
    assert document["after"]["macs"] <= 700_000


def test_each_layer_keeps_its_best(command: Command) -> None:
    command("train", *TINY)
    document = command("prune", "--keep-per-layer", "2", "--json").json
    architecture = RunDirectory.open(Path(document["path"])).architecture()
    assert max(len(sources) for sources in architecture.connections.values()) == 2


def test_whole_layers(command: Command) -> None:
    command("train", *TINY)
    document = command("prune", "--keep", "5", "--layers-only", "--json").json
    assert (document["before"]["layers"], document["after"]["layers"]) == (8, 5)
    assert document["rule"] == "keep 5, whole layers"
    architecture = RunDirectory.open(Path(document["path"])).architecture()
    left = [layer.name for layer in architecture.layers]
    assert architecture.connections["head"] == ("input", *left)


def test_ancestry_is_kept(command: Command) -> None:
    run = command("train", *TINY).out.strip()
    once = command("prune", "--keep", "30", "--json").json
    twice = command("prune", once["path"], "--sparsity", "0.1", "--json").json
    assert [Path(path).name for path in twice["ancestry"]] == [Path(run).name, Path(once["path"]).name]


def test_a_sweep_of_thresholds(command: Command) -> None:
    run = command("train", *TINY).out.strip()
    document = command("prune", run, "--dry-run", "--sweep", "--json").json
    rows = document["rows"]
    assert 10 <= len(rows) <= 20
    assert rows[0]["threshold"] == 0
    assert rows[0]["connections"] == 45
    for name in ("connections", "feature_maps", "parameters", "macs"):
        counts = [row[name] for row in rows]
        assert counts == sorted(counts, reverse=True)
    cut = command("prune", run, "--threshold", repr(rows[7]["threshold"]), "--json").json
    assert cut["after"]["parameters"] == rows[7]["parameters"]
    assert cut["after"]["validation_accuracy"] == rows[7]["validation_accuracy"]
    as_csv = list(csv.DictReader(io.StringIO(command("prune", run, "--dry-run", "--sweep", "--csv").out)))
    assert [float(row["threshold"]) for row in as_csv] == [row["threshold"] for row in rows]
    assert "validation" in command("prune", run, "--dry-run", "--sweep").out
    assert command("prune", run, "--sweep").code == 2


PLUGIN, MERGE = (
    (Path(__file__).parents[2] / "docs" / "concepts" / page).read_text().split("```python\n")[1].split("```")[0]
    for page in ("layers.md", "merges.md")
)


def test_a_layer_of_the_users_own(forked: Run, tmp_path: Path) -> None:
    """The worked example of the documentation, as a file beside the user's runs."""
    (tmp_path / "noise.py").write_text(PLUGIN)
    (tmp_path / "mine.yaml").write_text(
        "preset: digits\nlayers:\n  - {kind: conv, feature_maps: 8}\n  - {kind: noise, deviation: 0.2}\n"
        "  - {kind: conv, feature_maps: 8}\ntraining: {epochs: 1}\ndata: {train_images: 100}\n"
    )
    plugin = ("--plugin", "noise")
    assert forked("train", "--config", "mine.yaml", *plugin, "--run", "mine", "-q").returncode == 0
    cut = forked("prune", "mine", "--sparsity", "0.4", "--granularity", "feature-map", *plugin, "-q")
    assert cut.returncode == 0, cut.stderr
    retrained = forked("retrain", cut.stdout.strip(), *plugin, "--json")
    assert [row["network"] for row in json.loads(retrained.stdout)["rows"]] == ["cut", "parent"]
    refused = forked("inspect", "mine")
    assert refused.returncode == 2
    assert "found the kind 'noise'" in refused.stderr
    assert "a layer of your own needs its plug-in" in refused.stderr


def test_a_merge_of_the_users_own(forked: Run, tmp_path: Path) -> None:
    """The worked example of the documentation; `tests/network/test_merge_of_ones_own.py` looks at what it computes."""
    (tmp_path / "scaled.py").write_text(MERGE)
    chosen = ("--preset", "digits", "--set", "data.train_images=100", "--set", "merge.aggregate=scaled")
    trained = forked("train", *chosen, "--epochs", "1", "--plugin", "scaled", "--run", "mine", "-q")
    assert trained.returncode == 0, trained.stderr
    cut = forked("prune", "mine", "--sparsity", "0.1", "--by", "strength", "--plugin", "scaled", "--json")
    assert cut.returncode == 0, cut.stderr
    refused = forked("inspect", "mine")
    assert refused.returncode == 2
    assert "found 'scaled', expected one of" in refused.stderr
    assert "one of your own needs its plug-in" in refused.stderr


def test_an_installed_package_offers_a_layer_and_a_merge(
    connprune: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An entry point needs no --plugin: what is installed was put there on purpose."""
    package = tmp_path / "site"
    (package / "noise_layers-1.0.dist-info").mkdir(parents=True)
    (package / "noise.py").write_text(PLUGIN)
    (package / "noise_layers-1.0.dist-info" / "METADATA").write_text("Name: noise-layers\nVersion: 1.0\n")
    (package / "scaled.py").write_text(MERGE)
    (package / "noise_layers-1.0.dist-info" / "entry_points.txt").write_text(
        "[connprune.layers]\nnoise = noise:Noise\n[connprune.merges]\nscaled = scaled:Scaled\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(package))
    ours = ("--set", "layers.2={kind: noise, deviation: 0.5}", "--set", "merge.aggregate=scaled")
    done = connprune("inspect", "--preset", "digits", *ours, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["architecture"]["layers"][2] == {"name": "noise1", "kind": "noise", "deviation": 0.5}


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_can_be_inspected(command: Command, name: str) -> None:
    outcome = command("inspect", "--preset", name)
    assert outcome.code == 0, outcome.err
    assert "parameters;" in outcome.out


def test_familiar_networks_have_their_published_size(command: Command) -> None:
    """ResNet-20: 0.27 million parameters; DenseNet with 40 layers and growth rate 12: 1.0 million."""
    assert command("inspect", "--preset", "residual", "--json").json["parameters"] == 269_722
    assert command("inspect", "--preset", "densely-connected", "--json").json["parameters"] == 1_019_722


def test_a_sequence_network(command: Command) -> None:
    tiny = ("--preset", "sequence", "--set", "data.train_images=160", "--epochs", "1", "--device", "cpu")
    assert command("train", *tiny).code == 0
    pruned = command("prune", "--sparsity", "0.4", "--granularity", "feature-map", "--json")
    assert pruned.code == 0, pruned.err
    assert command("retrain").code == 0


def test_gates_can_be_put_on_a_familiar_wiring(command: Command) -> None:
    document = command(
        "inspect", "--preset", "residual", "--set", "gates={kind: hard-concrete, penalty: 0.01}", "--json"
    ).json
    # Nine blocks of two convolutions, each read by one thing, and a sum of two; the head; all but what reads the image.
    assert document["gated_connections"] == 9 * (1 + 1 + 2) + 1


def test_presets_are_listed_and_printed(command: Command, tmp_path: Path) -> None:
    assert {"blog", "blog-3", "digits", "search"} <= set(command("presets").out.split())
    (tmp_path / "mine.yaml").write_text(command("presets", "digits").out)
    document = command("inspect", "--config", "mine.yaml", "--json").json
    assert document["gated_connections"] == 44


def test_resume(command: Command) -> None:
    run = command("train", *TINY).out.strip()
    outcome = command("train", "--resume", "--epochs", "3")
    assert outcome.code == 0
    assert outcome.out.strip() == run
    assert len(RunDirectory.open(Path(run)).read_metrics()) == 3
    refused = command("train", "--resume", "--run", run, "--seed", "4")
    assert refused.code == 2
    assert "training.seed (was 1337, now 4)" in refused.err


def test_the_newest_run_is_the_one_worked_on_last(command: Command) -> None:
    first = command("train", *TINY, "--run", "runs/first").out.strip()
    command("train", *TINY, "--run", "runs/second")
    command("train", "--resume", "--run", first, "--epochs", "3")
    assert Path(command("prune", "--keep", "20", "--dry-run", "--json").json["parent"]).name == "first"


def test_a_cut_is_never_trained_over(command: Command) -> None:
    command("train", *TINY)
    cut = command("prune", "--keep", "20").out.strip()
    digest = RunDirectory.open(Path(cut)).digest()
    outcome = command("train", "--resume", "--run", cut)
    assert outcome.code == 2
    assert "but a cut" in outcome.err
    assert RunDirectory.open(Path(cut)).digest() == digest


def test_an_interrupted_retraining_goes_on_to_its_comparison(command: Command) -> None:
    command("train", *TINY)
    command("prune", "--keep", "20")
    whole = command("retrain", "--json").json
    run = RunDirectory.open(Path(whole["path"]))
    run.final.unlink()
    run.comparison.unlink()
    run.summarise(status="interrupted")
    again = command("retrain", "--resume", "--json").json
    assert again["path"] == whole["path"]
    assert [row["test_accuracy"] for row in again["rows"]] == [row["test_accuracy"] for row in whole["rows"]]
    assert command("retrain", "--resume", "--seed", "3").code == 2


def test_another_seed_keeps_the_validation_images(command: Command) -> None:
    from connprune.data.sources import load as load_data
    from connprune.training.configuration import read_configuration
    from connprune.training.run import split_data

    trained = command("train", *TINY).out.strip()
    command("prune", "--keep", "20")
    retrained = command("retrain", "--seed", "7").out.strip()
    digests = set()
    for path in (trained, retrained):
        configuration = read_configuration(RunDirectory.open(Path(path)))
        digests.add(split_data(configuration, load_data(configuration.data)).validation.images.numpy().tobytes())
    assert configuration.training.seed == 7
    assert len(digests) == 1


def test_a_run_can_be_used_from_any_folder(
    command: Command, digits_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command("train", *TINY, "--data", "images", "--set", "data.train_images=40", "--run", "mine").code == 0
    monkeypatch.chdir(digits_folder)
    assert command("prune", "../mine", "--keep", "20", "--runs", tmp_path / "runs").code == 0


def test_changed_images_are_told_when_cutting(command: Command, digits_folder: Path) -> None:
    command("train", *TINY, "--data", digits_folder, "--set", "data.train_images=40")
    (digits_folder / "test" / "3" / "000.png").unlink()
    outcome = command("prune", "--keep", "20")
    assert outcome.code == 0
    assert "Warning: the images have changed" in outcome.err
    assert "Warning: the images have changed" not in command("retrain").err


def test_another_process_with_the_real_command(connprune: Run, tmp_path: Path) -> None:
    done = connprune("train", *TINY, "--run", "mine", "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "mine\n", "")
    assert "\x1b" not in connprune("inspect", "mine").stdout
