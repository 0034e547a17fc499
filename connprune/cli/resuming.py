"""What a user types to resume a run."""

import shlex

from connprune.errors import Resumable

# What resumes a run of each kind, before its path; `retrain` all others.
_COMMANDS = {"train": "train --resume --run", "sweep": "sweep --resume --run", "rounds": "prune --resume --out"}


def resume_command(run: Resumable) -> str:
    """The command that resumes a run."""
    return f"connprune {_COMMANDS.get(run.kind, 'retrain --resume --run')} {shlex.quote(str(run.path))}"


def advised(error: BaseException) -> str:
    """What an error says, and where it leaves a run that can be resumed, by which command."""
    run = getattr(error, "run", None)
    return f"{error} Go on with `{resume_command(run)}`." if isinstance(run, Resumable) else str(error)
