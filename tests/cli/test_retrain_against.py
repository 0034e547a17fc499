import json
import os
import random
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from connprune.runs.directory import RunDirectory
from tests.cli.conftest import QUICK
from tests.conftest import PATIENCE, TINY, Command, Run
from tests.experiments.helpers import lasting


def test_the_comparison_is_one_document_with_words(command: Command, cut: str) -> None:
    done = command(
        "retrain", cut, "--against", "parent,chain", "--against", "random:2,dense-scaled:macs", "--seeds", "3", "--json"
    )

    assert done.code == 0, done.err
    found = done.json
    assert (found["schema"], found["kind"], found["seeds"]) == (2, "comparison", [1337, 1338, 1339])
    assert [row["network"] for row in found["rows"]] == ["cut", "parent", "chain", "random", "dense-scaled-macs"]
    chain, drawn, scaled = found["rows"][2:]
    assert chain["difference"]["low"] < chain["difference"]["mean"] < chain["difference"]["high"]
    assert set(chain["latency_seconds"]) == {"1", "256"}
    assert drawn["count"] == 2
    assert drawn["rank"]["of"] == 3
    assert scaled["connections"] == 45
    assert scaled["cost"]["ratios"]["macs"] == pytest.approx(1, abs=0.3)
    assert len(found["verdicts"]) == 4
    assert found["verdicts"][1].startswith("chain: ")
    for sentence, row in zip(found["verdicts"], found["rows"][1:], strict=True):
        times, more = re.findall(r"([0-9.]+) times the (?:parameters|MACs)", sentence)
        ours = found["rows"][0]
        assert float(times) == pytest.approx(ours["parameters"] / row["parameters"], rel=0.06)
        assert float(more) == pytest.approx(ours["macs"] / row["macs"], rel=0.06)
        is_equal = all(abs(row[key] - ours[key]) <= 0.03 * ours[key] for key in ("parameters", "macs"))
        assert row["cost"]["equal"] is is_equal
        assert f"at {'equal' if is_equal else 'unequal'} cost" in sentence
        one, many = (ours["latency_seconds"][batch] / row["latency_seconds"][batch] for batch in ("1", "256"))
        assert f"{sentence} The cut takes {one:.2g} times as long for one image, {many:.2g} times for 256." in done.err
    assert max(map(len, done.err.split("\n\n")[0].splitlines())) <= 100


def test_a_parent_whose_gates_all_closed_is_told(command: Command) -> None:
    """Whatever is compared with such a network looks good; -q does not hide that."""
    closed = ("--set", "gates.penalty=100", "--set", "gates.rate=1")
    assert command("train", *TINY, *QUICK, *closed, "--run", "parent", "-q").code == 0
    assert command("prune", "parent", "--keep", "20", "--out", "cut", "-q").code == 0
    done = command("retrain", "cut", "--against", "parent,chain", "-q")
    assert done.code == 0, done.err
    assert "parent seed 1337: all 44 gates closed, so its accuracy says little" in done.err
    assert "chain seed" not in done.err


def test_the_same_command_again_trains_nothing(command: Command, cut: str) -> None:
    first = command("retrain", cut, "--against", "chain", "--seeds", "4,2", "--json")
    again = command("retrain", cut, "--against", "chain", "--seeds", "4,2", "--json")

    assert "4 of 4 trainings are done" in again.err
    assert "[1/4]" in first.err
    assert "[1/4]" not in again.err
    assert lasting(first.json) == lasting(again.json)


def test_listed_commands_do_the_same_as_jobs(command: Command, cut: str) -> None:
    ours = ("retrain", cut, "--against", "chain,evolution:2", "--epochs", "1")
    listed = command(*ours, "--list")
    assert listed.code == 0
    commands = [shlex.split(line) for line in listed.out.splitlines()]
    assert len(commands) == 3
    assert all(words[-2:] == ["--device", "auto"] for words in commands)

    early = command("retrain", "--collect")
    assert early.code == 1
    assert "no training of the cut is finished yet" in early.err
    assert command(*commands[0][1:]).code == 0
    early = command("retrain", "--collect")
    assert early.code == 1
    assert early.out == ""
    assert "2 of 3 trainings are not finished yet; go on with `connprune retrain --resume --run" in early.err
    for words in commands[1:]:
        done = command(*words[1:])
        assert done.code == 0, done.err
        assert done.out.strip() == words[4]

    assert command(*ours, "--list").out == ""
    collected = command("retrain", "--collect", "--json")
    alone = command(*ours, "--run", "alone", "--json")
    assert lasting(collected.json) == lasting(alone.json)


def test_a_comparison_can_be_gone_on_with_by_its_directory(command: Command, cut: str) -> None:
    assert command("retrain", cut, "--against", "chain", "--run", "compared", "--list").code == 0
    taken_for_a_cut = command("retrain", "compared", "--resume", "--html", "page.html")
    assert (taken_for_a_cut.code, taken_for_a_cut.out) == (2, "")
    assert "go on with it by `connprune retrain --resume --run compared`" in taken_for_a_cut.err
    done = command("retrain", "--resume", "--run", "compared", "-q")
    assert (done.code, done.out) == (0, "compared\n")
    assert Path("compared/comparison.json").is_file()


def test_several_processes_share_the_work(command: Command, forked: Run, cut: str) -> None:
    words = ["retrain", cut, "--against", "chain,random", "--seeds", "2", "--epochs", "1", "--json"]
    alone = command(*words, "--run", "alone")
    done = forked(*words, "--run", "shared", "--jobs", "2")
    assert done.returncode == 0, done.stderr
    lines = [line.partition("]")[0] for line in done.stderr.splitlines() if line.startswith("[")]
    assert sorted(lines, key=lambda line: int(line[1:].partition("/")[0])) == [f"[{n}/6" for n in range(1, 7)]
    rows = [row["network"] for row in alone.json["rows"]]
    assert all(network in done.stdout for network in rows)


def test_a_cut_with_backward_connections_has_random_baselines_and_an_evolution(command: Command) -> None:
    searched = ("train", "--preset", "unrolled", "--epochs", "1", "--set", "data.train_images=200", "--run", "cyclic")
    assert command(*searched, "-q").code == 0
    assert command("prune", "cyclic", "--keep", "16", "--out", "cyclic-cut", "-q").code == 0
    done = command(
        "retrain", "cyclic-cut", "--against", "random:2,random-params,all,evolution:3", "--run", "cycles", "--json"
    )
    assert done.code == 0, done.err
    assert "left out: baseline all: this parent has 31 connections, and with backward ones among them" in done.err
    rows = {row["network"]: row for row in done.json["rows"]}
    assert list(rows) == ["cut", "random", "random-params", "evolution"]
    assert rows["random"]["connections"] == rows["cut"]["connections"]
    assert rows["random-params"]["parameters"] == pytest.approx(rows["cut"]["parameters"], rel=0.02)
    drawn = [RunDirectory(path).architecture() for path in Path("cycles").glob("jobs/*/*") if path.parent.name != "cut"]
    assert any(architecture.backward_connections for architecture in drawn)


def test_several_searches_are_judged_by_one_command(command: Command, cut: str) -> None:
    assert command("train", *TINY, *QUICK, "--seed", "7", "--run", "other", "-q").code == 0
    assert command("prune", "other", "--keep", "20", "--out", "cut-7", "-q").code == 0
    agreed = command("inspect", cut, "cut-7", "--json").json
    kept = [set(RunDirectory(Path(path)).architecture().gated_connections) for path in (cut, "cut-7")]
    assert (agreed["kind"], agreed["kept"]) == ("cut-agreement", list(map(len, kept)))
    assert agreed["mean_jaccard"] == pytest.approx(len(kept[0] & kept[1]) / len(kept[0] | kept[1]))
    assert 0 < agreed["chance_jaccard"] < 1
    said = command("inspect", cut, "cut-7")
    assert f"2 cuts of 44 gated connections, which keep {len(kept[0])}, {len(kept[1])}: " in said.out
    refused = command("inspect", cut, "cut-7", "--threshold", "0.1")
    assert (refused.code, refused.out) == (2, "")
    assert "these are cuts; name the runs that were cut" in refused.err
    ours = ("retrain", cut, "cut-7", "--against", "chain,dense-scaled:macs", "--epochs", "1", "--run", "judged")
    listed = command(*ours, "--list")
    commands = [shlex.split(line) for line in listed.out.splitlines()]
    assert len(commands) == 6
    assert command(*commands[0][1:]).code == 0
    early = command("retrain", "--collect", "--run", "judged")
    assert early.code == 1
    assert "5 of 6 trainings are not finished yet; go on with `connprune retrain --resume --run judged`" in early.err

    done = command("retrain", "--resume", "--run", "judged", "--html", "page.html", "--figures", "drawn", "--json")
    assert done.code == 0, done.err
    assert "1 of 6 trainings are done" in done.err
    found = done.json
    assert (found["kind"], found["unit"], len(found["searches"])) == ("comparison", "search", 2)
    assert [row["difference"] and row["difference"]["pairs"] for row in found["rows"]] == [None, 2, 2]
    assert "2 searches, too few to claim a difference, at unequal cost" in found["verdicts"][0]
    assert json.loads(Path("judged/comparison.json").read_text())["cuts"] == ["../cut", "../cut-7"]
    assert Path("page.html").stat().st_size > 10_000
    again = command(*ours, "--json")
    assert lasting({**again.json, "html": 0, "figures": 0}) == lasting({**found, "html": 0, "figures": 0})


@pytest.mark.slow
def test_a_killed_comparison_ends_like_a_whole_one(command: Command, cut: str, tmp_path: Path) -> None:
    words = ["retrain", cut, "--against", "random:10", "--seeds", "3", "--json"]
    whole = command(*words, "--run", "whole")
    log = ""
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-m", "connprune", *words, "--run", "killed"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
        )
        assert process.stderr
        for _ in range(random.randrange(1, 9)):
            log += process.stderr.readline()
        process.send_signal(signal.SIGKILL)
        log += process.communicate()[1]
    last = command(*words, "--run", "killed")
    log += last.err

    assert lasting(last.json) == lasting(whole.json)
    trained = [line.partition(":")[0] for line in log.splitlines() if line.startswith("[")]
    assert len(trained) == len(set(trained))
    assert len(trained) >= 33 - 4


def workers(folder: Path) -> list[str]:
    """The processes that work in a folder."""
    found = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in found.splitlines() if "connprune work" in line and folder.name in line]


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_no_worker_outlives_its_comparison(
    command: Command, cut: str, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    words = ["retrain", cut, "--against", "chain", "--seeds", "2", "--epochs", "3000", "--run", "shared"]
    process = subprocess.Popen(
        [sys.executable, "-m", "connprune", *words, "--jobs", "2"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    jobs = tmp_path / "shared" / "jobs"
    deadline = time.monotonic() + PATIENCE
    while len(list(jobs.glob("*/*/metrics.jsonl"))) < 2:
        assert time.monotonic() < deadline
        assert process.poll() is None
    assert len(workers(Path("shared"))) >= 2
    process.send_signal(number)
    err = process.communicate(timeout=PATIENCE)[1]

    assert process.returncode == code
    if number != signal.SIGKILL:
        assert err.count("Interrupted; what was under way is saved. Go on with `connprune retrain --resume --run") == 1
    while workers(Path("shared")):
        assert time.monotonic() < deadline
    statuses = [RunDirectory(path.parent).summary.status for path in jobs.glob("*/*/metrics.jsonl")]
    assert statuses.count("interrupted") == 2


@pytest.mark.slow
def test_of_a_killed_worker_is_said_what_is_known(cut: str, tmp_path: Path) -> None:
    words = ["retrain", cut, "--seeds", "1,2", "--epochs", "3000", "--run", "shared", "--jobs", "2", "-q"]
    process = subprocess.Popen(
        [sys.executable, "-m", "connprune", *words], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + PATIENCE
    owners = [tmp_path / "shared" / "jobs" / "cut" / f"seed-{seed}" / ".owner.json" for seed in (1, 2)]
    while not all(owner.exists() for owner in owners):
        assert time.monotonic() < deadline
        assert process.poll() is None
    for owner, number in zip(owners, (signal.SIGKILL, signal.SIGTERM), strict=True):
        os.kill(json.loads(owner.read_text(encoding="utf-8"))["process"], number)
    err = process.communicate(timeout=PATIENCE)[1]

    assert process.returncode == 1
    assert "2 of 2 trainings are not finished; the first is shared/jobs/cut/seed-1: " in err
    assert re.search(r"worker \d \(process \d+\) was ended by SIGKILL: (somebody did this|the machine ran out)", err)
    assert re.search(r"worker \d \(process \d+\) was ended by SIGTERM", err)


@pytest.mark.parametrize("means", [("--jobs", "2"), ("--list",)])
def test_a_command_that_only_waits_takes_nothing_of_a_gpu(
    command: Command, cut: str, monkeypatch: pytest.MonkeyPatch, means: tuple[str, ...]
) -> None:
    """There need be no GPU: what would open a context on one is watched. The workers find none, and say so."""
    opened: list[object] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "set_device", opened.append)
    monkeypatch.setattr(torch.cuda, "_lazy_init", lambda: opened.append("init"))
    done = command("retrain", cut, "--seeds", "2", "--epochs", "1", *means)
    assert opened == []
    assert done.code == (0 if means == ("--list",) else 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["parent"], "Several cuts are compared over their searches; name the baselines with --against"),
        (["cut", "--against", "chain"], "cut: this is a cut of the same search as cut, "),
        (["parent", "--against", "chain"], "parent: this run is no cut; make one with `connprune prune parent`"),
        (["--against", "random-cost:0"], "baseline random-cost:0: expected a number from 1 upwards after the colon"),
        (["--against", "dense-scaled:foo"], "baseline dense-scaled:foo: expected params or macs after the colon"),
        (["--against", "random-cots:2"], "did you mean 'random-cost'?"),
        (["--seeds", "0"], "--seeds 0: expected how many, like 5, or a list of different ones"),
        (["--seeds", "1,1"], "--seeds 1,1: expected how many"),
        (["--seeds", "x"], "--seeds x: expected how many"),
        (["--against", "nobody"], "baseline nobody: expected one of parent, dense"),
        (["--jobs", "2"], "--jobs, --on, --list and --collect go with --against or --seeds"),
        (["--against", "chain", "--run", "parent"], "parent: expected an empty or a new directory"),
        (["--resume", "--run", "parent"], "parent: expected retrain or comparison, found a train"),
        (["--against", "chain", "--collect"], "there is no such comparison to collect"),
        (["--seeds", "01,1"], "--seeds 01,1: expected how many"),
        (["--seeds", "00"], "--seeds 00: expected how many"),
        (["--seeds", "2", "--device", "gpu", "--jobs", "2"], "--device: found 'gpu'"),
        (["--resume", "--run", "new", "--seeds", "3"], "There is no cut run in runs"),
    ],
)
def test_bad_input_is_refused(command: Command, cut: str, arguments: list[str], message: str) -> None:
    resumes = "--resume" in arguments
    done = command("retrain", *([] if resumes else [cut]), *arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert "Traceback" not in done.err
