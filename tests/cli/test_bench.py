from typing import Any

import pytest

from tests.conftest import Command

STEPS = ("--rounds", "1", "--threads", "1", "--device", "cpu")


@pytest.mark.slow
def test_every_candidate_is_measured(command: Command) -> None:
    done = command("bench", "--preset", "digits", "--against", "literal", "--workers", "0", *STEPS, "--json")
    assert done.code == 0, done.err
    found = done.json

    assert set(found["steps"]) == {"connprune", "without gates", "literal", "literal, freed memory kept"}
    assert found["steps"]["connprune"]["ratio"] == 1
    for step in found["steps"].values():
        assert step["images_per_second"] == pytest.approx(32 / step["seconds"])
    assert set(found["data_seconds"]) == {"connprune", "literal"}
    assert [row["batch_size"] for row in found["forward"]] == [1, 32, 256, 256, 256]
    ratios = [row["mac_ratio"] for row in found["forward"][2:]]
    assert ratios[0] >= 1 / 0.75
    assert ratios[1] >= 1 / 0.5
    assert ratios[2] >= 1 / 0.25
    files = found["files"]
    # Weights and the best of them, and Adam's two moments.
    assert files["checkpoint_bytes"] > 4 * 4 * 95_000
    assert files["interval_seconds"] == 60
    assert 0 < files["share"] == pytest.approx((files["copy_seconds"] + files["write_seconds"]) / 60)
    # Forward and backward: three times the multiply-accumulates, each two operations.
    assert found["step_operations"] == 6 * 32 * 1_537_696


def test_the_table_names_what_it_was_measured_with(command: Command) -> None:
    done = command("bench", "--preset", "digits", *STEPS)
    assert done.code == 0, done.err
    assert "cpu, 1 thread, batch 32" in done.out
    assert "literal" not in done.out
    assert "files: a checkpoint of" in done.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--against", "keras"], "--against: found 'keras', expected literal"),
        (["--preset", "plain"], "this one has none; give it some"),
        (["--preset", "digits", "--set", "merge.aggregate=sum", "--against", "literal"], "the post has concat merges"),
        (["--preset", "sequence", "--against", "literal"], "the post has no layer of the kind"),
        (["--rounds", "0"], "'--rounds'"),
    ],
)
def test_what_cannot_be_measured_is_refused(command: Command, arguments: list[str], message: str) -> None:
    done = command("bench", *arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err


def test_the_literal_port_computes_what_we_compute() -> None:
    """With the same weights: an honest baseline does the same work."""
    import torch

    from connprune.bench.literal import LiteralNetwork
    from connprune.network import build
    from connprune.training.configuration import design, resolve

    architecture = design(resolve("blog"))
    ours, theirs = build(architecture).eval(), LiteralNetwork(architecture).eval()
    with torch.no_grad():
        ours_by_name = dict(ours.named_parameters())
        for name, layer in theirs.layers.items():
            for parameter in layer.parameters():
                parameter.copy_(ours_by_name[f"layer_{name}.weight"])
        for name, parameter in theirs.dense.named_parameters():
            parameter.copy_(ours_by_name[f"head.dense.{name}"])
        images = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
        assert torch.allclose(ours(images), theirs(images.float()), atol=1e-3)


def test_the_peak_is_what_is_held_at_once() -> None:
    import torch

    from connprune.bench.machine import peak_bytes

    def work() -> None:
        first = torch.zeros(1000)
        second = first + 1
        del first
        (second.view(10, 100) * 2).sum()

    # Two of the three at once, of four bytes a number; views take nothing, the sum one number.
    assert peak_bytes(work, torch.device("cpu")) in (8000, 8004)


@pytest.mark.parametrize(("precision", "kind"), [("float32", "float32"), ("bfloat16", "bfloat16")])
@pytest.mark.slow
def test_the_measure_of_a_step_is_a_product_of_its_precision(precision: Any, kind: str) -> None:
    import torch

    from connprune.bench.machine import matrix_product

    step, operations = matrix_product(torch.device("cpu"), precision)
    found = step()
    assert isinstance(found, torch.Tensor)
    assert str(found.dtype) == f"torch.{kind}"
    assert operations == 2 * found.numel() * found.shape[0]


def test_the_measure_takes_its_turns_among_the_steps_and_its_best_counts(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock on which everything becomes a second slower with each call, as on a machine that becomes busy."""
    from itertools import count

    from connprune.bench import machine
    from connprune.training import timing

    ticks = count(1)

    def seconds_of(step: Any, device: Any) -> float:
        step()
        return float(next(ticks))

    monkeypatch.setattr(timing, "seconds_of", seconds_of)
    monkeypatch.setattr(machine, "seconds_of", seconds_of)
    found = command("bench", "--preset", "digits", "--rounds", "3", "--threads", "1", "--device", "cpu", "--json").json
    best = 2 * 2048**3 / found["matrix_product_flops"]
    # In the first round that counts: each of the two steps and the product has had its warm-up.
    assert 3 * 5 < best <= 3 * 6
    assert found["matrix_product_precision"] == "float32"
    for step in found["steps"].values():
        assert step["share_of_matrix_product_rate"] * step["seconds"] == pytest.approx(
            found["step_operations"] / found["matrix_product_flops"]
        )
