"""Several searches: each has baselines of its own cost, and the interval is over searches."""

import shutil
from pathlib import Path
from statistics import fmean

import pytest

from connprune.analysis.statistics import paired_difference
from connprune.architecture.shapes import mac_count, parameter_count
from connprune.documents.comparison import CUT, Cost
from connprune.documents.plan import ComparisonPlan
from connprune.errors import ConnpruneError, InterruptedRunError, NoBaselineError, UsageError
from connprune.experiments.comparison import rows_of
from connprune.experiments.plan import Plan, begin, read
from connprune.experiments.search_results import collect, cost_over_searches
from connprune.experiments.searches import gather
from connprune.experiments.verdict import cost, verdict
from connprune.report.comparison import comparison_text
from connprune.runs.directory import RunDirectory
from connprune.training.configuration import read_configuration
from tests.experiments.helpers import Patience, make_cut, network, work_off

AGAINST = ["random-cost:2", "chain-scaled:macs"]


@pytest.fixture(scope="module")
def cuts(tmp_path_factory: pytest.TempPathFactory) -> list[RunDirectory]:
    folder = tmp_path_factory.mktemp("searches")
    few = "data.train_images=64"
    return [make_cut(folder / str(seed), 22 + seed, few, f"training.seed={seed}") for seed in (1, 2, 3)]


def silent(text: str) -> None: ...


def plan(cuts: list[RunDirectory], path: Path) -> Plan[ComparisonPlan]:
    found = gather(cuts, AGAINST, 1, None, silent)
    return begin(path, found.plan([5, 6]), found.candidates, found.images)


def test_each_search_has_its_own_cut_and_baselines_of_its_own_cost(cuts: list[RunDirectory], tmp_path: Path) -> None:
    found = {candidate.name: candidate.architecture for candidate in gather(cuts, AGAINST, 1, None, silent).candidates}
    names = ["cut", "random-cost-1", "random-cost-2", "chain-scaled-macs"]
    assert list(found) == [f"{number}-{name}" for number in (1, 2, 3) for name in names]
    for number, cut in enumerate(cuts, 1):
        ours = cut.architecture().without_gates()
        assert found[f"{number}-cut"] == ours
        for count in (parameter_count, mac_count):
            for each in (1, 2):
                assert count(found[f"{number}-random-cost-{each}"]) == pytest.approx(count(ours), rel=0.03)


def test_the_verdict_is_paired_by_search(cuts: list[RunDirectory], tmp_path: Path) -> None:
    whole = plan(cuts, tmp_path / "plan")
    with pytest.raises(ConnpruneError, match="no training of a cut is finished yet"):
        collect(whole, lambda networks: {})
    with pytest.raises(InterruptedRunError):
        work_off(whole, Patience(20))
    work_off(plan(cuts, tmp_path / "plan"))
    found = collect(read(tmp_path / "plan", ComparisonPlan), lambda networks: {})

    def mean(candidate: str) -> float:
        seeds = {"1": (5, 6), "2": (7, 8), "3": (9, 10)}[candidate[0]]
        return fmean(whole.job(candidate, seed).trained().final.test_accuracy for seed in seeds)

    assert [row.network for row in found.rows] == ["cut", "random-cost", "chain-scaled-macs"]
    ours = [mean(f"{number}-cut") for number in (1, 2, 3)]
    drawn = [fmean(mean(f"{number}-random-cost-{each}") for each in (1, 2)) for number in (1, 2, 3)]
    expected = paired_difference(ours, drawn)
    row = found.rows[1]
    assert row.difference
    assert row.rank
    assert row.cost
    assert row.difference.mean == pytest.approx(expected.mean)
    assert row.difference.low == pytest.approx(expected.low)
    assert (row.difference.pairs, row.searches, row.seeds, row.count) == (3, 3, 2, 2)
    assert len(row.rank.places) == 3
    assert row.cost.equal
    assert found.cuts == tuple(str(cut.path.resolve()) for cut in cuts)
    assert [each.search for each in found.searches] == [1, 2, 3]
    assert "3 searches" in found.verdicts[0]
    assert "Seeds 5, 6 of the first search and the next ones of each other; epochs 1." in comparison_text(found)
    # No training is counted for two searches, even if they found the same.
    assert [len({read_configuration(job.run).training.seed for job in whole.jobs if job.row.endswith(f"/{CUT}")})] == [
        6
    ]
    assert "at equal cost" in found.verdicts[0]
    assert "of 3 searches (places " in found.verdicts[0]
    text = comparison_text(found)
    assert "− random-cost" in text
    assert all(sentence in text for sentence in found.verdicts)

    for candidate in ("3-random-cost-1", "3-random-cost-2"):
        for seed in (9, 10):
            shutil.rmtree(whole.job(candidate, seed).path)
    rows = {row.network: row for row in collect(whole, lambda networks: {}).rows}
    assert (rows["random-cost"].searches, rows["chain-scaled-macs"].searches) == (2, 3)
    assert (left := rows["random-cost"].difference)
    assert left.mean == pytest.approx(paired_difference(ours[:2], drawn[:2]).mean)


def test_a_search_without_a_baseline_is_left_out_of_it(tmp_path: Path, cuts: list[RunDirectory]) -> None:
    """A cut of nothing costs more than any other wiring of its parent."""
    whole = make_cut(tmp_path, 44, "data.train_images=64", "training.seed=9")
    told: list[str] = []
    found = gather([cuts[0], whole], AGAINST, 1, None, told.append)
    assert any(str(whole.path) in text and "random-cost:2" in text for text in told)
    rows = {candidate.row for candidate in found.candidates}
    assert rows == {"1/cut", "1/random-cost", "1/chain-scaled-macs", "2/cut", "2/chain-scaled-macs"}
    with pytest.raises(NoBaselineError, match="random wirings in a row"):
        gather([whole, make_cut(tmp_path / "other", 44, "training.seed=8")], ["random-cost:1"], 1, None, told.append)


def test_a_mean_of_unequal_costs_is_not_called_equal() -> None:
    ours = network("cut", 100, 100)
    costs = [cost([network("chain", parameters, 100)], ours) for parameters in (125, 100 / 1.2, 100)]
    (_, row) = rows_of({"cut": [ours], "chain": [network("chain", 100, 100)]})

    def said(*costs: Cost) -> str:
        difference = paired_difference([0.3, 0.2, 0.3], [0.1] * 3)
        return verdict(row.model_copy(update={"cost": cost_over_searches(costs), "difference": difference}), "search")

    assert " at unequal cost in 2 of 3 searches: 1 times the parameters" in said(*costs)
    assert " at equal cost: 1 times" in said(costs[2])
    assert " at unequal cost: 0.8 times" in said(costs[0])


def test_two_cuts_of_one_search_are_no_two_searches(cuts: list[RunDirectory], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a cut of the same search as"):
        gather([cuts[0], cuts[1], cuts[0]], ["chain"], 1, None, silent)


def test_a_search_that_was_done_twice_or_copied_counts_once(cuts: list[RunDirectory], tmp_path: Path) -> None:
    again = make_cut(tmp_path / "again", 20, "data.train_images=64", "training.seed=1")
    copy = RunDirectory(shutil.copytree(cuts[0].path, tmp_path / "elsewhere" / "cut"))
    for other in (again, copy):
        with pytest.raises(
            UsageError, match=r"a cut of the same search as .*: configuration and seed, 1, are the same"
        ):
            gather([cuts[0], cuts[1], other], ["chain"], 1, 5, silent)


def test_searches_of_other_images_are_refused(cuts: list[RunDirectory], tmp_path: Path) -> None:
    other = RunDirectory(shutil.copytree(cuts[1].path, tmp_path / "cut"))
    other.summarise(data_digest="another")
    with pytest.raises(UsageError, match="saw other images"):
        gather([cuts[0], other], ["chain"], 1, None, silent)


def test_searches_that_differ_in_more_than_their_seed_are_told_apart(cuts: list[RunDirectory], tmp_path: Path) -> None:
    other = make_cut(tmp_path, 22, "data.train_images=64", "training.seed=9", "training.batch_size=16")
    told: list[str] = []
    gather([*cuts, other], ["chain"], 1, None, told.append)
    assert "the searches differ in more than their seeds" in told[0]
    assert "training.batch_size" in told[0]
    assert told[1].startswith("the cuts were not made alike")
    assert not any("training.seed" in text for text in told)


def test_epochs_of_the_retraining_hide_no_epochs_of_the_search(cuts: list[RunDirectory], tmp_path: Path) -> None:
    other = make_cut(tmp_path, 22, "data.train_images=64", "training.seed=9", "training.epochs=2")
    for epochs in (None, 1):
        told: list[str] = []
        gather([cuts[0], other], ["chain"], epochs, None, told.append)
        assert "the searches differ in more than their seeds" in told[0]
        assert "training.epochs" in told[0]
