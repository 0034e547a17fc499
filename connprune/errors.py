"""The errors that a user can mend, each with the exit code that the command line promises for it."""

from pathlib import Path
from typing import NamedTuple

from connprune.mistakes import Mark, Mistake

# What libraries say that find no memory, and raise as errors that may be anything: torch on a CPU and on MPS, CUDA, and
# cuBLAS and cuDNN for what they allocate themselves.
_NO_MEMORY = (
    "can't allocate memory",
    "out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "ALLOCATION_FAILED",
)


class Resumable(NamedTuple):
    """A run that can be resumed: what made it, and where it is."""

    kind: str
    path: Path


class ConnpruneError(Exception):
    """Something went wrong while running. Its text is one clear sentence for the user, or one for each mistake.

    Args:
        mistakes: each of them, or where a sentence is all there is to say, that.

    Attributes:
        mistakes: each of them.
    """

    exit_code = 1

    def __init__(self, *mistakes: Mistake | str) -> None:
        super().__init__(*mistakes)
        self.mistakes = tuple(Mistake(each) if isinstance(each, str) else each for each in mistakes)

    def __str__(self) -> str:
        return "\n".join(map(str, self.mistakes))


class UsageError(ConnpruneError):
    """An argument, a configuration or an input file is not what it must be."""

    exit_code = 2


class DamagedFileError(UsageError):
    """A file is not what was written, or lacks what it must hold.

    Args:
        file: the file.
        problem: what is wrong, in words.
        line: from 1.
    """

    def __init__(self, file: object, problem: str, line: int | None = None) -> None:
        super().__init__(Mistake(f"this file is damaged: {problem}.", mark=Mark(str(file), line)))
        self.args = (str(file), problem, line)


class ArgumentError(UsageError):
    """An argument of a function is not what it must be: the key of each mistake is its name."""

    def __init__(self, *mistakes: Mistake) -> None:
        super().__init__(*mistakes)


class NoBaselineError(UsageError):
    """There is no network of the kind to compare a cut with."""


class UnfinishedRunError(UsageError):
    """A run has no results yet.

    Args:
        mistake: what is wrong.
        run: the run.
    """

    def __init__(self, mistake: Mistake, run: Resumable) -> None:
        super().__init__(mistake)
        self.args = (mistake, run)
        self.run = run


class DisconnectedError(ConnpruneError):
    """The cut asked for would leave no path from the input to the head."""

    exit_code = 3


class UnfinishedError(ConnpruneError):
    """Some trainings of an experiment have failed or are missing."""


class DivergedError(ConnpruneError):
    """The loss is no longer a finite number."""


class DiskFullError(ConnpruneError):
    """There is no room for a file."""


class LostDirectoryError(ConnpruneError):
    """A directory that this process works in is no longer its own."""


class NoMemoryError(ConnpruneError):
    """The memory is too small for what is to be computed."""


class LostDeviceError(ConnpruneError):
    """A GPU has failed, and this process can compute nothing on it any more; another one may."""


class OccupiedError(UsageError):
    """A directory for something new holds something."""


class RunLockedError(UsageError):
    """Another process trains in the run."""


class InterruptedRunError(BaseException):
    """A signal asked to stop; a training has saved its checkpoint before.

    As KeyboardInterrupt it is no Exception: it comes at any moment, and no library may take it for its own trouble.

    Args:
        message: the sentence for the user.
        signal_number: the signal; the exit code is 128 + this number.
        run: what can be resumed.
    """

    def __init__(self, message: str, signal_number: int, run: Resumable | None = None) -> None:
        super().__init__(message)
        self.signal_number = signal_number
        self.run = run
        self.exit_code = 128 + signal_number


def lacks_memory(error: BaseException) -> bool:
    """Whether an error means that there is not enough memory. torch need not be imported to ask."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _NO_MEMORY)
