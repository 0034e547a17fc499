"""A command is read in one screen: what is longer has parts with names."""

import ast
from pathlib import Path

import connprune.cli

# Signature and docstring included.
MOST_LINES = 60


def test_no_function_of_the_command_line_is_long() -> None:
    lengths = {
        f"{path.name}:{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in Path(connprune.cli.__file__).parent.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    }
    assert lengths["prune.py:prune"] > 1
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}
