"""Cuts that are measured: by the accuracy that they lose, and by the time that they take."""

from pathlib import Path

from tests.conftest import TINY, Command


def test_the_smallest_network_within_a_loss_of_accuracy(command: Command) -> None:
    run = command("train", *TINY).out.strip()
    documents = [command("prune", run, "--max-drop", points, "--json").json for points in ("0", "20")]
    for document, points in zip(documents, (0, 20), strict=True):
        before, after = document["before"], document["after"]
        assert after["validation_accuracy"] >= before["validation_accuracy"] - points / 100 - 1e-9
        assert document["rule"] == f"at most {points} points less validation accuracy"
        assert document["latency"] is None
    assert documents[1]["after"]["parameters"] < documents[0]["after"]["parameters"]
    assert command("prune", run, "--max-drop", "100", "--max-params", "10").code == 3
    both = command("prune", run, "--max-drop", "100", "--max-params", "60%", "--dry-run", "--json").json
    assert both["rule"] == "at most 100 points less validation accuracy and at most 60% of the parameters"
    assert both["after"]["parameters"] <= 0.6 * both["before"]["parameters"]


def test_a_network_that_is_fast_enough(command: Command) -> None:
    run = command("train", *TINY).out.strip()
    shown = command("prune", run, "--max-latency", "60000ms", "--max-macs", "50%", "--dry-run", "--json").json
    by_macs = command("prune", run, "--max-macs", "50%", "--dry-run", "--json").json
    assert shown["chosen"] == by_macs["chosen"]
    assert shown["rule"] == ("at most 50% of the MACs and at most 60,000 ms for a batch of 1 on cpu")
    assert (shown["latency"]["batch"], shown["latency"]["device"]) == (1, "cpu")
    assert min(shown["latency"]["before_seconds"], shown["latency"]["after_seconds"]) > 0
    before = sorted(Path("runs").iterdir())
    refused = command("prune", run, "--max-latency", "0.000001")
    assert refused.code == 3
    assert "a forward pass down to 1e-06 ms and keeps a path" in refused.err
    assert sorted(Path("runs").iterdir()) == before
