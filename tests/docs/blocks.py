"""The code blocks of the documentation, and what is said about running them."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]

# Why a shell block is not run: `<!-- not run: REASON -->` above it says so.
REASONS = (
    "needs a GPU",
    "needs a cluster",
    "downloads images",
    "installs packages",
    "takes hours",
    "measures this machine",
)
# Pages of which no shell block is run. What those of the results made lies beside the page, and is checked there.
PAGES_NOT_RUN = {"docs/experiments.md": "takes hours"}

_FENCE = re.compile(r"^( *)```(\S*)")
_MARK = re.compile(r"<!-- not run: (.+) -->")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        page: the file, from the root.
        line: where it begins, counted from 1.
        language: the first word behind the fence.
        text: what it holds, without the indentation of its fence.
        reason: why it is not run, or None.
    """

    page: str
    line: int
    language: str
    text: str
    reason: str | None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """All blocks of a page, in order."""
    name = str(page.relative_to(ROOT)) if page.is_relative_to(ROOT) else page.name
    lines = page.read_text(encoding="utf-8").splitlines()
    found = []
    start: int | None = None
    for number, line in enumerate(lines):
        fence = _FENCE.match(line)
        if fence and start is None:
            start = number
        elif fence and start is not None and not fence[2]:
            opened = _FENCE.match(lines[start])
            assert opened
            text = "".join(f"{inner.removeprefix(opened[1])}\n" for inner in lines[start + 1 : number])
            before = [above for above in lines[:start] if above.strip()][-1:]
            mark = _MARK.search(before[0]) if before else None
            reason = mark[1] if mark else PAGES_NOT_RUN.get(name)
            found.append(Block(name, start + 1, opened[2], text, reason))
            start = None
    assert start is None, f"{name}: the block at line {start + 1} has no end"
    return found


def shell_blocks(page: Path) -> list[Block]:
    """The blocks of a page that are for a shell."""
    return [block for block in blocks(page) if block.language == "sh"]


def files(page: Path) -> dict[str, str]:
    """What a page shows of Python files, by their names, which the first lines of the blocks say."""
    python = [block.text for block in blocks(page) if block.language == "python"]
    return {text.split()[1]: text for text in python if re.match(r"# \w+\.py\n", text)}
