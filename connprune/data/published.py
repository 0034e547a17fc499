"""Files as their publishers have them: got from where torchvision says that they are, and known by its checksums."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from connprune.data.download import fetch
from connprune.data.progress import Progress
from connprune.errors import ConnpruneError, UsageError


def has_checksum(path: Path, checksum: str) -> bool:
    """Whether a file is there and has this MD5."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest() == checksum


def md5(content: bytes) -> str:
    """The checksum of some bytes."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def read_published(path: Path, checksum: str) -> bytes:
    """The bytes of a file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not what was published.
    """
    content = path.read_bytes()
    if md5(content) != checksum:
        raise ValueError(f"{path.name} has another checksum than expected")
    return content


def get(urls: Sequence[str], path: Path, checksum: str, progress: Progress) -> None:
    """Downloads a file from the first place that has it, unless it is there already.

    Args:
        urls: where it is published.
        path: where it goes; its folder is made.
        checksum: its MD5.
        progress: is handed its pieces.

    Raises:
        ConnpruneError: the checksum is wrong.
        OSError: no place has it, or the disk is full; what has come so far is kept for the next try.
    """
    if has_checksum(path, checksum):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    for url in urls:
        try:
            fetch(url, path, progress)
        except OSError:
            if url == urls[-1]:
                raise
            continue
        if has_checksum(path, checksum):
            return
        path.unlink()
        if url == urls[-1]:
            raise ConnpruneError(f"{url}: the file has another checksum than expected, {checksum}.")


def not_there(name: str, cache: Path, error: Exception) -> UsageError:
    """What to raise where a published data set is missing or damaged."""
    why = "" if isinstance(error, FileNotFoundError) else f" ({error})"
    return UsageError(
        f"data.source: {name} is not in the cache {cache}, or is damaged there{why}; "
        f"get it with `connprune data {name}`, or train on a folder of images."
    )
