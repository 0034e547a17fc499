"""A tree of runs that is moved as a whole stays one: its files name each other relative to where they are."""

import json
import shutil
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from connprune.files import sealed
from connprune.report.parent import parent_of
from connprune.runs.cut import read_cut
from connprune.runs.directory import RunDirectory
from connprune.runs.links import followed, stored
from tests.conftest import TINY, Command


def test_a_tree_of_runs_is_moved(command: Command, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    command("train", *TINY, "--run", "here/runs/parent")
    cut = command("prune", "here/runs/parent", "--keep", "30", "--out", "here/cuts/cut", "--json").json
    assert cut["parent"] == str(tmp_path / "here/runs/parent")
    command("prune", "here/cuts/cut", "--keep", "29", "--out", "here/cuts/further")
    one = command("retrain", "here/cuts/cut", "--epochs", "1", "--device", "cpu", "--run", "here/one", "--json").json
    assert [Path(each).resolve() for each in one["cuts"]] == [tmp_path / "here/cuts/cut"]
    compared = (
        "retrain",
        "here/cuts/cut",
        "--seeds",
        "1",
        "--epochs",
        "1",
        "--device",
        "cpu",
        "--run",
        "here/compared",
    )
    assert command(*compared).code == 0
    for path in (tmp_path / "here").rglob("*.json"):
        if path.name != "environment.json":
            assert str(tmp_path) not in path.read_text(), path
    (tmp_path / "here").rename(tmp_path / "there")
    further = read_cut(RunDirectory(tmp_path / "there/cuts/further"))
    assert further.ancestry == (str(tmp_path / "there/runs/parent"), str(tmp_path / "there/cuts/cut"))
    parent, why = parent_of(RunDirectory(tmp_path / "there/cuts/cut"))
    assert parent, why
    assert parent.name == "parent"
    assert command("inspect", "there/one", "--json").json["summary"]["cut"] == str(tmp_path / "there/cuts/cut")
    assert command("retrain", "--collect", "--run", "there/compared", "--json").json["cuts"] == [
        str(tmp_path / "there/cuts/cut")
    ]
    # Another run in the parent's place is not taken for it.
    shutil.rmtree(tmp_path / "there/runs/parent")
    command("train", *TINY, "--seed", "7", "--run", "there/runs/parent")
    assert parent_of(RunDirectory(tmp_path / "there/cuts/cut"))[0] is None


def test_absolute_paths_of_older_versions_are_read(command: Command, tmp_path: Path) -> None:
    command("train", *TINY, "--run", "parent")
    command("prune", "parent", "--keep", "30", "--out", "cut")
    for name in ("cut.json", "summary.json"):
        document = json.loads((tmp_path / "cut" / name).read_text())
        assert document["parent"] == "../parent"
        (tmp_path / "cut" / name).write_text(json.dumps(sealed({**document, "parent": str(tmp_path / "parent")})))
    (tmp_path / "cut").rename(tmp_path / "elsewhere")
    parent, why = parent_of(RunDirectory(tmp_path / "elsewhere"))
    assert parent, why
    assert RunDirectory(tmp_path / "elsewhere").summary.parent == str(tmp_path / "parent")


NAME = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1).filter(
    lambda name: name not in (".", "..")
)


@given(st.lists(NAME, min_size=1, max_size=4), st.lists(NAME, min_size=1, max_size=4), st.booleans())
def test_a_path_that_is_stored_is_followed_to_itself(folder: list[str], names: list[str], is_list: bool) -> None:
    place, path = Path("/", *folder), str(Path("/", *names))
    document = {"cut": [path, path] if is_list else path, "rule": path}
    written = stored(document, place, "cut", "parent")
    assert written["rule"] == path
    assert followed(written, place, "cut", "parent") == document
    assert followed(document, place, "cut", "parent") == document


def test_another_cut_in_the_place_of_a_runs_own_is_refused(command: Command, tmp_path: Path) -> None:
    command("train", *TINY, "--run", "parent")
    command("prune", "parent", "--keep", "30", "--out", "cut")
    words = ("retrain", "cut", "--epochs", "1", "--device", "cpu", "--run", "one")
    assert command(*words).code == 0
    assert command("retrain", "--resume", "--run", "one").code == 0
    shutil.rmtree("cut")
    command("prune", "parent", "--keep", "20", "--out", "cut")
    before = (tmp_path / "one/comparison.json").read_bytes()
    outcome = command("retrain", "--resume", "--run", "one")
    assert outcome.code == 2
    assert f"one: {tmp_path / 'cut'} is another cut than the one that it was begun with" in outcome.err
    assert (tmp_path / "one/comparison.json").read_bytes() == before
