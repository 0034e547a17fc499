"""Runs a command, and is the only place that turns an error into a message and an exit code."""

import errno
import os
import sys
from dataclasses import replace

from typer import TyperException

from connprune.cli.app import command_line
from connprune.cli.output import tell
from connprune.cli.resuming import advised
from connprune.cli.slips import explained
from connprune.errors import ArgumentError, ConnpruneError, OccupiedError, lacks_memory
from connprune.signals import interruption_behind


def call() -> int:
    """Runs the command that the process was started with, and returns the code that the contract gives it.

    With CONNPRUNE_TRACEBACK set, errors come with their traceback.

    Raises:
        InterruptedRunError: a signal asked to stop.
    """
    try:
        code = command_line(_typed())(prog_name="connprune", standalone_mode=False)
        # What a library has printed may be on its way yet.
        sys.stdout.flush()
    except SystemExit as exited:
        code = exited.code
    except Exception as error:
        if os.environ.get("CONNPRUNE_TRACEBACK"):
            raise
        if interruption := interruption_behind(error):
            raise interruption from None
        message, code = _explain(error)
        tell(message)
    return int(code or 0)


def _typed() -> list[str]:
    """The words on the command line, which a shell that asks for completions passes on in variables."""
    completing = (os.environ.get(name, "") for name in ("COMP_WORDS", "_TYPER_COMPLETE_ARGS"))
    return [*sys.argv[1:], *(word for line in completing for word in line.split())]


def _explain(error: Exception) -> tuple[str, int]:
    if isinstance(error, ArgumentError):
        given = (replace(each, key=f"--{each.key.replace('_', '-')}" if each.key else None) for each in error.mistakes)
        return str(ArgumentError(*given)), error.exit_code
    if isinstance(error, OccupiedError):
        return f"{error} --resume resumes a run that is there.", error.exit_code
    if isinstance(error, ConnpruneError):
        return advised(error), error.exit_code
    if isinstance(error, TyperException):
        # Without arguments the help was shown, and there is nothing to say.
        return explained(error.format_message(), sys.argv[1:]), error.exit_code
    if isinstance(error, FileExistsError | NotADirectoryError):
        return f"{error.filename}: expected a folder, found a file.", 2
    if isinstance(error, OSError) and error.errno in (errno.ENAMETOOLONG, errno.ELOOP):
        return f"{error.filename}: {error.strerror}.", 2
    if isinstance(error, OSError):
        file = f"{error.filename}: " if error.filename else ""
        return f"{file}{error.strerror or error}.", 1
    if lacks_memory(error):
        return "There is not enough memory; lower training.batch_size, or use smaller layers or images.", 1
    return f"{type(error).__name__}: {error} (set CONNPRUNE_TRACEBACK=1 to see where).", 1
