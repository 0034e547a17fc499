"""What an image folder holds: its parts, their classes, and which files are images. Nothing here imports torch."""

import os
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from connprune.data.decoding import suffixes
from connprune.errors import UsageError
from connprune.printable import printable

# The parts of a data set, in the order in which they are decoded; what folders of each are called.
PARTS = {"train": ("train",), "test": ("test",), "validation": ("val", "valid", "validation")}
# Names of folders that are meant as parts, but are none of the above.
_NEARLY = {"training", "testing", "tests", "dev", "eval", *(name for names in PARTS.values() for name in names)}
# What file managers, archivers and storage devices leave beside files; hidden names are skipped anyway.
_SYSTEM = {
    "$recycle.bin",
    "#recycle",
    "@eadir",
    "@recycle",
    "__macosx",
    "__pycache__",
    "desktop.ini",
    "lost+found",
    "system volume information",
    "thumbs.db",
}
_SUFFIXES_NAMED = 5
_LONGEST_SUFFIX = 12
# Counts links to folders among suffixes; no suffix is that.
_LINKED = "/"


@dataclass(frozen=True)
class Listing:
    """The image files of a folder.

    Attributes:
        parts: part → class → files, sorted. `train` is always there; without `test` a share of `train` will serve.
        flat: whether the folder holds the classes themselves, and all is in `train`.
        notes: sentences on what a user may not expect.
    """

    parts: Mapping[str, Mapping[str, list[Path]]]
    flat: bool
    notes: tuple[str, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, by number."""
        return tuple(self.parts["train"])


def list_folder(folder: Path, follow_links: bool = False) -> Listing:
    """The image files of each class of each part; not hidden ones, nor what links to folders in a class hold.

    A folder has the part `train/`, perhaps `test/`, and perhaps `val/`; or it is flat, and holds the classes.

    Args:
        folder: the folder.
        follow_links: whether links may lead out of the folder.

    Raises:
        UsageError: there are no parts and no classes, a class has no images, the parts differ in their classes, or a
            link leads out of the folder.
    """
    inside = None if follow_links else folder.resolve()
    roots = _parts(folder)
    flat = roots == {"train": folder}
    parts: dict[str, dict[str, list[Path]]] = {}
    other: Counter[str] = Counter()
    for part, root in roots.items():
        _require_inside(root, inside)
        classes = _classes(root)
        if len(classes) < 2:
            expected = "; expected <class>/<image>, or train/<class>/<image>" if flat else ", expected at least 2"
            raise UsageError(f"data.source: {_shown(root)} has {len(classes)} class folders{expected}.")
        if flat:
            _require_no_parts(folder, classes)
        parts[part] = {name: _image_files(entry, inside, other) for name, entry in classes.items()}
        for name, files in parts[part].items():
            if not files:
                raise UsageError(
                    f"data.source: {_shown(classes[name])} holds no images ({', '.join(sorted(suffixes()))})."
                )
    for part in parts.keys() - {"train"}:
        _require_same_classes(roots["train"], parts["train"], roots[part], parts[part])
    return Listing(parts, flat, (*_left_out(other), *_alike(parts["train"])))


def _parts(folder: Path) -> dict[str, Path]:
    """Where each part is."""
    parts: dict[str, Path] = {}
    for part, names in PARTS.items():
        there = [folder / name for name in names if (folder / name).is_dir()]
        if len(there) > 1:
            raise UsageError(f"data.source: {_shown(folder)} has {there[0].name}/ and {there[1].name}/; expected one.")
        if there:
            parts[part] = there[0]
    if not parts:
        return {"train": folder}
    if "train" not in parts:
        raise UsageError(
            f"data.source: {_shown(folder)} has {next(iter(parts.values())).name}/, but no folder train/; expected "
            "train/<class>/<image>."
        )
    return parts


def _require_no_parts(folder: Path, classes: Mapping[str, Path]) -> None:
    for name in classes:
        if name.casefold() in _NEARLY:
            raise UsageError(
                f"data.source: {_shown(folder)} has no folder train/, and {name!r} is hardly a class; call the parts "
                "train/, test/ and val/."
            )


def _classes(root: Path) -> dict[str, Path]:
    """The folder of each class, sorted. Names are in Unicode's form NFC, and bytes that are no UTF-8 are escaped."""
    classes: dict[str, Path] = {}
    for entry in sorted(entry for entry in root.iterdir() if not is_skipped(entry.name) and entry.is_dir()):
        name = unicodedata.normalize("NFC", os.fsencode(entry.name).decode("utf-8", "backslashreplace"))
        if name in classes:
            raise UsageError(
                f"data.source: {_shown(root)} has two class folders {printable(name)!r}, whose names differ only in "
                "their Unicode form; join them."
            )
        classes[name] = entry
    return dict(sorted(classes.items()))


def _require_same_classes(root: Path, train: Mapping[str, object], other: Path, classes: Mapping[str, object]) -> None:
    odd = sorted(train.keys() ^ classes.keys())
    if not odd:
        return
    here, there = (train, classes) if odd[0] in train else (classes, train)
    near = next((name for name in there if name not in here and _folded(name) == _folded(odd[0])), None)
    but = "" if near is None else f"; {printable(near)!r} in the other differs from it only in case or Unicode form"
    raise UsageError(
        f"data.source: {_shown(root.parent)} has the class {printable(odd[0])!r} in only one of {root.name}/ and "
        f"{other.name}/{but}."
    )


def _alike(classes: Mapping[str, object]) -> Iterator[str]:
    """A sentence for each two classes that a reader would take for one."""
    seen: dict[str, str] = {}
    for name in classes:
        other = seen.setdefault(_folded(name), name)
        if other != name:
            yield f"the classes {printable(other)!r} and {printable(name)!r} differ only in case or Unicode form."


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def _left_out(other: Counter[str]) -> Iterator[str]:
    links, suffixes = other[_LINKED], sorted(other.keys() - {_LINKED})
    parts = []
    if suffixes:
        names = [printable(suffix)[:_LONGEST_SUFFIX] or "no suffix" for suffix in suffixes[:_SUFFIXES_NAMED]]
        more = ", …" if len(suffixes) > _SUFFIXES_NAMED else ""
        count = other.total() - links
        parts.append(f"{count:,} file{'s' * (count > 1)} ({', '.join(names)}{more})")
    if links:
        parts.append(f"{links:,} link{'s' * (links > 1)} to folders within a class")
    if parts:
        yield f"left out: {' and '.join(parts)}."


def is_skipped(name: str) -> bool:
    """Whether a file or folder of this name is hidden, or a system's own."""
    return name.startswith(".") or name.casefold() in _SYSTEM


def _image_files(folder: Path, inside: Path | None, other: Counter[str]) -> list[Path]:
    """The images below a folder, in the same order whatever the Unicode form of their names.

    What else lies there is counted in `other` by its suffix.
    """
    _require_inside(folder, inside)
    known = suffixes()
    images = []
    folders = [folder]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                path = Path(entry.path)
                if is_skipped(entry.name):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(path)
                elif path.is_dir():
                    other[_LINKED] += 1
                else:
                    if path.suffix.lower() not in known:
                        other[path.suffix.lower()] += 1
                        continue
                    if entry.is_symlink():
                        _require_inside(path, inside)
                    images.append(path)
    return sorted(images, key=lambda path: ([unicodedata.normalize("NFC", part) for part in path.parts], path))


def _require_inside(path: Path, inside: Path | None) -> None:
    """Refuses what lies outside of a folder; None is no folder."""
    try:
        resolved = path.resolve()
    except RuntimeError:  # Links in a circle lead nowhere.
        return
    if inside is not None and not resolved.is_relative_to(inside):
        raise UsageError(
            f"data.source: {_shown(path)} is a link that leads out of the folder, to {_shown(resolved)}; take it away, "
            "or allow such links with data.follow_links=true."
        )


def _shown(path: Path) -> str:
    return printable(str(path))
