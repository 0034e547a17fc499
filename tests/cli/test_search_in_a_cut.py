"""Searching on in a cut, which is iterative pruning: train, prune, train, prune."""

from pathlib import Path

import numpy as np
import pytest
import torch

from connprune import load
from connprune.runs.directory import RunDirectory
from connprune.tensor_files import read_tensors
from connprune.training.first import first_architecture
from tests.cli.test_after_the_cut import initial, scores_of
from tests.conftest import TINY, Command

SHARP = ("--set", "gates.temperature.end=0.5", "--set", "training.keep_early=1")


def test_a_search_goes_on_where_the_cut_ended(command: Command) -> None:
    first = command("train", *TINY, *SHARP).out.strip()
    cut = RunDirectory.open(Path(command("prune", "--keep", "30").out.strip()))
    begun = command("train", "--from", "-", "--epochs", "1", "--set", "gates.penalty=0.01", stdin=f"{cut.path}\n")
    run = RunDirectory.open(Path(begun.out.strip()))
    assert run.path.name.startswith("digits-search-")
    assert run.architecture().without_gates() == cut.architecture().without_gates()
    assert run.summary.gated_connections == len(cut.architecture().gated_connections)
    np.testing.assert_allclose(run.read_gates().values[0], cut.read_gates().values[-1], rtol=1e-5)
    torch.testing.assert_close(scores_of(initial(run)), scores_of(load(cut.path)[0]), rtol=0, atol=1e-5)
    assert "penalty: 0.01" in run.config.read_text()
    assert command("check", run.path).code == 0
    # What the first search kept is there for the next cut, and so is where it all began.
    early, kept = read_tensors(run.early)[0], read_tensors(cut.early)[0]
    assert all(torch.equal(early[name], tensor) for name, tensor in kept.items())
    document = command("prune", "--sparsity", "0.1", "--json").json
    again = RunDirectory.open(Path(document["path"]))
    assert [Path(path).name for path in document["ancestry"]] == [Path(first).name, cut.path.name, run.path.name]
    assert len(first_architecture(again).all_connections) == 45
    assert again.early.is_file()
    rows = command("retrain", "--from", "cut", "--epochs", "1", "--against", "parent,random-params", "--json").json[
        "rows"
    ]
    assert rows[1]["connections"] == 45
    # The same command goes on with it, and no other.
    options = ("train", "--from", cut.path, "--run", run.path, "--resume", "--set", "gates.penalty=0.01")
    assert command(*options, "--epochs", "2").code == 0
    assert RunDirectory.open(run.path).summary.epochs == 2
    other = command(*options[:1], "--from", again.path, *options[3:], "--epochs", "2")
    assert other.code == 2
    assert f"this search is in {cut.path.resolve()}" in other.err


def test_a_dry_run_of_a_search_in_a_cut(command: Command) -> None:
    command("train", *TINY, "--epochs", "1")
    cut = command("prune", "--keep", "30").out.strip()
    shown = command("train", "--from", cut, "--dry-run", "--json").json
    assert shown["gated_connections"] == len(RunDirectory.open(Path(cut)).architecture().gated_connections)
    for options, message in [
        (("--preset", "digits"), "--from takes the configuration of the cut; leave out --preset and --config"),
        (("--explain", "--dry-run"), "--explain says where a new configuration's values are from, but --from"),
        (("--set", "layers.0.feature_maps=9"), "expected a key that begins with training., gates. or run."),
        (("--set", "gates.kind=linear"), "gates.kind: found 'linear', expected 'sigmoid', as the cut's gates are"),
        (("--set", "gates=none"), "expected a key that begins with training., gates. or run."),
    ]:
        refused = command("train", "--from", cut, *options)
        assert refused.code == 2
        assert message in refused.err
    run = next(path for path in Path("runs").iterdir() if "cut" not in path.name)
    assert "this run is no cut" in command("train", "--from", run).err


@pytest.mark.parametrize("gates", ["{kind: top-k, open: 60%}", "{kind: softmax, penalty: 0.001}"])
def test_gates_that_were_linked_go_on_as_they_were(command: Command, gates: str) -> None:
    command("train", *TINY, "--epochs", "1", "--set", f"gates={gates}")
    cut = command("prune", "--sparsity", "0.1").out.strip()
    run = RunDirectory.open(Path(command("train", "--from", cut, "--epochs", "1").out.strip()))
    torch.testing.assert_close(scores_of(initial(run)), scores_of(load(cut)[0]), rtol=0, atol=1e-5)
