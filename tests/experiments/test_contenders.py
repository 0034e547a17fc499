from pathlib import Path

import pytest

from connprune.architecture.files import to_yaml
from connprune.architecture.shapes import mac_count, parameter_count
from connprune.architecture.wirings import in_order
from connprune.errors import UsageError
from connprune.experiments.contenders import Setting, members
from connprune.runs.directory import RunDirectory
from tests.experiments.helpers import make_cut


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return make_cut(tmp_path_factory.mktemp("contest"))


@pytest.fixture(scope="module")
def setting(cut: RunDirectory) -> Setting:
    return Setting.of(cut, None, None)


def test_each_rival_is_what_its_name_says(setting: Setting) -> None:
    rivals = ["parent", "dense", "chain", "residual", "finetune", "evolution:4"]
    found = {member.name: member for member in members(setting, rivals)}
    layers = [layer.name for layer in setting.contest.parent.layers]

    assert list(found) == ["cut", *rivals[:-1], "evolution"]
    assert found["cut"].architecture.gates is None
    assert found["parent"].architecture.gates == setting.parent.gates
    assert len(found["dense"].architecture.all_connections) == 45
    assert found["dense"].architecture.gates is None
    assert all(sources == (before,) for (_, sources), before in zip(
        found["chain"].architecture.connections.items(), ["input", *layers], strict=True))  # fmt: skip
    assert len(found["residual"].architecture.all_connections) == 9 + 4
    assert found["finetune"].weights is not None
    assert found["finetune"].architecture.gates
    assert found["finetune"].architecture.gates.penalty == 0
    assert found["evolution"].budget == 4
    recipes = {member.configuration.training for member in found.values()}
    assert len(recipes) == 1


def test_random_rivals_are_live_different_and_of_the_cut_s_size(setting: Setting) -> None:
    ours = setting.contest.cut
    found = members(setting, ["random:12"])[1:]

    assert [member.name for member in found] == [f"random-{number:02}" for number in range(1, 13)]
    wirings = {repr(member.architecture.connections) for member in found}
    assert len(wirings | {repr(ours.connections)}) == 13
    for member in found:
        assert len(member.architecture.all_connections) == len(ours.all_connections)
        connections = member.architecture.connections
        assert in_order(connections, [name for name in connections if name != "head"]) == connections


def test_random_rivals_are_the_same_for_the_same_seed(cut: RunDirectory) -> None:
    def drawn(seed: int) -> list[str]:
        return [to_yaml(member.architecture) for member in members(Setting.of(cut, None, seed), ["random:3"])]

    assert drawn(1) == drawn(1) != drawn(2)


def test_random_params_rivals_have_the_cut_s_parameters_within_two_percent(setting: Setting) -> None:
    wanted = parameter_count(setting.contest.cut)
    for member in members(setting, ["random-params:4"])[1:]:
        assert abs(parameter_count(member.architecture) - wanted) <= 0.02 * wanted


def test_random_cost_rivals_have_both_of_the_cut_s_counts_within_three_percent(setting: Setting) -> None:
    ours = setting.contest.cut
    found = members(setting, ["random-cost:4"])[1:]

    assert [member.name for member in found] == [f"random-cost-{number}" for number in range(1, 5)]
    assert len({repr(each.connections) for each in (ours, *(member.architecture for member in found))}) == 5
    for count in (parameter_count, mac_count):
        for member in found:
            assert abs(count(member.architecture) - count(ours)) <= 0.03 * count(ours)
    again = members(setting, ["random-cost:4"])[1:]
    assert [to_yaml(member.architecture) for member in again] == [to_yaml(member.architecture) for member in found]


def test_a_cost_that_no_random_wiring_has_leaves_the_others(tmp_path: Path) -> None:
    """A cut of nothing costs more than any other wiring of its parent."""
    told: list[str] = []
    found = members(Setting.of(make_cut(tmp_path, 44), None, None), ["random-cost:2", "chain"], told.append)
    assert [member.name for member in found] == ["cut", "chain"]
    (why,) = told
    assert why.startswith("left out: --against random-cost:2: 100 random wirings in a row had not the cut's ")
    assert "within 3%" in why


@pytest.mark.parametrize("name", ["dense", "chain", "residual"])
def test_scaled_rivals_have_other_widths_and_the_cut_s_count(setting: Setting, name: str) -> None:
    ours = setting.contest.cut
    given = {member.name: member for member in members(setting, [name, f"{name}-scaled", f"{name}-scaled:macs"])}
    assert list(given) == ["cut", name, f"{name}-scaled-params", f"{name}-scaled-macs"]
    for fitted, count in (("params", parameter_count), ("macs", mac_count)):
        found = given[f"{name}-scaled-{fitted}"].architecture
        assert found.connections == given[name].architecture.connections
        assert [layer.kind for layer in found.layers] == [layer.kind for layer in setting.contest.parent.layers]
        whole = given[name].architecture
        assert abs(count(found) - count(ours)) <= abs(count(whole) - count(ours))


def test_a_run_and_a_file_can_be_rivals(setting: Setting, cut: RunDirectory, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(to_yaml(setting.contest.parent), encoding="utf-8")
    found = members(setting, [str(file), str(cut.path.parent / "parent")])

    assert [member.name for member in found] == ["cut", "mine", "other-parent"]
    assert found[1].architecture == found[2].architecture == setting.contest.parent


@pytest.mark.parametrize(
    ("against", "message"),
    [
        (["denser"], "--against denser: expected one of parent, dense, chain"),
        (["chain", "chain"], "there is a 'chain' already"),
        (["chain:3"], "--against chain:3: expected one of"),
        (["random:0"], "expected a number from 1 upwards after the colon"),
        (["random-cost:0"], "expected a number from 1 upwards after the colon"),
        (["random-cots:3"], "did you mean 'random-cost'?"),
        (["dense-scaled:foo"], "--against dense-scaled:foo: expected params or macs after the colon"),
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
def test_a_rival_that_cannot_be_made_is_refused(setting: Setting, against: list[str], message: str) -> None:
    with pytest.raises(UsageError) as refused:
        members(setting, against)
    assert message in str(refused.value)


def test_more_random_rivals_than_there_are_wirings_are_refused(tmp_path: Path) -> None:
    cut = make_cut(tmp_path, 44)
    with pytest.raises(UsageError, match="there are only 0 wirings of 45 connections"):
        members(Setting.of(cut, None, None), ["random:1"])


def test_a_rival_that_there_is_not_leaves_the_others(tmp_path: Path) -> None:
    setting = Setting.of(make_cut(tmp_path, 44), None, None)
    told: list[str] = []
    found = members(setting, ["random:1", "chain", "all"], told.append)
    assert [member.name for member in found] == ["cut", "chain"]
    assert told[0] == "left out: --against random:1: there are only 0 wirings of 45 connections."
    assert told[1].startswith("left out: --against all: this parent has ")


def test_a_cut_of_a_cut_competes_within_the_first_parent(cut: RunDirectory, tmp_path: Path) -> None:
    import torch

    from connprune.architecture.rules import Keep
    from connprune.data.sources import load
    from connprune.training.pruning import examine, prune, write_cut

    examined = examine(cut, "gate", "connection", lambda found: load(found.data), torch.device("cpu"))
    second = write_cut(prune(examined, Keep(len(cut.architecture().gated_connections) - 1)), tmp_path / "second")
    assert len(Setting.of(second, None, None).contest.parent.all_connections) == 45
