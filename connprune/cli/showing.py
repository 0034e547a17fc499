"""What was trained, in a page, in figures and on stdout."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from connprune.cli.output import Output

if TYPE_CHECKING:
    from connprune.documents.comparison import Comparison


def show(
    document: "Comparison", write_page: Callable[[], dict[str, str]], figures: Path | None, output: Output
) -> None:
    """Shows a comparison in a page and in figures; says where it is even if they cannot be written."""
    made: dict[str, object] = {}
    try:
        made |= write_page()
        if figures:
            from connprune.report.figures import comparison_figures

            made |= output.drawn(comparison_figures(document, figures))
    finally:
        output.result(document.path, document.model_copy(update=made))
