"""Standard streams that are closed, full, left by their reader, or without the letters of a path."""

import json
import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

from connprune.runs.directory import RunDirectory
from tests.conftest import PATIENCE, TINY

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the shell's")


def shell(folder: Path, script: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """Runs a script of bash in which `connprune` is the command."""
    start = f'connprune() {{ "{sys.executable}" -m connprune "$@"; }}\n'
    environment = {**os.environ, "CONNPRUNE_CACHE": str(folder / "cache"), "PYTHONIOENCODING": "", **variables}
    return subprocess.run(
        ["bash", "-c", start + script],
        cwd=folder,
        env=environment,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a training in `ü`, whose path went through an ASCII stdout, and whose progress lost its reader."""
    folder = tmp_path_factory.mktemp("streams")
    script = f"connprune train {' '.join(TINY)} --epochs 9 --run 'ü' 2>&1 >said | head -1"
    done = shell(folder, script, PYTHONIOENCODING="ascii")
    assert done.stdout.count(b"\n") == 1
    return folder


def test_a_training_goes_on_without_a_reader_of_its_progress(runs: Path) -> None:
    assert RunDirectory(runs / "ü").is_finished


def test_a_path_is_printed_though_the_encoding_lacks_its_letters(runs: Path) -> None:
    assert (runs / "said").read_bytes() == "ü\n".encode()


def test_a_path_goes_through_a_pipe_between_commands_that_lack_its_letters(runs: Path) -> None:
    done = shell(runs, "connprune inspect - --csv <said; connprune inspect 'ü' --csv", PYTHONIOENCODING="ascii")
    first, second = done.stdout[: len(done.stdout) // 2], done.stdout[len(done.stdout) // 2 :]
    assert first.startswith(b"source,target")
    assert first == second


PRINTS = "import os; from connprune.cli.streams import open_all; open_all(); print(os.fsdecode(b'\\xc3\\xbc\\xff'))"


@pytest.mark.parametrize(
    "variables",
    [{"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "utf-8"}, {"LC_ALL": "C"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}],
)
def test_the_bytes_of_a_path_are_printed_in_every_locale(tmp_path: Path, variables: dict[str, str]) -> None:
    done = shell(tmp_path, f'"{sys.executable}" -c "{PRINTS}"', **variables)
    assert (done.stdout, done.stderr) == (b"\xc3\xbc\xff\n", b"")


def test_people_see_letters_that_cannot_be_shown_as_escapes(runs: Path) -> None:
    done = shell(runs, "connprune runs .; connprune runs . --csv", PYTHONIOENCODING="ascii")
    assert b"\n\\xfc " in done.stdout
    assert "\nü,".encode() in done.stdout


CLOSED = [" ".join(filter(None, each)) for each in product(("", "<&-"), ("", ">&-"), ("", "2>&-"))]


@pytest.mark.parametrize("closed", CLOSED)
def test_closed_streams_are_no_trouble_but_a_lost_result_is(runs: Path, closed: str) -> None:
    done = shell(runs, f"connprune runs . --json {closed}")
    if ">&-" in closed.split():
        assert (done.returncode, done.stdout) == (1, b"")
        told = b"Error: standard output: it is closed; what was to be printed there is lost.\n"
        assert done.stderr == (b"" if "2>&-" in closed else told)
    else:
        assert (done.returncode, done.stderr) == (0, b"")
        assert len(json.loads(done.stdout)["runs"]) == 1


def test_notes_do_not_get_among_the_data(runs: Path) -> None:
    done = shell(runs, "connprune prune 'ü' --keep 30 --dry-run --json 2>&-")
    assert done.returncode == 0
    assert json.loads(done.stdout)["schema"]


def test_a_path_that_was_to_come_from_a_closed_stdin(runs: Path) -> None:
    done = shell(runs, "connprune inspect - <&-")
    assert done.returncode == 2
    assert b"Standard input is empty" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("words", ["--version", "--help", "presets digits", "runs .", "inspect --preset digits --csv"])
def test_a_result_that_nothing_takes_is_no_success(runs: Path, words: str) -> None:
    done = shell(runs, f"connprune {words} >/dev/full")
    assert done.returncode == 1
    told = b"Error: standard output: No space left on device; what was to be printed there is lost.\n"
    assert done.stderr == told


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", ["--help", "presets digits", "runs ."])
def test_a_reader_that_has_seen_enough_is_no_failure(runs: Path, words: str, unbuffered: str) -> None:
    # The command begins once nobody reads any more: then `echo` fails.
    script = f"trap '' PIPE; {{ while echo 2>/dev/null; do :; done; connprune {words}; echo $? >&2; }} | true"
    done = shell(runs, script, PYTHONUNBUFFERED=unbuffered)
    assert done.stderr == b"141\n"


def as_unknown_user() -> None:
    """Makes a process one of a user whom the system does not know, but leaves it the right to read what it needs."""
    os.setreuid(1_234_567, 0)


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root can become another user")
def test_a_user_without_a_home_is_told_what_to_name(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in ("HOME", "CONNPRUNE_CACHE")}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "connprune", *words],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
            preexec_fn=as_unknown_user,
        )

    told = run("env")
    assert told.returncode == 0, told.stderr
    assert "CONNPRUNE_CACHE names no folder" in told.stdout
    refused = run("data", "cifar10")
    assert refused.returncode == 2
    assert refused.stderr.startswith("Error: CONNPRUNE_CACHE: this user has no home folder")
    assert not (tmp_path / "~").exists()
