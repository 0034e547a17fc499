"""The formats, and the one place that chooses among them."""

from pathlib import Path
from typing import TYPE_CHECKING

from connprune.architecture.shapes import mac_count, parameter_count
from connprune.documents.export import Export
from connprune.documents.run import EXPERIMENTS
from connprune.errors import UsageError
from connprune.files import file_digest, text_digest, write_text
from connprune.runs.directory import RunDirectory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from connprune.network import Network

DRAWINGS = ("dot", "mermaid")
FORMATS = ("onnx", "pt2", "safetensors", *DRAWINGS)


def require_exportable(run: RunDirectory) -> None:
    """Refuses what has no network, or none yet.

    Raises:
        UsageError: it is an experiment, or has not ended.
    """
    if run.kind in EXPERIMENTS:
        raise UsageError(f"{run.path}: expected a training, a cut or a retrained run, found a {run.kind}; name a run.")
    run.require_finished()


def draw(run: RunDirectory, format_name: str) -> str:
    """The wiring of a finished run as text; needs no torch.

    Raises:
        UsageError: see `require_exportable`; or the run's files are damaged.
    """
    from connprune.export import dot, mermaid

    require_exportable(run)
    drawing = dot.drawing if format_name == "dot" else mermaid.drawing
    return drawing(run.path.resolve().name, run.architecture(), run.read_gates() if run.gates.exists() else None)


def export_drawing(run: RunDirectory, format_name: str, path: Path | None) -> tuple[str, Export]:
    """Draws the wiring, and writes it if a file is wanted.

    Args:
        run: a finished run.
        format_name: one of `DRAWINGS`.
        path: a new file, or None.

    Returns:
        The drawing, and what was made.

    Raises:
        UsageError: see `draw`; or the file is there already.
    """
    if path is not None:
        _require_new(path)
    text = draw(run, format_name)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
    return text, _document(
        run,
        format_name,
        path,
        card=None,
        digest=text_digest(text),
        size=len(text.encode()),
        weights_digest=None,
        text=text,
    )


def export_model(run: RunDirectory, format_name: str, path: Path | None, redact: bool = True) -> Export:
    """Writes the network of a finished run, and its model card beside it.

    Args:
        run: the run.
        format_name: `onnx`, `pt2` or `safetensors`.
        path: a new file; None is the run's own place for it, where an earlier export is replaced.
        redact: whether file and card name folders by their last part, not by their paths.

    Returns:
        What was made.

    Raises:
        UsageError: see `require_exportable`; the run's files are damaged, a package that the format needs is missing,
            or the file or its card is there already.
    """
    from connprune.export.card import card
    from connprune.export.subject import Subject
    from connprune.training.run import load_network

    require_exportable(run)
    file = path or run.exports / f"network.{format_name}"
    beside = file.with_name(f"{file.name}.md")
    if path is not None:
        _require_new(path)
        _require_new(beside)
    subject = Subject.of(run, redact)
    write = _writer(format_name)(load_network(run), subject.metadata())
    file.parent.mkdir(parents=True, exist_ok=True)
    write(file)
    write_text(beside, card(subject, format_name, file))
    return _document(
        run,
        format_name,
        file,
        card=str(beside),
        digest=file_digest(file),
        size=file.stat().st_size,
        weights_digest=subject.weights_digest,
        text=None,
    )


def _writer(format_name: str) -> "Callable[[Network, Mapping[str, str]], Callable[[Path], None]]":
    """What makes of a network and its metadata something that writes a file, whole or not at all."""
    match format_name:
        case "onnx":
            from connprune.export.onnx import writer
        case "pt2":
            from connprune.export.pt2 import writer
        case _:
            from connprune.export.safetensors import writer
    return writer


def _document(
    run: RunDirectory,
    format_name: str,
    path: Path | None,
    *,
    card: str | None,
    digest: str,
    size: int,
    weights_digest: str | None,
    text: str | None,
) -> Export:
    architecture = run.architecture()
    return Export(
        path=str(path) if path else None,
        run=str(run.path),
        format=format_name,
        layers=len(architecture.layers),
        connections=len(architecture.all_connections),
        parameters=parameter_count(architecture),
        macs=mac_count(architecture),
        card=card,
        digest=digest,
        bytes=size,
        weights_digest=weights_digest,
        text=text,
    )


def _require_new(path: Path) -> None:
    if path.exists():
        raise UsageError(f"{path}: there is something already; name a new file, or remove it first.")
