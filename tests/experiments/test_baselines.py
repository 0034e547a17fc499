from pathlib import Path

import pytest

from connprune.architecture.files import to_yaml
from connprune.architecture.shapes import mac_count, parameter_count
from connprune.architecture.wirings import in_order
from connprune.errors import UsageError
from connprune.experiments.candidates import candidates_of
from connprune.experiments.compared import ComparedCut
from connprune.runs.directory import RunDirectory
from tests.experiments.helpers import make_cut


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return make_cut(tmp_path_factory.mktemp("pair"))


@pytest.fixture(scope="module")
def compared(cut: RunDirectory) -> ComparedCut:
    return ComparedCut.of(cut, None, None)


def test_each_baseline_is_what_its_name_says(compared: ComparedCut) -> None:
    baselines = ["parent", "dense", "chain", "residual", "finetune", "evolution:4"]
    found = {candidate.name: candidate for candidate in candidates_of(compared, baselines)}
    layers = [layer.name for layer in compared.pair.parent.layers]

    assert list(found) == ["cut", *baselines[:-1], "evolution"]
    assert found["cut"].architecture.gates is None
    assert found["parent"].architecture.gates == compared.parent.gates
    assert len(found["dense"].architecture.all_connections) == 45
    assert found["dense"].architecture.gates is None
    assert all(sources == (before,) for (_, sources), before in zip(
        found["chain"].architecture.connections.items(), ["input", *layers], strict=True))  # fmt: skip
    assert len(found["residual"].architecture.all_connections) == 9 + 4
    assert found["finetune"].weights is not None
    assert found["finetune"].architecture == found["cut"].architecture
    assert [found[name].start for name in ("cut", "finetune", "parent")] == ["scratch", "cut", "scratch"]
    assert found["evolution"].budget == 4
    recipes = {candidate.configuration.training for candidate in found.values()}
    assert len(recipes) == 1


def test_random_baselines_are_live_different_and_of_the_cut_s_size(compared: ComparedCut) -> None:
    ours = compared.pair.cut
    found = candidates_of(compared, ["random:12"])[1:]

    assert [candidate.name for candidate in found] == [f"random-{number:02}" for number in range(1, 13)]
    wirings = {repr(candidate.architecture.connections) for candidate in found}
    assert len(wirings | {repr(ours.connections)}) == 13
    for candidate in found:
        assert len(candidate.architecture.all_connections) == len(ours.all_connections)
        connections = candidate.architecture.connections
        assert in_order(connections, [name for name in connections if name != "head"]) == connections


def test_random_baselines_are_the_same_for_the_same_seed(cut: RunDirectory) -> None:
    def drawn(seed: int) -> list[str]:
        return [
            to_yaml(candidate.architecture)
            for candidate in candidates_of(ComparedCut.of(cut, None, seed), ["random:3"])
        ]

    assert drawn(1) == drawn(1) != drawn(2)


def test_random_params_baselines_have_the_cut_s_parameters_within_two_percent(compared: ComparedCut) -> None:
    wanted = parameter_count(compared.pair.cut)
    for candidate in candidates_of(compared, ["random-params:4"])[1:]:
        assert abs(parameter_count(candidate.architecture) - wanted) <= 0.02 * wanted


def test_random_cost_baselines_have_both_of_the_cut_s_counts_within_three_percent(compared: ComparedCut) -> None:
    ours = compared.pair.cut
    found = candidates_of(compared, ["random-cost:4"])[1:]

    assert [candidate.name for candidate in found] == [f"random-cost-{number}" for number in range(1, 5)]
    assert len({repr(each.connections) for each in (ours, *(candidate.architecture for candidate in found))}) == 5
    for count in (parameter_count, mac_count):
        for candidate in found:
            assert abs(count(candidate.architecture) - count(ours)) <= 0.03 * count(ours)
    again = candidates_of(compared, ["random-cost:4"])[1:]
    assert [to_yaml(candidate.architecture) for candidate in again] == [
        to_yaml(candidate.architecture) for candidate in found
    ]


def test_a_cost_that_no_random_wiring_has_leaves_the_others(tmp_path: Path) -> None:
    """A cut of nothing costs more than any other wiring of its parent."""
    told: list[str] = []
    found = candidates_of(ComparedCut.of(make_cut(tmp_path, 44), None, None), ["random-cost:2", "chain"], told.append)
    assert [candidate.name for candidate in found] == ["cut", "chain"]
    (why,) = told
    assert why.startswith("left out: baseline random-cost:2: 100 random wirings in a row had not the cut's ")
    assert "within 3%" in why


@pytest.mark.parametrize("name", ["dense", "chain", "residual"])
def test_scaled_baselines_have_other_widths_and_the_cut_s_count(compared: ComparedCut, name: str) -> None:
    ours = compared.pair.cut
    given = {
        candidate.name: candidate
        for candidate in candidates_of(compared, [name, f"{name}-scaled", f"{name}-scaled:macs"])
    }
    assert list(given) == ["cut", name, f"{name}-scaled-params", f"{name}-scaled-macs"]
    for fitted, count in (("params", parameter_count), ("macs", mac_count)):
        found = given[f"{name}-scaled-{fitted}"].architecture
        assert found.connections == given[name].architecture.connections
        assert [layer.kind for layer in found.layers] == [layer.kind for layer in compared.pair.parent.layers]
        whole = given[name].architecture
        assert abs(count(found) - count(ours)) <= abs(count(whole) - count(ours))


def test_a_run_and_a_file_can_be_baselines(compared: ComparedCut, cut: RunDirectory, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(to_yaml(compared.pair.parent), encoding="utf-8")
    found = candidates_of(compared, [str(file), str(cut.path.parent / "parent")])

    assert [candidate.name for candidate in found] == ["cut", "mine", "other-parent"]
    assert found[1].architecture == found[2].architecture == compared.pair.parent


@pytest.mark.parametrize(
    ("against", "message"),
    [
        (["denser"], "baseline denser: expected one of parent, dense, chain"),
        (["chain", "chain"], "there is a 'chain' already"),
        (["chain:3"], "baseline chain:3: expected one of"),
        (["random:0"], "expected a number from 1 upwards after the colon"),
        (["random-cost:0"], "expected a number from 1 upwards after the colon"),
        (["random-cots:3"], "did you mean 'random-cost'?"),
        (["dense-scaled:foo"], "baseline dense-scaled:foo: expected params or macs after the colon"),
        (["chain-scaled:param"], "expected params or macs after the colon; did you mean 'params'?"),
        (["residual-scaled:"], "expected params or macs after the colon"),
        (["dense-scale"], "did you mean 'dense-scaled'?"),
        (["dense-scaled", "dense-scaled:params"], "a 'dense-scaled-params' already"),
        (["random:x"], "expected a number from 1 upwards after the colon"),
        (["evolution"], "expected how many trainings it may take"),
        (["all"], "3,040,867,308,543 wirings, more than the 5,000"),
        (["nothing/here.yaml"], "expected one of parent"),
    ],
)
def test_a_baseline_that_cannot_be_made_is_refused(compared: ComparedCut, against: list[str], message: str) -> None:
    with pytest.raises(UsageError) as refused:
        candidates_of(compared, against)
    assert message in str(refused.value)


def test_more_random_baselines_than_there_are_wirings_are_refused(tmp_path: Path) -> None:
    cut = make_cut(tmp_path, 44)
    with pytest.raises(UsageError, match="there are only 0 wirings of 45 connections"):
        candidates_of(ComparedCut.of(cut, None, None), ["random:1"])


def test_a_baseline_that_there_is_not_leaves_the_others(tmp_path: Path) -> None:
    compared = ComparedCut.of(make_cut(tmp_path, 44), None, None)
    told: list[str] = []
    found = candidates_of(compared, ["random:1", "chain", "all"], told.append)
    assert [candidate.name for candidate in found] == ["cut", "chain"]
    assert told[0] == "left out: baseline random:1: there are only 0 wirings of 45 connections."
    assert told[1].startswith("left out: baseline all: this parent has ")


def test_a_cut_of_a_cut_competes_within_the_first_parent(cut: RunDirectory, tmp_path: Path) -> None:
    import torch

    from connprune.architecture.rules import Keep
    from connprune.data.sources import load
    from connprune.training.pruning import examine, prune, write_cut

    examined = examine(cut, "gate", "connection", lambda found: load(found.data), torch.device("cpu"))
    second = write_cut(prune(examined, Keep(len(cut.architecture().gated_connections) - 1)), tmp_path / "second")
    assert len(ComparedCut.of(second, None, None).pair.parent.all_connections) == 45
