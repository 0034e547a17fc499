"""A mistake is data: the command, `check` and Python tell the same ones, and nobody reads them out of a sentence."""

import pickle
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connprune.errors import ArgumentError, ConnpruneError, UsageError
from connprune.experiments.checking import check
from connprune.mistakes import Mark, Mistake
from connprune.training.configuration import design, resolve
from tests.conftest import Command

PRODUCT = Path(__file__).parent.parent / "connprune"
WORDS = st.text(st.sampled_from("abc .,:()`'\n"), min_size=1, max_size=12)
MARKS = st.one_of(
    st.builds(Mark),
    st.builds(Mark, source=WORDS),
    st.builds(Mark, WORDS, st.none() | st.integers(1, 99)),
    st.builds(Mark, WORDS, st.integers(1, 99), st.integers(1, 99), WORDS),
)
MISTAKES = st.builds(
    Mistake,
    problem=WORDS,
    key=st.none() | WORDS,
    found=st.none() | WORDS,
    expected=st.none() | WORDS,
    hint=st.none() | WORDS,
    mark=MARKS,
)


@given(MISTAKES)
def test_a_sentence_holds_all_that_is_known(mistake: Mistake) -> None:
    mark = mistake.mark
    parts = (mistake.problem, mistake.key, mistake.found, mistake.expected, mistake.hint, mark.file, mark.source)
    assert all(part in str(mistake) for part in parts if part)
    for number in (mark.line, mark.column):
        assert number is None or str(number) in str(mistake)


@pytest.mark.parametrize(
    ("mistake", "told"),
    [
        (Mistake(key="threshold", found="-1", expected="a number from 0 upwards"),
         "threshold: found -1, expected a number from 0 upwards."),
        (Mistake("there is no Apple GPU here", key="device", found="mps", hint="use cpu"),
         "device: found mps, but there is no Apple GPU here; use cpu."),
        (Mistake("there is no such key", key="clases", hint="did you mean 'classes'?", mark=Mark("a.yaml", 2, 1, "x")),
         "clases: there is no such key; did you mean 'classes'? (a.yaml, line 2, column 1: `x`)"),
        (Mistake("this key is missing.", key="layers", mark=Mark("a.yaml")), "layers: this key is missing. (a.yaml)"),
        (Mistake("this is no valid YAML.", mark=Mark("a.yaml", 3, 5)),
         "a.yaml, line 3, column 5: this is no valid YAML."),
        (Mistake(key="a", found="1", expected="2", mark=Mark(source="a=1")),
         "a: found 1, expected 2. (command line: `a=1`)"),
    ],
)  # fmt: skip
def test_sentences(mistake: Mistake, told: str) -> None:
    assert str(mistake) == told


@given(st.lists(MISTAKES | WORDS, min_size=1, max_size=3))
def test_an_error_keeps_its_mistakes_on_the_way_to_another_process(mistakes: list[Mistake | str]) -> None:
    given = [Mistake(each) if isinstance(each, str) else each for each in mistakes]
    for error in (ConnpruneError(*mistakes), ArgumentError(*given)):
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error)
        assert again.mistakes == error.mistakes
        assert str(again) == str(error) == "\n".join(map(str, mistakes))


FILES = {
    "configuration": "preset: digits\ntrainin: {epochs: 3}\ngates:\n  kind: sigmoit\ntraining:\n  epochs: 0\n",
    "the whole configuration": "preset: digits\nmerge: {aggregate: squeeze, feature_maps: 99}\n",
    "unsuitable": "preset: digits\ngates:\n  kind: sigmoid\n  open: 3\n",
    "preset": "layers: []\npreset: digit\n",
    "YAML": "training:\n  epochs: [1\n",
}


@pytest.mark.parametrize("text", FILES.values(), ids=FILES.keys())
def test_check_train_and_python_tell_the_same(command: Command, tmp_path: Path, text: str) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    path = Path("mine.yaml")
    with pytest.raises(UsageError) as refused:
        design(resolve(config=path))
    document = check(path)
    fields = ("message", "file", "line", "column", "key", "found", "expected", "hint")
    assert [mistake.plain() for mistake in document.mistakes] == [
        {name: getattr(mistake, name) for name in fields} for mistake in refused.value.mistakes
    ]
    assert command("check", "mine.yaml", "--json").json["mistakes"] == document.plain()["mistakes"]
    for words in (("check", "mine.yaml"), ("train", "--config", "mine.yaml", "--dry-run")):
        assert command(*words).err == f"Error: {refused.value}\n"


def test_a_mistake_of_a_configuration_is_data(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(FILES["configuration"])
    kind, epochs, unknown = check(tmp_path / "mine.yaml").mistakes
    assert (unknown.key, unknown.found, unknown.hint, unknown.line) == ("trainin", None, "did you mean 'training'?", 2)
    assert (kind.key, kind.found, kind.hint, kind.line) == ("gates.kind", "'sigmoit'", "did you mean 'sigmoid'?", 4)
    assert (epochs.key, epochs.found, epochs.expected) == ("training.epochs", "0", "greater than or equal to 1")


def test_a_section_is_refused_at_the_line_of_the_key_that_does_not_suit(tmp_path: Path) -> None:
    """Whatever word its sentence begins with."""
    text = "preset: digits\ngates:\n  kind: softmax\n  penalty: 0\n  sharing: per-feature-map\n"
    (tmp_path / "mine.yaml").write_text(text)
    (mistake,) = check(tmp_path / "mine.yaml").mistakes
    assert mistake.message.startswith("gates: softmax gates weigh")
    assert mistake.line == 5


def test_a_cell_of_a_sweep_is_refused_at_its_line(tmp_path: Path) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text(
        "base: {preset: digits}\naxes:\n  training.epochs:\n  - 1\n  - 0\n  size:\n    small: {classes: 1}\n"
    )
    epochs, classes = sorted(check(file).mistakes, key=lambda mistake: mistake.key or "", reverse=True)
    assert (epochs.key, epochs.file, epochs.line) == ("training.epochs", str(file), 5)
    assert (classes.key, classes.file, classes.line) == ("classes", str(file), 7)


def test_a_file_without_keys_is_named(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("\n".join(f"{key}: {{}}" for key in ("layers", "connections", "input", "classes")))
    assert all(mistake.file == str(file) for mistake in check(file).mistakes)


@pytest.mark.parametrize("option", ["--threshold", "--keep", "--sparsity", "--max-macs"])
def test_the_command_names_the_option(command: Command, option: str) -> None:
    assert f"{option}'" in command("prune", option, "-1").err


def test_an_argument_is_an_option_on_the_command_line(command: Command) -> None:
    outcome = command("train", "--preset", "digits", "--dry-run", "--device", "tpu")
    assert outcome.code == 2
    assert outcome.err == "Error: --device: found 'tpu', expected auto, cpu, cuda, cuda:N or mps.\n"


def test_only_the_command_line_names_options() -> None:
    named = [
        f"{path.relative_to(PRODUCT)}:{number}: {line.strip()}"
        for path in PRODUCT.rglob("*.py")
        if path.relative_to(PRODUCT).parts[0] != "cli"
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(r"['\"` (]--[a-z][a-z-]+", line)
    ]
    assert named == []
