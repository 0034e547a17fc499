"""What a process that was killed was just writing is removed by who writes there next, and nothing else is."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from connprune.errors import DiskFullError, UsageError
from connprune.files import require_empty, whole_directory, write_text
from connprune.leftovers import sweep

FILE = """
from connprune.files import write_whole
def write(place):
    pathlib.Path(place).write_text("half")
    wait()
write_whole(pathlib.Path(sys.argv[1]), write)
"""
FOLDER = """
from connprune.files import whole_directory
with whole_directory(pathlib.Path(sys.argv[1])) as place:
    (place / "part").write_text("half")
    wait()
"""


@contextmanager
def writing(code: str, path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A process in the midst of writing a file or a folder; it is killed in the end."""
    wait = "import pathlib, sys\ndef wait():\n    print('there', flush=True)\n    sys.stdin.read()\n"
    command = [sys.executable, "-c", wait + code, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "there\n"
        try:
            yield process
        finally:
            process.kill()


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("code", [FILE, FOLDER], ids=["a file", "a folder"])
@pytest.mark.parametrize("name", ["x", "ä" * 120, "a b", ".hidden"])
def test_what_is_under_way_stays_and_what_was_killed_goes(tmp_path: Path, code: str, name: str) -> None:
    with writing(code, tmp_path / name):
        write_text(tmp_path / "other", "")
        assert len(names(tmp_path)) == 2, "what another process is still writing stays"
    write_text(tmp_path / "other", "")
    assert names(tmp_path) == {"other"}


def test_making_a_directory_sweeps_its_folder(tmp_path: Path) -> None:
    with writing(FOLDER, tmp_path / "one"):
        pass
    with whole_directory(tmp_path / "two"):
        pass
    assert names(tmp_path) == {"two"}


def test_a_directory_with_leftovers_alone_is_empty(tmp_path: Path) -> None:
    with writing(FILE, tmp_path / "one"), pytest.raises(UsageError, match="expected an empty or a new directory"):
        require_empty(tmp_path)
    require_empty(tmp_path)


@pytest.mark.parametrize(
    "name", [".notes", ".x.partial", ".config.yaml.swp", ".cut.abcd1234", "x.0123abcd-1-1.abcdefgh.partial"]
)
def test_what_is_the_users_stays(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / (name + "~")).write_text("mine")
    sweep(tmp_path)
    assert names(tmp_path) == {name, name + "~"}


def test_what_another_machine_writes_stays_for_a_day(tmp_path: Path) -> None:
    place = tmp_path / ".x.00000000-1-1.abcdefgh.partial"
    place.mkdir()
    sweep(tmp_path)
    assert place.exists()
    os.utime(place, (1e9, 1e9))
    sweep(tmp_path)
    assert not place.exists()


def test_a_folder_that_is_not_there_has_no_leftovers(tmp_path: Path) -> None:
    sweep(tmp_path / "nowhere")


def test_a_link_to_an_empty_directory_leads_to_the_complete_one(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "dangling").symlink_to("new")
    for name in ("link", "dangling"):
        with whole_directory(tmp_path / name) as temporary:
            (temporary / "x").write_text("whole")
    assert (tmp_path / "link").is_symlink()
    assert [(tmp_path / name / "x").read_text() for name in ("real", "link", "new")] == ["whole"] * 3
    assert names(tmp_path) == {"real", "link", "dangling", "new"}


def test_a_mount_point_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(disk)], capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a file system")
    try:
        told = r"disk: this is a mount point.*name a new one in it"
        with pytest.raises(UsageError, match=told), whole_directory(disk):
            raise AssertionError("begun")
        with whole_directory(disk / "new") as temporary:
            (temporary / "x").touch()
        assert (disk / "new" / "x").exists()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


LIMITED = """
import pathlib, resource, sys
import numpy
from connprune.errors import DiskFullError
from connprune.files import whole_directory, write_text
from connprune.tensor_files import write_arrays
place = pathlib.Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
def within():
    with whole_directory(place / "cut") as temporary:
        write_text(temporary / "big.txt", "x" * 9999)
for write in (
    lambda: write_text(place / "big.txt", "x" * 9999),
    lambda: write_arrays(place / "big.safetensors", {"x": numpy.zeros(9999)}),
    within,
):
    try:
        write()
    except DiskFullError as error:
        print(error)
"""


def test_a_limit_on_the_size_of_files_names_the_file(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", LIMITED, str(tmp_path)], capture_output=True, text=True, check=True)
    told = done.stdout.splitlines()
    for line, name in zip(told, ("big.txt", "big.safetensors", "cut/big.txt"), strict=True):
        assert line.startswith(f"{tmp_path / name}: the file is larger than this process may write (ulimit -f)")
    assert names(tmp_path) == set()


def test_errors_of_a_write_have_the_name_that_the_user_gave(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere") as raised:
        write_text(tmp_path / "nowhere" / "x", "")
    assert raised.value.filename == str(tmp_path / "nowhere" / "x")
    assert not isinstance(raised.value, DiskFullError)
