"""How Sphinx makes the site of these pages: `make docs`."""

import re
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

project = "connprune"
html_title = "connprune"
html_theme = "furo"
html_show_copyright = False
html_copy_source = False
html_static_path = ["static"]
html_css_files = ["site.css"]
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_heading_anchors = 4
# Docstrings write code as Markdown does.
default_role = "literal"
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
napoleon_google_docstring = True
# Types of other libraries have no page here, and sections of a configuration are told with its keys.
nitpick_ignore_regex = [
    ("py:.*", r"(?!connprune\.).*"),
    ("py:.*", r"connprune\.architecture\.gates\.(?!Gates$).*"),
    # Two classes of one name cannot both be found by it.
    ("py:.*", r"connprune\.documents\.(comparison\.Network|cut\.Latency)"),
    ("py:.*", r"connprune\.(architecture\.architecture\.Input|(data|runs)\.settings\..*|training\.recipe\..*)"),
]

HERE = Path(__file__).parent
# Pages whose text stands elsewhere in the repository.
FROM_ELSEWHERE = {"changes": HERE.parent / "CHANGELOG.md", "contributing": HERE.parent / "CONTRIBUTING.md"}
# Pages that list others: their lists are the navigation.
LISTS = {"index", "concepts/README", "decisions/README"}


def navigation(markdown: str) -> str:
    """The links in the lists of a page as the tree that Sphinx navigates by, with a caption for each section."""
    trees = []
    for section in re.split(r"^(?=## )", markdown, flags=re.MULTILINE):
        heading = re.match(r"## (.+)", section)
        pages = re.findall(r"^- \[[^\]]+\]\(([^)#]+)\.md\)", section, re.MULTILINE)
        if pages:
            options = [":hidden:", *([f":caption: {heading[1]}"] if heading else [])]
            trees.append("\n".join(["```{toctree}", *options, "", *pages, "```"]))
    return "\n\n".join(trees)


def read_page(app: Sphinx, name: str, text: list[str]) -> None:
    """Gives pages the text that they have only in the site."""
    if name in FROM_ELSEWHERE:
        text[0] = FROM_ELSEWHERE[name].read_text(encoding="utf-8")
        app.env.note_dependency(FROM_ELSEWHERE[name])
    if name in LISTS:
        text[0] += "\n" + navigation(text[0])


def signature(
    app: Sphinx, what: str, name: str, documented: Any, options: Any, arguments: str | None, returns: str | None
) -> tuple[str, str] | None:
    """Leaves the arguments of classes of keys out: the reference of the configuration has them."""
    return ("", "") if isinstance(documented, type) and issubclass(documented, BaseModel) else None


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("source-read", read_page)
    app.connect("autodoc-process-signature", signature)
    # GitHub draws these blocks. The script that does it would come from another host, so here they are text.
    app.add_lexer("mermaid", TextLexer)
