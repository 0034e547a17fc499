"""Files that are written whole or not at all, and read with one clear sentence when they are damaged."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connprune.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


def write_whole(path: Path, write: Callable[[str], object]) -> None:
    """Writes a file under a temporary name, flushes it to the disk, then gives it its own name.

    Args:
        path: where the file shall be; its folder exists.
        write: is called with the temporary name.

    Raises:
        OSError: nothing was changed at `path`.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        write(temporary)
        os.fsync(handle)
        Path(temporary).chmod(0o666 & ~_umask())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)


def require_empty(path: Path) -> None:
    """Refuses a path that holds something already.

    Raises:
        UsageError: it is a file, or a directory that is not empty.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UsageError(f"{path}: expected an empty or a new directory; --resume goes on with a run that is there.")


@contextmanager
def whole_directory(path: Path) -> Iterator[Path]:
    """A temporary directory that takes the name `path` once its contents are complete.

    Args:
        path: a directory that is empty or does not exist.

    Raises:
        UsageError: the directory is not empty, or is a file.
        OSError: what was being written could not be; nothing is left of it.
    """
    require_empty(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    try:
        yield temporary
        if path.exists():
            path.rmdir()
        temporary.chmod(0o777 & ~_umask())
        temporary.rename(path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Writes UTF-8 text whole or not at all."""
    write_whole(path, lambda temporary: Path(temporary).write_text(text, encoding="utf-8"))


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Writes indented JSON whole or not at all."""
    write_text(path, json.dumps(data, indent=2, allow_nan=False) + "\n")


def write_tensors(path: Path, tensors: Mapping[str, "Tensor"], metadata: Mapping[str, str] | None = None) -> None:
    """Writes a safetensors file whole or not at all; tensors are copied to the CPU and made contiguous."""
    from safetensors.torch import save_file

    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    _write_safetensors(path, lambda temporary: save_file(plain, temporary, dict(metadata or {})))


def write_arrays(path: Path, arrays: Mapping[str, "np.ndarray"], metadata: Mapping[str, str] | None = None) -> None:
    """Writes a safetensors file from numpy arrays, whole or not at all; needs no torch."""
    import numpy as np
    from safetensors.numpy import save_file

    plain = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    _write_safetensors(path, lambda temporary: save_file(plain, temporary, dict(metadata or {})))


def read_text(path: Path) -> str:
    """Reads UTF-8 text.

    Raises:
        UsageError: the file is not there or cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot read this file: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: this file is damaged: it is no UTF-8 text.") from None


def read_json(path: Path) -> dict[str, Any]:
    """Reads a JSON object.

    Raises:
        UsageError: the file is not there, or holds no JSON object.
    """
    try:
        data = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: this file is damaged: it is no JSON ({error}).") from None
    if not isinstance(data, dict):
        raise UsageError(f"{path}: this file is damaged: expected a JSON object.")
    return data


def read_tensors(path: Path) -> tuple[dict[str, "Tensor"], dict[str, str]]:
    """Reads a safetensors file: the tensors, on the CPU, and the metadata.

    Raises:
        UsageError: the file is not there, or is no whole safetensors file.
    """
    return _read_safetensors(path, "pt")


def read_arrays(path: Path) -> tuple[dict[str, "np.ndarray"], dict[str, str]]:
    """Reads a safetensors file as numpy arrays; needs no torch.

    Raises:
        UsageError: the file is not there, or is no whole safetensors file.
    """
    return _read_safetensors(path, "numpy")


def _write_safetensors(path: Path, save: Callable[[str], None]) -> None:
    from safetensors import SafetensorError

    try:
        write_whole(path, save)
    except SafetensorError as error:
        raise OSError(f"cannot write {path}: {error}") from error


def _read_safetensors(path: Path, framework: str) -> tuple[dict[str, Any], dict[str, str]]:
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise UsageError(f"{path}: cannot read this file: No such file.")
    try:
        with safe_open(path, framework=framework) as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise UsageError(f"{path}: this file is damaged: {error}.") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
