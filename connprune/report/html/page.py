"""A page as one text: the template, the style, the script and the data, with nothing to load."""

import base64
import hashlib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import jinja2

import connprune
from connprune.errors import ArgumentError
from connprune.files import write_text
from connprune.mistakes import Mistake
from connprune.report.headings import SIZE

# In the order in which they need one another.
_SCRIPTS = (
    "elements",
    "tables",
    "charts",
    "wiring",
    "matrix",
    "details",
    "replay",
    "cuts",
    "training",
    "runs",
    "parallel",
    "comparison",
    "main",
)
# What a page says of itself.
HOLDS = (
    "it holds the paths of runs and images, and of each training that it shows the command line, folder, commit, host "
    "and process"
)
HOLDS_NO_PLACES = "of paths it holds the last part alone, and no command line, folder, commit, host or process"
_GENERATOR = "connprune report"


def page(data: Mapping[str, object]) -> str:
    """The page.

    Args:
        data: `title`, `tiles` (name and value of each) and `sentences` stand in the page itself; all of it is embedded
            as JSON for the script. Texts in it may hold anything.
    """
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    style = _part("style.css")
    script = "\n".join(_part(f"{name}.js") for name in _SCRIPTS)
    return environment.from_string(_part("page.html.j2")).render(
        data={**data, "counts": SIZE},
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
        generator=_GENERATOR,
        version=connprune.__version__,
    )


def require_place(path: Path) -> None:
    """Refuses, before long work begins, a path where no page could be written or where something else is.

    Raises:
        ArgumentError: it is a directory or another file than an earlier page, or its folder cannot be written to.
    """
    if path.is_dir():
        raise _unusable(f"{path}: found a directory, expected a file.")
    if path.exists() and not _is_page(path):
        raise _unusable(f"{path}: there is another file, which would be lost; name a new one.")
    folder = path.parent
    if not folder.is_dir():
        raise _unusable(f"{path}: there is no folder {folder}.")
    probe = folder / f".{path.name}.probe"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise _unusable(f"{path}: cannot write there: {error.strerror}.") from None


def _unusable(problem: str) -> ArgumentError:
    return ArgumentError(Mistake(problem, key="html"))


def write_page(data: Mapping[str, object], path: Path) -> int:
    """Writes the page whole or not at all, in the place of an earlier one, and returns its size in bytes."""
    text = page(data)
    write_text(path, text)
    return len(text.encode())


def _is_page(path: Path) -> bool:
    if not path.is_file():
        # Whoever opens a pipe waits for the other end.
        return False
    try:
        with path.open("rb") as file:
            return _GENERATOR.encode() in file.read(1000)
    except OSError:
        return False


def _part(name: str) -> str:
    return (files("connprune.report.html") / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """What a content security policy names a text by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
