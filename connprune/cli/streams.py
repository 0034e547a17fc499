"""The standard streams of the process, which may be closed, full, without a reader or without the letters of a path."""

import codecs
import errno
import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

from connprune.errors import ConnpruneError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

# The exit code of a program whose reader has gone away: 128 and the number of SIGPIPE, as a shell counts.
_READER_GONE = 141


class OutputError(ConnpruneError):
    """Standard output does not take what is written to it."""

    def __init__(self, error: OSError) -> None:
        # A reader that has seen enough, such as `head`, knows.
        gone = error.errno == errno.EPIPE
        why = "it is closed" if error.errno == errno.EBADF else error.strerror
        super().__init__("" if gone else f"standard output: {why}; what was to be printed there is lost.")
        self.exit_code = _READER_GONE if gone else 1


class _Data(io.FileIO):
    """Standard output: what cannot be written is told once."""

    is_lost = False

    def write(self, data: "ReadableBuffer") -> int:
        if not self.is_lost:
            try:
                return super().write(data)
            except OSError as error:
                self.is_lost = True
                raise OutputError(error) from None
        return memoryview(data).nbytes


class _Words(io.FileIO):
    """Standard error: nobody has to read it."""

    def write(self, data: "ReadableBuffer") -> int:
        try:
            return super().write(data) or memoryview(data).nbytes
        except OSError:
            return memoryview(data).nbytes


def open_all() -> None:
    """Makes the three streams fit for whatever the process was started with.

    Closed ones are opened, or a file of ours would get their number and with it what is said on them: what is read is
    empty, what is written to standard output fails, what is written to standard error is gone.

    Paths must be printed as they are: where the encoding of standard output lacks a letter, the file system's bytes for
    it are written.
    """
    for number, mode in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        _open_if_closed(number, mode)
    sys.stdin = sys.stdin or io.TextIOWrapper(io.FileIO(0, closefd=False))
    codecs.register_error("connprune.path", _as_in_path)
    if _is_plain(sys.stdout):
        sys.stdout = _text(_Data(1, "wb", closefd=False), sys.stdout, "connprune.path")
    if _is_plain(sys.stderr):
        sys.stderr = _text(_Words(2, "wb", closefd=False), sys.stderr, "backslashreplace")


def readable(text: str) -> str:
    """A text for people with each letter that standard output lacks as its escape."""
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _open_if_closed(number: int, mode: int) -> None:
    try:
        os.fstat(number)
    except OSError:
        opened = os.open(os.devnull, mode)
        os.dup2(opened, number)
        if opened != number:
            os.close(opened)
        os.set_inheritable(number, True)


def _is_plain(stream: TextIO | None) -> bool:
    """Whether it is the process's own, and no console of Windows', which takes no bytes."""
    if stream is None:
        return True
    buffer = getattr(stream, "buffer", None)
    return stream in (sys.__stdout__, sys.__stderr__) and isinstance(getattr(buffer, "raw", buffer), io.FileIO)


def _text(raw: io.FileIO, before: TextIO | None, errors: str) -> TextIO:
    encoding = before.encoding if before else "utf-8"
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, errors, line_buffering=True)


def _as_in_path(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    try:
        return os.fsencode(letters), error.end
    except UnicodeEncodeError:
        return letters.encode("ascii", "backslashreplace"), error.end
