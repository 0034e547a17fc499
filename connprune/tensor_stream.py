"""A sealed safetensors file that is written piece by piece, for tensors that no memory needs to hold.

The format wants its header first, which says how long each tensor is, and that is known last: room is kept for it.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from connprune.errors import DamagedFileError
from connprune.files import DIGEST, parse_object
from connprune.tensor_files import digest_of_arrays

# Enough for a few dozen tensors. The format allows blanks behind the header.
_HEADER = 4096
_LENGTH = 8
_KINDS = {"uint8": "U8", "int64": "I64", "float32": "F32"}


@dataclass
class _Entry:
    """A tensor of the file: its kind, the shape of a row, how many rows, and where they are behind the header."""

    kind: str
    row: tuple[int, ...]
    rows: int
    start: int
    end: int

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.rows, *self.row)

    @classmethod
    def of(cls, described: Any) -> "_Entry":
        """As `described` gave it."""
        kind = next(kind for kind, name in _KINDS.items() if name == described["dtype"])
        rows, *row = map(int, described["shape"])
        start, end = map(int, described["data_offsets"])
        return cls(kind, tuple(row), rows, start, end)

    def described(self) -> dict[str, object]:
        """As the format's header has it."""
        return {"dtype": _KINDS[self.kind], "shape": self.shape, "data_offsets": [self.start, self.end]}


class TensorStream:
    """Writes tensors one after the other, each row by row.

    Args:
        file: open for reading and writing, and empty.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._entries: dict[str, _Entry] = {}
        file.write(bytes(_HEADER))

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def begin(self, name: str, row: tuple[int, ...], kind: str = "uint8") -> None:
        """Begins a tensor, which has no rows yet.

        Args:
            name: of the tensor.
            row: the shape of a row.
            kind: `uint8`; or `float32` or `int64`, which begin at a multiple of 4 and of 8 bytes.
        """
        start = self._file.tell() - _HEADER
        self._entries[name] = _Entry(kind, row, 0, start, start)

    def add(self, rows: np.ndarray) -> None:
        """Adds rows to the tensor that was begun last."""
        entry = next(reversed(self._entries.values()))
        self._file.write(np.ascontiguousarray(rows).data)
        entry.rows += len(rows)
        entry.end += rows.nbytes

    def put(self, name: str, array: np.ndarray) -> None:
        """Adds a whole tensor."""
        self.begin(name, array.shape[1:], str(array.dtype))
        self.add(array)

    def put_text(self, name: str, text: str) -> None:
        """Adds a text as bytes of UTF-8, with blanks up to where a tensor of any kind may begin."""
        content = text.encode()
        content += b" " * (-(self._file.tell() + len(content)) % 8)
        self.put(name, np.frombuffer(content, np.uint8))

    def finish(self) -> None:
        """Writes the header, with the seal of what was written."""
        self._file.flush()
        arrays = {name: _mapped(self._file, entry) for name, entry in self._entries.items()}
        described = {name: entry.described() for name, entry in self._entries.items()}
        header = {"__metadata__": {DIGEST: digest_of_arrays(arrays, {})}, **described}
        text = json.dumps(header).encode().ljust(_HEADER - _LENGTH)
        if len(text) > _HEADER - _LENGTH:
            raise ValueError(f"{len(self._entries)} tensors are too many for a header of {_HEADER} bytes")
        self._file.seek(0)
        self._file.write(len(text).to_bytes(_LENGTH, "little") + text)


def mapped(path: Path) -> dict[str, np.ndarray]:
    """The tensors of a file that a stream wrote, mapped into memory as they are on the disk, and not writable.

    Raises:
        UsageError: the file is not there, or is not what was written.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(_LENGTH), "little")
            if length != _HEADER - _LENGTH:
                raise ValueError("its header has another length")
            header = parse_object(file.read(length).decode())
            seal = header.pop("__metadata__")[DIGEST]  # type: ignore[index]
            arrays = {name: _mapped(file, _Entry.of(described)) for name, described in header.items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedFileError(path, str(error)) from None
    if seal != digest_of_arrays(arrays, {}):
        raise DamagedFileError(path, "it does not hold what was written into it")
    return arrays


def text_of(array: Any) -> str:
    """The text that `put_text` has put into a tensor."""
    return bytes(array).decode()


def _mapped(file: IO[bytes], entry: _Entry) -> np.ndarray:
    if not math.prod(entry.shape):
        return np.empty(entry.shape, entry.kind)
    return np.memmap(file, entry.kind, "r", _HEADER + entry.start, entry.shape)
