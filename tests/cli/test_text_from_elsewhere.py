"""Names of files, classes, keys and runs may be a stranger's: no terminal obeys them, no spreadsheet computes them."""

import ast
import csv
import io
import json
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import connprune
from connprune.cli.cells import cell
from connprune.cli.output import Output, say
from connprune.documents.lists import Preset
from connprune.printable import printable, visible
from tests.conftest import TINY, Command

# What moves the cursor, colours, retitles, turns the direction of writing, or breaks a line.
OBEYED = [c for c in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
DANGEROUS = frozenset(OBEYED) - {"\n"}
NAME = "x\x1b]0;PWNED\x07\x1b[2J\x08\x7f\x9b31m\u202egnp.\u2066\r"


def is_harmless(text: str) -> bool:
    return DANGEROUS.isdisjoint(text)


@given(st.lists(st.one_of(st.sampled_from(OBEYED), st.characters())).map("".join))
def test_whatever_a_text_holds(text: str) -> None:
    assert is_harmless(visible(text))
    assert visible(text).count("\n") == text.count("\n")
    assert printable(text).isprintable()
    assert "".join(c for c in text if c.isprintable()) == text or visible(text) != text


def test_every_character_that_a_terminal_obeys(capsys: pytest.CaptureFixture[str]) -> None:
    say("".join(OBEYED))
    output = Output()
    output.note("".join(OBEYED))
    output.warning("".join(OBEYED))
    output.table("".join(OBEYED), [], Preset(name="", configuration=""))
    list(output.progress([], "".join(OBEYED), 0))
    Output(as_json=True).result("", Preset(name="", configuration="".join(OBEYED)))
    found = capsys.readouterr()
    assert is_harmless(found.err)
    assert is_harmless(found.out)


def test_a_path_goes_to_programs_as_it_is_and_to_terminals_as_it_can_be_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Output().result(NAME)
    assert capsys.readouterr().out == f"{NAME}\n"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    Output().result(NAME)
    assert is_harmless(capsys.readouterr().out)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=6)
@given(st.lists(st.sampled_from([c for c in OBEYED if c != "\0"]), min_size=1).map("".join))
def test_names_on_the_command_line(command: Command, name: str) -> None:
    for arguments in (
        ("inspect", f"x{name}"),
        ("inspect", "--preset", name),
        ("inspect", "--preset", "digits", "--set", f"{name}=1"),
        ("inspect", "--preset", "digits", "--plugin", f"x{name}"),
        ("export", f"x{name}", "--format", name),
        (f"x{name}",),
    ):
        outcome = command(*arguments)
        assert outcome.code == 2, outcome
        assert is_harmless(outcome.err), outcome


def test_names_in_files(command: Command, tmp_path: Path) -> None:
    quoted = json.dumps(NAME)
    for text in (f"preset: digits\n{quoted}: 1", f"preset: {quoted}", f"layers: [{{kind: {quoted}}}]", f"{NAME}: ["):
        (tmp_path / "mine.yaml").write_text(text)
        for arguments in (("check", "mine.yaml"), ("train", "--config", "mine.yaml", "--dry-run")):
            outcome = command(*arguments)
            assert outcome.code == 2, outcome
            assert is_harmless(outcome.err), outcome


def test_names_of_runs_classes_and_images(command: Command, digits_folder: Path) -> None:
    for part in ("train", "test"):
        (digits_folder / part / "0").rename(digits_folder / part / NAME)
    (digits_folder / "train" / NAME / f"{NAME}.png").write_bytes(b"no image")
    refused = command("train", *TINY, "--data", digits_folder, "--run", "one")
    assert refused.code == 2, refused
    few = (*TINY, "--data", digits_folder, "--set", "data.train_images=40", "--set", "data.skip_damaged=true")
    # A path of several lines could not be passed on, and is refused.
    name = NAME.replace("\r", "")
    trained = command("train", *few, "--run", name)
    assert trained.code == 0, trained
    assert trained.out == f"{name}\n"
    told = [refused.err, trained.err]
    for arguments in (["inspect", name], ["runs", ".", "--csv"], ["runs", "."]):
        outcome = command(*arguments)
        assert outcome.code == 0, outcome
        told += [outcome.err, outcome.out]
    assert all(map(is_harmless, told)), told


def test_one_place_prints_to_standard_error() -> None:
    package = Path(connprune.__file__).parent
    places = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and (
            any(keyword.arg == "file" and "stderr" in ast.unparse(keyword.value) for keyword in node.keywords)
            or "stderr.write" in ast.unparse(node.func)
        )
    }
    assert places == {"cli/output.py"}


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠", " ="])
def test_formulas_become_text(sign: str) -> None:
    found = cell(f"{sign}cmd|'/C calc'!A0")
    assert found[0] == ("\\" if sign in "\t\r" else "'")


@given(st.text())
def test_no_cell_is_a_formula(text: str) -> None:
    found = cell(text)
    assert is_harmless(found)
    assert "\n" not in found
    begins = found.lstrip()[:1]
    assert begins not in tuple("=@＝＋－＠") or not begins
    if begins in ("+", "-") and begins:
        float(found)


@given(st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.none(), st.booleans()))
def test_numbers_stay_numbers(value: object) -> None:
    assert cell(value) is value
    if isinstance(value, int | float) and not isinstance(value, bool):
        assert cell(str(value)) == str(value)


def test_a_table_from_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"=HYPERLINK(A1)": "+1+1", "loss": -0.5}, {"=HYPERLINK(A1)": "-2", "loss": 1}]
    Output().table("", rows, Preset(name="", configuration=""), as_csv=True)
    found = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert found == [["'=HYPERLINK(A1)", "loss"], ["'+1+1", "-0.5"], ["-2", "1"]]
