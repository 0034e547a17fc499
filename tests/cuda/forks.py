"""Runs Python on behalf of the tests, each time in a fork of this process, which has imported torch for all of them.

A line of stdin is what to run, as JSON: the arguments of Python, the folder, more variables, and the files that the
three streams are. The line that is printed then is the exit code. Nothing is done on a device here: a fork could not go
on with that.
"""

import json
import os
import runpy
import signal
import sys
from importlib import import_module
from typing import Any

from tests.conftest import PATIENCE

# What most of them import: the first optimizer of a process imports the compiler.
SHARED = ("pytest", "torch._dynamo", "connprune.bench.run", "connprune.cli.process", "connprune.training.trainer")


def next_to_run() -> dict[str, Any] | None:
    """What the process is to run, which is a fork then; None at the end of them."""
    for line in iter(sys.stdin.readline, ""):
        child = os.fork()
        if not child:
            found: dict[str, Any] = json.loads(line)
            return found
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    return None


def become(wanted: dict[str, Any]) -> None:
    """Runs it as Python would, so that the process ends as Python's would."""
    os.chdir(wanted["folder"])
    os.environ.update(wanted["variables"])
    for place, (name, flags) in enumerate(zip(wanted["streams"], (os.O_RDONLY, os.O_WRONLY, os.O_WRONLY), strict=True)):
        os.dup2(os.open(name, flags), place)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - what was read ahead is not for this process
    signal.alarm(PATIENCE)
    how, what, *sys.argv[1:] = wanted["arguments"]
    if how == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})


if __name__ == "__main__":
    for name in SHARED:
        import_module(name)
    if wanted := next_to_run():
        become(wanted)
