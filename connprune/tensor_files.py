"""Tensors on the disk: safetensors files, written whole or not at all, with a seal that is verified when they are read.

The seal is a SHA-256 digest of the tensors and of the texts beside them.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from connprune.errors import DamagedFileError, DiskFullError, UsageError
from connprune.files import DIGEST, TOO_LARGE, write_whole
from connprune.holes import require_stored
from connprune.limits import JSON_VALUES, TEXT

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

Shapes = Mapping[str, tuple[int, ...]]
Kind = TypeVar("Kind", "Tensor", "np.ndarray")


def below(prefix: str, tensors: "Mapping[str, Tensor]") -> "dict[str, Tensor]":
    """The tensors whose names begin with the prefix, under the rest of their names."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


class Header(NamedTuple):
    """What a safetensors file says of itself.

    Attributes:
        shapes: of the tensors, by name.
        metadata: the texts beside them, the seal among them.
    """

    shapes: dict[str, tuple[int, ...]]
    metadata: dict[str, str]


def write_tensors(
    path: Path,
    tensors: Mapping[str, "Tensor"],
    metadata: Mapping[str, str] | None = None,
    previous: Path | None = None,
) -> None:
    """Writes a sealed safetensors file whole or not at all; tensors are copied to the CPU and made contiguous.

    Args:
        path: where.
        tensors: by name.
        metadata: texts beside them.
        previous: as for `write_whole`.
    """
    from safetensors.torch import save_file

    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    _write_safetensors(path, plain, metadata or {}, save_file, _bytes_of_tensor, previous)


def write_arrays(path: Path, arrays: Mapping[str, "np.ndarray"], metadata: Mapping[str, str] | None = None) -> None:
    """Writes a sealed safetensors file from numpy arrays, whole or not at all; needs no torch."""
    import numpy as np
    from safetensors.numpy import save_file

    plain = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    _write_safetensors(path, plain, metadata or {}, save_file, _bytes_of_array, None)


def read_tensors(path: Path) -> tuple[dict[str, "Tensor"], dict[str, str]]:
    """Reads a sealed safetensors file: the tensors, on the CPU, and the metadata.

    Raises:
        UsageError: the file is not there, is no whole safetensors file, does not hold what was written into it, or is
            beyond a limit.
    """
    return _read_safetensors(path, "pt", _bytes_of_tensor)


def read_arrays(path: Path) -> tuple[dict[str, "np.ndarray"], dict[str, str]]:
    """Reads a sealed safetensors file as numpy arrays; needs no torch.

    Raises:
        UsageError: as for `read_tensors`.
    """
    return _read_safetensors(path, "numpy", _bytes_of_array)


def read_header(path: Path) -> Header:
    """What a safetensors file says of itself; no tensor is read for it, and the seal is not verified.

    Raises:
        UsageError: the file is not there, is no whole safetensors file, or is beyond a limit.
    """
    with opened(path, "numpy") as file:
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
        return Header(shapes, dict(file.metadata() or {}))


def _write_safetensors(
    path: Path,
    tensors: Mapping[str, Kind],
    metadata: Mapping[str, str],
    save: Callable[..., None],
    bytes_of: Callable[[Kind], memoryview],
    previous: Path | None,
) -> None:
    from safetensors import SafetensorError

    seal = {DIGEST: _digest_of_tensors(tensors, metadata, bytes_of)}
    needed = sum(len(bytes_of(tensor)) for tensor in tensors.values())
    try:
        write_whole(path, lambda temporary: save(tensors, temporary, {**metadata, **seal}), previous)
    except (SafetensorError, DiskFullError) as error:
        # safetensors gives the reason only as text, which may name what the disk refused.
        text = str(error)
        if "File too large" in text or TOO_LARGE in text:
            raise DiskFullError(
                f"{path}: {TOO_LARGE}: it needs {needed:,} bytes; the file that was there is unchanged."
            ) from error
        free = shutil.disk_usage(path.parent).free
        if isinstance(error, DiskFullError) or "No space left" in text or "quota" in text:
            raise DiskFullError(
                f"{path}: the disk is full: this file needs {needed:,} bytes, and {free:,} are free; the file that was "
                f"there is unchanged."
            ) from error
        raise OSError(f"cannot write {path}: {error}") from error


def _read_safetensors(
    path: Path, framework: str, bytes_of: Callable[[Kind], memoryview]
) -> tuple[dict[str, Kind], dict[str, str]]:
    with opened(path, framework) as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        metadata = dict(file.metadata() or {})
    if metadata.pop(DIGEST, None) != _digest_of_tensors(tensors, metadata, bytes_of):
        raise DamagedFileError(path, "it does not hold what was written into it")
    return tensors, metadata


@contextmanager
def opened(path: Path, framework: str) -> Iterator[Any]:
    """A safetensors file whose header and size are within the limits."""
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise UsageError(f"{path}: cannot read this file: No such file.")
    try:
        _require_modest(path)
        with safe_open(path, framework=framework) as file:
            yield file
    except (SafetensorError, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DamagedFileError(path, str(error)) from None


def _require_modest(path: Path) -> None:
    """Refuses a file that would take far more memory than it takes room on the disk."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > path.stat().st_size:
            raise ValueError("its header is longer than the file")
        if length > TEXT.most:
            raise UsageError(f"{path}: the header of this file has {TEXT}.")
        header = file.read(length)
    if sum(map(header.count, (b",", b"[", b"{"))) > JSON_VALUES.most:
        raise UsageError(f"{path}: the header of this file has {JSON_VALUES}.")
    require_stored(path)


def digest_of_arrays(arrays: Mapping[str, "np.ndarray"], metadata: Mapping[str, str]) -> str:
    """The seal of a file that holds these arrays and texts."""
    return _digest_of_tensors(arrays, metadata, _bytes_of_array)


def _digest_of_tensors(
    tensors: Mapping[str, Kind], metadata: Mapping[str, str], bytes_of: Callable[[Kind], memoryview]
) -> str:
    digest = hashlib.sha256(json.dumps(metadata, sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        kind = str(tensor.dtype).removeprefix("torch.")
        digest.update(json.dumps([name, kind, list(tensor.shape)]).encode())
        digest.update(bytes_of(tensor))
    return digest.hexdigest()


def _bytes_of_tensor(tensor: "Tensor") -> memoryview:
    import torch

    # numpy lacks some of torch's types, but bytes it has.
    return tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data


def _bytes_of_array(array: "np.ndarray") -> memoryview:
    return array.reshape(-1).view("uint8").data
