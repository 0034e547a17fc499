"""The command line in a process of its own that costs next to nothing: a fork of this one, with real signals.

The signal comes at an operation on files, which is where a moment can be a wrong one.
"""

import os
import pkgutil
import signal
import sys
import warnings
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import torch

import connprune
from connprune.cli import main
from connprune.runs.directory import RunDirectory
from connprune.tensor_files import read_tensors

# Every exit code that is promised; a negative one is the signal that ended the process.
CODES = {0, 1, 2, 3, 128 + signal.SIGHUP, 128 + signal.SIGINT, 128 + signal.SIGUSR1, 128 + signal.SIGTERM}

_OPERATIONS = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree"}


@dataclass(frozen=True)
class Blow:
    """A signal that a process gets.

    Attributes:
        number: the signal.
        after: how many files it opens for writing, renames or removes first.
    """

    number: signal.Signals
    after: int


@dataclass(frozen=True)
class Ended:
    """What a command left."""

    words: tuple[str, ...]
    code: int
    out: str
    err: str

    @property
    def told(self) -> str:
        return f"`connprune {' '.join(self.words)}` ended with {self.code}: {self.out!r} {self.err!r}"


def prepare() -> None:
    """Imports here what commands import, which each of them would do again."""
    for module in pkgutil.walk_packages(connprune.__path__, "connprune."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    # The first optimizer of a process would.
    import_module("torch._dynamo")


def run(folder: Path, *words: str, blow: Blow | None = None) -> Ended:
    """What a command does that runs in a folder.

    Raises:
        AssertionError: it ends with a traceback, an error that nobody foresaw, or a code that is not promised.
    """
    out, err = folder / ".out", folder / ".err"
    with warnings.catch_warnings():
        # From 3.12 on Python warns of forks where threads are; the child uses none of them.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if not child:
        _be_command(folder, words, blow)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in (out, err)]
    out.unlink()
    err.unlink()
    ended = Ended(words, code, *texts)
    assert "Traceback" not in ended.err, ended.told
    assert "CONNPRUNE_TRACEBACK" not in ended.err, ended.told
    assert code in CODES or (blow and code == -blow.number), ended.told
    return ended


def _be_command(folder: Path, words: tuple[str, ...], blow: Blow | None) -> NoReturn:
    code = 70  # No command's: this one is not reached if `main` keeps its promise.
    try:
        os.chdir(folder)
        for place, name in ((1, ".out"), (2, ".err")):
            os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), place)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w")
        sys.argv = ["connprune", *words]
        torch.set_num_threads(1)
        if blow:
            _strike(blow)
        main()
    except SystemExit as exited:
        code = exited.code if isinstance(exited.code, int) else 0 if exited.code is None else 1
    except BaseException as error:  # As Python ends a process that nobody catches an error in.
        print(f"Traceback: {error!r}", file=sys.stderr)
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)


def _strike(blow: Blow) -> None:
    left = blow.after

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        opened = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if opened or event in _OPERATIONS:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), blow.number)

    sys.addaudithook(count)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def lasting(path: Path) -> dict[str, Any]:
    """All of a finished run, or of a cut, that neither the clock nor a place may have a part in."""
    run = RunDirectory.open(path)
    summary = run.summary
    return {
        "status": summary.status,
        "results": [part.plain() if part else None for part in (summary.final, summary.best)],
        "config": run.text(run.config) if run.config.exists() else None,
        "architecture": run.architecture(),
        "metrics": [_timeless(epoch.plain()) for epoch in run.read_metrics()],
        "tensors": {
            file.name: {name: tensor.numpy().tobytes() for name, tensor in read_tensors(file)[0].items()}
            for file in (run.final, run.best, run.gates)
            if file.exists()
        },
    }


def _timeless(found: Any) -> Any:
    if not isinstance(found, dict):
        return found
    return {key: value for key, value in found.items() if not key.endswith(("_seconds", "_per_second"))}
