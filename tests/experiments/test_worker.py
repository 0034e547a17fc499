import json
import shutil
from pathlib import Path
from random import Random

import pytest

from connprune.architecture.cutting import restricted
from connprune.architecture.live_wirings import LiveWirings
from connprune.documents.plan import ComparisonPlan
from connprune.errors import InterruptedRunError, UsageError
from connprune.experiments.compared import ComparedCut
from connprune.experiments.comparison import collect
from connprune.experiments.evolution import mutated
from connprune.experiments.plan import Plan, begin, read
from connprune.experiments.searches import gather
from connprune.files import sealed, write_json
from connprune.report.comparison import comparison_text
from connprune.runs.directory import RunDirectory
from connprune.tensor_files import read_tensors
from connprune.training.configuration import design, resolve
from tests.experiments.helpers import Patience, lasting, make_cut, work_off

BASELINES = ["parent", "chain", "random:2", "finetune", "evolution:4"]


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return make_cut(tmp_path_factory.mktemp("work"), 22, "data.train_images=64")


def plan(cut: RunDirectory, path: Path, baselines: list[str] | None = None, epochs: int = 1) -> Plan[ComparisonPlan]:
    found = gather([cut], BASELINES if baselines is None else baselines, epochs, None, print)
    return begin(path, found.plan([1, 2]), found.candidates)


def test_interruptions_and_turns_change_nothing(cut: RunDirectory, tmp_path: Path) -> None:
    whole = plan(cut, tmp_path / "whole")
    work_off(whole)
    parts = plan(cut, tmp_path / "parts")
    done: list[str] = []
    for looks, at_once in ((3, 1), (14, 3), (9, 2), (20, 4)):
        with pytest.raises(InterruptedRunError):
            work_off(parts, Patience(looks), done, at_once)
        statuses = {job.run.summary.status for job in parts.jobs}
        assert statuses <= {"planned", "interrupted", "finished"}
    work_off(parts, None, done, at_once=3)

    assert sorted(done) == sorted(f"{job.candidate}/{job.seed}" for job in parts.jobs)
    assert not parts.unfinished
    nothing = collect(parts, lambda networks: {})
    assert lasting(nothing) == lasting(collect(whole, lambda networks: {}))
    for job, other in zip(whole.jobs, parts.jobs, strict=True):
        ours, theirs = (read_tensors(run.final)[0] for run in (job.run, other.run))
        assert all((ours[name] == theirs[name]).all() for name in ours)


def test_what_is_finished_is_not_trained_again(cut: RunDirectory, tmp_path: Path) -> None:
    ours = plan(cut, tmp_path / "plan", ["chain"])
    assert work_off(ours)[0] == ["cut/1", "chain/1", "cut/2", "chain/2"]
    before = [job.run.final.stat().st_mtime_ns for job in ours.jobs]
    assert work_off(plan(cut, tmp_path / "plan", ["chain"]))[0] == []
    assert [job.run.final.stat().st_mtime_ns for job in ours.jobs] == before


def test_a_job_that_another_process_has_is_left_to_it(cut: RunDirectory, tmp_path: Path) -> None:
    ours = plan(cut, tmp_path / "plan", [])
    with ours.jobs[0].run.locked():
        assert work_off(ours) == (["cut/2"], {})


def test_a_job_that_fails_does_not_stop_the_others(cut: RunDirectory, tmp_path: Path) -> None:
    ours = plan(cut, tmp_path / "plan", ["chain"])
    broken = ours.job("chain", 1)
    broken.config.write_text("training: {epochs: none}", encoding="utf-8")
    done, failed = work_off(ours)

    assert done == ["cut/1", "cut/2", "chain/2"]
    assert list(failed) == [broken.path]
    found = collect(ours, lambda networks: {})
    assert found.unfinished == 1
    assert [row.seeds for row in found.rows] == [2, 1]
    assert found.rows[1].difference
    assert found.rows[1].difference.pairs == 1


def test_another_experiment_in_the_same_directory_is_refused(cut: RunDirectory, tmp_path: Path) -> None:
    plan(cut, tmp_path / "plan", ["chain"])
    with pytest.raises(UsageError, match="holds another experiment"):
        plan(cut, tmp_path / "plan", ["dense"])


OF_A_COMPARISON = {"schema": 2, "kind": "comparison", "identity": "0", "seeds": [1], "epochs": 1, "against": []}


@pytest.mark.parametrize(
    "text", ["[", '{"schema": 2, "kind": "comparison", "seeds": 3}', json.dumps({**OF_A_COMPARISON, "seeds": ["x"]})]
)
def test_a_damaged_plan_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "plan.json").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"plan\.json: this file is damaged"):
        read(tmp_path, ComparisonPlan)


@pytest.mark.parametrize(
    ("row", "about", "told"),
    [
        ("cut", {"cuts": ["c"]}, "rules"),
        ("cut", {"cuts": ["c"], "rules": []}, "rules: found 0, expected one for each of 1 cuts"),
        ("cut", {"cuts": [], "rules": []}, "cuts"),
        ("1/cut", {"cuts": ["c"], "rules": ["r"]}, "rows: expected cut among them"),
        ("1/cut", {"cuts": ["c", "d"], "rules": ["r", "r"]}, "rows: expected 1/cut, 2/cut among them"),
        ("chain", {"cuts": ["c"], "rules": ["r"]}, "rows: expected cut among them"),
        ("cut", {"cuts": "c", "rules": "r"}, "cuts"),
    ],
)
def test_a_plan_that_lacks_a_cut_is_refused(tmp_path: Path, row: str, about: dict[str, list[str]], told: str) -> None:
    write_json(tmp_path / "plan.json", sealed({**OF_A_COMPARISON, "rows": {row: ["1-cut"]}, **about}))
    with pytest.raises(UsageError, match=rf"plan\.json: this file is damaged: .*{told}"):
        read(tmp_path, ComparisonPlan)


def test_a_job_that_was_lost_or_damaged_is_made_again(cut: RunDirectory, tmp_path: Path) -> None:
    ours = plan(cut, tmp_path / "plan", ["chain"])
    work_off(ours)
    shutil.rmtree(ours.job("cut", 2).path)
    (ours.job("chain", 1).path / "summary.json").write_text("{", encoding="utf-8")

    assert [job.candidate for job in ours.unfinished] == ["chain", "cut"]
    again = plan(cut, tmp_path / "plan", ["chain"])
    done, failed = work_off(again)
    assert done == ["cut/2"]
    assert "summary.json: this file is damaged" in failed[again.job("chain", 1).path]


def test_rows_without_a_seed_in_common_are_not_compared(cut: RunDirectory, tmp_path: Path) -> None:
    ours = plan(cut, tmp_path / "plan", ["random:2"])
    work_off(ours)
    for candidate, seed in (("random-1", 1), ("random-2", 2)):
        shutil.rmtree(ours.job(candidate, seed).path)
    found = collect(ours, lambda networks: {})
    row = found.rows[1]
    assert (row.test_accuracy, row.difference, row.rank, row.seeds) == (None, None, None, 0)
    assert "no seed in common" in found.verdicts[0]
    assert comparison_text(found)


def test_finetuning_starts_from_the_cut_s_weights(cut: RunDirectory, tmp_path: Path) -> None:
    ours = plan(cut, tmp_path / "plan", ["finetune"], epochs=1)
    initial, final = read_tensors(ours.job("finetune", 1).initial)[0], read_tensors(cut.final)[0]
    assert initial.keys() == {name for name in final if not name.startswith("gates.")}
    assert (initial["layer_conv1.weight"] == final["layer_conv1.weight"]).all()
    assert ours.job("finetune", 1).architecture() == cut.architecture().without_gates()


def test_evolution_keeps_the_best_of_its_trials(cut: RunDirectory, tmp_path: Path) -> None:
    ours = plan(cut, tmp_path / "plan", ["evolution:10"])
    work_off(ours)
    run = ours.job("evolution", 1)
    trials = [RunDirectory(path) for path in sorted((run.path / "trials").iterdir())]
    accuracies = [trial.trained().final.validation_accuracy for trial in trials]

    assert len(trials) == 10
    evolution = run.summary.evolution
    assert evolution
    assert evolution.validation_accuracies == tuple(accuracies)
    assert run.trained().final.validation_accuracy == max(accuracies)
    assert run.trained().training_seconds == pytest.approx(sum(each.trained().training_seconds for each in trials))
    assert run.architecture() == trials[evolution.chosen or 0].architecture()


def test_a_wiring_without_neighbours_has_no_mutation() -> None:
    chain = resolve("digits", assignments=["connections=chain", "gates=none"])
    architecture = design(chain)
    assert mutated(architecture, architecture.connections, Random(0)) is None


def test_a_mutation_changes_one_or_two_connections(cut: RunDirectory) -> None:
    parent = ComparedCut.of(cut, None, None).pair.parent
    random = Random(3)
    wiring = LiveWirings(parent.connections).draw(random, 20)
    before = set(restricted(parent, wiring).all_connections)
    mutations = [mutated(parent, wiring, random) for _ in range(50)]
    after = [set(restricted(parent, found).all_connections) for found in mutations if found]
    assert {len(before ^ found) for found in after} == {1, 2}
