"""What a cut is trained from: fresh weights, its own, or those of an early epoch."""

from pathlib import Path

import torch

from connprune import build, load
from connprune.network import Network
from connprune.runs.directory import RunDirectory
from connprune.tensor_files import read_tensors
from connprune.training.run import load_weights
from tests.conftest import TINY, Command

EARLY = ("--set", "training.keep_early=1", "--set", "gates.penalty=0", "--set", "gates.temperature.end=1")


def scores_of(network: Network) -> torch.Tensor:
    images = torch.randint(0, 256, (16, 1, 8, 8), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    with torch.no_grad():
        scores: torch.Tensor = network.eval()(images)
    return scores


def initial(run: RunDirectory) -> Network:
    network = build(run.architecture())
    load_weights(network, run.initial)
    return network


def test_a_fine_tuned_network_starts_as_the_cut_is_and_has_no_gates(command: Command) -> None:
    command("train", *TINY)
    pruned = command("prune", "--keep", "20", "--json").json
    cut = pruned["path"]
    recipe = ("--epochs", "1", "--set", "training.optimizer.rate=1e-5")
    outcome = command("retrain", "--from", "cut", *recipe, "--json")
    document = outcome.json
    assert [(row["network"], row["start"]) for row in document["rows"]] == [("cut", "cut"), ("parent", "scratch")]
    assert "start" in outcome.err
    run = RunDirectory.open(Path(document["path"]))
    assert (run.summary.start, run.architecture().gates) == ("cut", None)
    torch.testing.assert_close(scores_of(initial(run)), scores_of(load(cut)[0]), rtol=0, atol=1e-5)
    # So small a rate leaves it nearly there, far from what fresh weights give.
    assert abs(document["rows"][0]["test_accuracy"] - pruned["after"]["test_accuracy"]) < 0.1
    again = command("retrain", cut, "--from", "cut", *recipe, "--run", run.path, "--resume", "--json")
    assert again.json["rows"] == document["rows"]
    for other in (("--from", "early"), ("--from", "cut", "--set", "training.optimizer.rate=1e-3"), ()):
        refused = command("retrain", cut, *recipe, *other, "--run", run.path, "--resume")
        assert refused.code == 2
        assert "but this differs: " in refused.err
    run.initial.unlink()
    assert "the run starts from its weights" in command("check", run.path).err


def test_early_weights_are_those_of_the_epoch_and_are_cut_as_the_final_ones(command: Command) -> None:
    short = command("train", *TINY, *EARLY, "--epochs", "1").out.strip()
    run = RunDirectory.open(Path(command("train", *TINY, *EARLY).out.strip()))
    early, ended = read_tensors(run.early)[0], RunDirectory.open(Path(short)).final_weights()
    assert all(torch.equal(early[name], tensor) for name, tensor in ended.items())
    once = command("prune", run.path, "--keep", "30").out.strip()
    cut = RunDirectory.open(Path(command("prune", once, "--sparsity", "0.1").out.strip()))
    assert command("check", cut.path).code == 0
    options = ("--from", "early", "--against", "scratch,finetune", "--epochs", "1", "--seeds", "2", "--json")
    rows = command("retrain", cut.path, *options).json["rows"]
    assert {row["network"]: row["start"] for row in rows} == {"cut": "early", "scratch": "scratch", "finetune": "cut"}
    assert len({row["parameters"] for row in rows}) == 1
    jobs = sorted(Path("runs").glob("compare-*/jobs/*/seed-*"))
    assert {path.parent.name: (path / "initial.safetensors").is_file() for path in jobs} == {
        "cut": True,
        "finetune": True,
        "scratch": False,
    }
    at_first, rewound = read_tensors(cut.early)[0], read_tensors(jobs[0] / "initial.safetensors")[0]
    assert torch.equal(at_first["head.dense.0.bias"], rewound["head.dense.0.bias"])
    assert not torch.equal(at_first["head.dense.0.weight"], rewound["head.dense.0.weight"])
    assert RunDirectory.open(jobs[0]).summary.start == "early"


def test_the_zeroth_epoch_is_where_the_training_starts(command: Command) -> None:
    options = ("--set", "training.keep_early=0", "--epochs", "1")
    run = RunDirectory.open(Path(command("train", *TINY, *options).out.strip()))
    early = read_tensors(run.early)[0]
    assert torch.count_nonzero(early["head.dense.0.bias"]) == 0
    assert torch.count_nonzero(run.final_weights()["head.dense.0.bias"]) > 0


def test_a_training_that_goes_on_keeps_the_epoch_that_a_kill_took_the_file_of(command: Command) -> None:
    options = ("--epochs", "1", "--set", "training.keep_early=1")
    run = RunDirectory.open(Path(command("train", *TINY, *options).out.strip()))
    before = run.early.read_bytes()
    run.early.unlink()
    assert command("train", "--run", run.path, "--resume", "--epochs", "2", "--device", "cpu").code == 0
    assert run.early.read_bytes() == before
    run.early.write_bytes(before[:-1] + b"?")
    assert command("check", run.path).code == 2
    refused = command("prune", run.path, "--keep", "20")
    assert refused.code == 2
    assert "early.safetensors" in refused.err


def test_what_cannot_be_started_from_is_refused(command: Command) -> None:
    command("train", *TINY, "--epochs", "1")
    command("prune", "--keep", "20")
    before = sorted(Path("runs").iterdir())
    for options, message in [
        (("--from", "magic"), "--from: found 'magic', expected one of scratch, cut, early"),
        (("--from", "early"), "this cut has no weights of an early epoch; train with training.keep_early=EPOCH"),
        (("--against", "rewind"), "baseline rewind: "),
        (("--against", "scratch"), "baseline scratch: the cut itself starts from there"),
        (("--from", "cut", "--against", "finetune"), "baseline finetune: the cut itself starts from there"),
        (("--set", "gates.penalty=0"), "found 'gates.penalty', expected a key that begins with training."),
        (("--set", "training.speed=9"), "training.speed"),
    ]:
        refused = command("retrain", *options)
        assert refused.code == 2
        assert message in refused.err
    assert sorted(Path("runs").iterdir()) == before


def test_an_early_epoch_is_one_of_the_training(command: Command) -> None:
    refused = command("train", *TINY, "--set", "training.keep_early=3")
    assert refused.code == 2
    assert "training.keep_early" in refused.err
    assert "expected at most epochs, 2" in refused.err
