"""How the files of a run name other runs: relative to its directory, so that a tree of runs can be moved as a whole."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from connprune.documents.base import Document
from connprune.files import read_sealed_json, sealed, write_json

Read = TypeVar("Read", bound=Document)


def write_document(file: Path, document: Document, home: Path | None = None) -> None:
    """Writes a document of a run into the run's directory, whole or not at all.

    Args:
        file: where.
        document: what.
        home: where the directory will be, if it is being made somewhere else.
    """
    write_json(file, sealed(stored(document.plain(), home or file.parent, *document.paths)))


def read_document(kind: type[Read], file: Path) -> Read:
    """Reads a document of a run.

    Raises:
        UsageError: it is not there, of another version, or damaged.
    """
    return kind.read(followed(read_sealed_json(file), file.parent, *kind.paths), str(file))


def stored(document: Mapping[str, object], folder: Path, *keys: str) -> dict[str, object]:
    """A document as it is written: the paths under these keys, alone or in lists, are relative to the folder."""
    home = folder.resolve()
    return _changed(document, keys, lambda path: os.path.relpath(Path(path).resolve(), home))


def followed(document: Mapping[str, object], folder: Path, *keys: str) -> dict[str, object]:
    """A document as it is used: the paths under these keys are absolute; older absolute ones stay as they are."""
    home = folder.resolve()
    return _changed(document, keys, lambda path: os.path.normpath(home / path))


def _changed(document: Mapping[str, object], keys: tuple[str, ...], change: Callable[[str], str]) -> dict[str, object]:
    changed = dict(document)
    for key in keys:
        value = changed.get(key)
        if isinstance(value, str):
            changed[key] = change(value)
        elif isinstance(value, list) and all(isinstance(each, str) for each in value):
            changed[key] = [change(each) for each in value]
    return changed
