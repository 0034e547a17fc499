"""The command line: parsing and printing only."""


def main() -> None:
    """The process of a command, from its first line on; it exits with the code that the contract gives it."""
    import sys

    # Until the process has its own handlers, Ctrl-C is Python's.
    try:
        from connprune.cli.process import run

        code = run()
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)
