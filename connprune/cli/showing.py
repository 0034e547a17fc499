"""What was trained, in a page, in figures and on stdout."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from connprune.cli.output import Output


def show(
    path: Path,
    document: dict[str, Any],
    write_page: Callable[[dict[str, Any]], None],
    figures: Path | None,
    output: Output,
) -> None:
    """Shows what was trained in a page and in figures; says where it is even if they cannot be written."""
    try:
        write_page(document)
        if figures:
            from connprune.report.figures import comparison_figures

            document |= output.drawn(comparison_figures(document, figures))
    finally:
        output.result(str(path), document)
