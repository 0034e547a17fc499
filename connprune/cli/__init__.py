"""The command line: parsing and printing only."""

from connprune.cli.main import main

__all__ = ["main"]
