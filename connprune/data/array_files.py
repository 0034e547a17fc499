"""Files of arrays: which arrays are in each kind of them, and how their values are got without holding all of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple, Protocol

import numpy as np

from connprune.data import npy
from connprune.errors import DamagedFileError
from connprune.files import parse_object
from connprune.tensor_files import opened


class Described(NamedTuple):
    """What an array is: its shape, and NumPy's type of its values, or None of a type that NumPy lacks."""

    shape: tuple[int, ...]
    dtype: np.dtype | None


class Rows(Protocol):
    """An array of which rows are read when they are asked for."""

    def __getitem__(self, rows: slice, /) -> np.ndarray:
        """Some of the rows."""


class ArrayFile:
    """The arrays of a file or folder by name.

    Args:
        path: of the file or folder.
    """

    suffix: ClassVar[str]

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def files(self) -> list[Path]:
        """The files that hold them."""
        return [self.path]

    def described(self) -> Mapping[str, Described]:
        """What is there, by name.

        Raises:
            UsageError: the file is damaged.
        """
        raise NotImplementedError

    def rows(self, name: str, scratch: Path) -> Rows:
        """An array of which rows can be read.

        Args:
            name: of the array.
            scratch: a file that may be made for it, in a folder that is there.

        Raises:
            UsageError: the file is damaged.
        """
        raise NotImplementedError

    def texts(self, name: str) -> list[str] | None:
        """Texts that are no array; None if there are none of that name."""
        return None


class Npz(ArrayFile):
    """An archive of arrays, as `numpy.savez` and `numpy.savez_compressed` write it."""

    suffix = ".npz"

    def described(self) -> Mapping[str, Described]:
        """By the headers of the arrays."""
        return {name: Described(header.shape, header.dtype) for name, header in npy.members(self.path).items()}

    def rows(self, name: str, scratch: Path) -> np.ndarray:
        """Unpacked into `scratch`."""
        return npy.unpack(self.path, name, scratch)


class NpyFolder(ArrayFile):
    """A folder of `.npy` files, each an array of that name."""

    suffix = ".npy"

    @property
    def files(self) -> list[Path]:
        """All of them, by name."""
        return sorted(file for file in self.path.glob(f"*{self.suffix}") if file.is_file())

    def described(self) -> Mapping[str, Described]:
        """By the headers of the arrays."""
        headers = {}
        for path in self.files:
            with path.open("rb") as file:
                header = npy.read_header(file, path.stem, path)
            headers[path.stem] = Described(header.shape, header.dtype)
        return headers

    def rows(self, name: str, scratch: Path) -> np.ndarray:
        """As they are on the disk."""
        return npy.mapped(self.path / f"{name}{self.suffix}", name)


class NpyFile(NpyFolder):
    """A single `.npy` file."""

    @property
    def files(self) -> list[Path]:
        """That file."""
        return [self.path]

    def rows(self, name: str, scratch: Path) -> np.ndarray:
        """As they are on the disk."""
        return npy.mapped(self.path, name)


class Safetensors(ArrayFile):
    """A safetensors file; names of classes are in its metadata, as a JSON list called `classes`."""

    suffix = ".safetensors"

    def described(self) -> Mapping[str, Described]:
        """By the header of the file."""
        with opened(self.path, "numpy") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            return {
                name: Described(tuple(its.get_shape()), _DTYPES.get(its.get_dtype())) for name, its in slices.items()
            }

    def rows(self, name: str, scratch: Path) -> Rows:
        """Read when they are asked for."""
        return _Slices(self.path, name)

    def texts(self, name: str) -> list[str] | None:
        """A JSON list of the metadata."""
        with opened(self.path, "numpy") as file:
            text = dict(file.metadata() or {}).get(name)
        if text is None:
            return None
        try:
            listed = parse_object(f'{{"texts": {text}}}')["texts"]
        except ValueError:
            listed = None
        if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
            raise DamagedFileError(self.path, f"its metadata {name} is no JSON list of texts")
        return listed


@dataclass(frozen=True)
class _Slices:
    path: Path
    name: str

    def __getitem__(self, rows: slice) -> np.ndarray:
        with opened(self.path, "numpy") as file:
            found: np.ndarray = file.get_slice(self.name)[rows]
        return found


_DTYPES = {
    "BOOL": np.dtype(np.bool_),
    **{f"U{bits}": np.dtype(f"uint{bits}") for bits in (8, 16, 32, 64)},
    **{f"I{bits}": np.dtype(f"int{bits}") for bits in (8, 16, 32, 64)},
    **{f"F{bits}": np.dtype(f"float{bits}") for bits in (16, 32, 64)},
}


def array_file(path: Path) -> ArrayFile | None:
    """The arrays of a file that holds some; None if it is no such file."""
    kind = {kind.suffix: kind for kind in (Npz, NpyFile, Safetensors)}.get(path.suffix.lower())
    return kind(path) if kind and path.is_file() else None
