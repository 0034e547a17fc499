"""Files are read with one clear sentence when they are not what they must be."""

import json
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from connprune.errors import UsageError
from connprune.files import LOCK, read_json, read_text, whole_directory, write_text
from connprune.tensor_files import read_arrays, read_tensors, write_tensors


def refusal(read: Any, path: Path) -> str:
    with pytest.raises(UsageError) as caught:
        read(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert len(message) < len(str(path)) + 400
    return message.removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "it is no JSON"),
        ("[" * 100_000, "it is no JSON"),
        ('{"a": ' * 100_000, "it is no JSON"),
        ("[]", "expected a JSON object"),
        ("3", "expected a JSON object"),
        ('{"a": NaN}', "found the number NaN"),
        ('{"a": -Infinity}', "found the number -Infinity"),
        ('{"a": 1e999}', "found the number 1e999"),
        ('{"a": ' + "9" * 5000 + "}", "it is no JSON"),
    ],
    ids=lambda text: text[:10],
)
def test_json_that_is_none(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "file.json").write_text(text)
    assert told in refusal(read_json, tmp_path / "file.json")


def test_text_beyond_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("12345")
    monkeypatch.setenv("CONNPRUNE_MAX_TEXT", "5")
    assert read_text(tmp_path / "file") == "12345"
    monkeypatch.setenv("CONNPRUNE_MAX_TEXT", "4")
    assert refusal(read_text, tmp_path / "file").startswith("this file has more than 4 characters")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs a device without end")
def test_a_device_without_end() -> None:
    assert "more than 67,108,864 characters" in refusal(read_text, Path("/dev/zero"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refusal(read_text, tmp_path / "pipe") == "expected a file, found a pipe."
    assert refusal(read_tensors, tmp_path / "pipe") == "cannot read this file: No such file."


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="needs pipes that have a path")
def test_a_pipe_of_the_shell_is_read() -> None:
    """As in `--config <(connprune presets digits)`."""
    reading, writing = os.pipe()
    os.write(writing, b"preset: digits")
    os.close(writing)
    assert read_text(Path(f"/dev/fd/{reading}")) == "preset: digits"
    os.close(reading)


def safetensors(header: bytes, size: int | None = None, data: bytes = b"") -> bytes:
    return struct.pack("<Q", len(header) if size is None else size) + header + data


def entry(kind: str, shape: list[int], end: int) -> bytes:
    return json.dumps({"a": {"dtype": kind, "shape": shape, "data_offsets": [0, end]}}).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 7,
        safetensors(b"{}", size=2**63),
        safetensors(b"{}", size=10**9),
        safetensors(b"[" * 100_000),
        safetensors(b'{"a": 1}'),
        safetensors(b"\xff\xfe"),
        safetensors(entry("F32", [10**12], 4 * 10**12)),
        safetensors(entry("F32", [2**32, 2**32, 2**32], 4)),
        safetensors(entry("F32", [-1], 4), data=b"1234"),
        safetensors(entry("F32", [2], 4), data=b"1234"),
        safetensors(entry("F999", [1], 4), data=b"1234"),
        safetensors(entry("F32", [1], 4), data=b"12345"),
        safetensors(b'{"__metadata__": {"a": 3}}'),
    ],
)
def test_safetensors_that_are_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file.safetensors"
    path.write_bytes(content)
    for read in (read_tensors, read_arrays):
        assert refusal(read, path).startswith("this file is damaged: ")


def test_kinds_of_numbers_that_numpy_lacks(tmp_path: Path) -> None:
    path = tmp_path / "file.safetensors"
    write_tensors(path, {"a": torch.ones(2, dtype=torch.bfloat16)})
    assert read_tensors(path)[0]["a"].dtype == torch.bfloat16


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write_tensors(tmp_path / "file.safetensors", {"a": torch.arange(3)}, {"b": "c"})
    arrays, metadata = read_arrays(tmp_path / "file.safetensors")
    assert (arrays["a"] == np.arange(3)).all()
    assert metadata == {"b": "c"}


def test_a_directory_whose_place_cannot_be_taken_is_refused_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / LOCK).touch()
    told = f"there: expected an empty or a new directory, found {LOCK}"
    with pytest.raises(UsageError, match=told), whole_directory(tmp_path / "there"):
        raise AssertionError("work")


def test_a_file_gets_the_mode_of_any_new_file_while_other_threads_make_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mask belongs to the whole process: to set it, were it for a moment, would change what other threads make."""
    before = os.umask(0o027)
    try:
        monkeypatch.setattr(os, "umask", None)
        write_text(tmp_path / "text", "text")
        write_tensors(tmp_path / "tensors", {"a": torch.ones(1)})
        with whole_directory(tmp_path / "folder"):
            pass
        monkeypatch.undo()
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {"text": 0o640, "tensors": 0o640, "folder": 0o750}
