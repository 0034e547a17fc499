"""What is known of how a worker ended, for a sentence that says why a training is not finished."""

import signal
from collections.abc import Sequence
from pathlib import Path

_FEW_LINES = 3
# How the lists of what ran begin that Ray and Python write when a process is ended from inside, in lines without words.
_DUMPS = ("*** SIG", "Fatal Python error")


def out_of_memory_kills() -> int:
    """How many processes this machine has killed for lack of memory since it started; 0 where it does not say."""
    try:
        counts = dict(line.split() for line in Path("/proc/vmstat").read_text().splitlines())
    except (OSError, ValueError):
        return 0
    return int(counts.get("oom_kill", 0))


def lack_of_memory(kills: int) -> str:
    """What a kill by SIGKILL says of memory, given how many processes were killed for lack of it meanwhile."""
    if kills:
        return f"the machine ran out of memory and killed {kills} process{'es' * (kills > 1)} meanwhile"
    return "somebody did this, or a limit on memory"


def end_of(name: str, process: int, code: int, kills: int) -> str | None:
    """How a worker ended, if it was not by itself and with words of its own.

    Args:
        name: what it is called in the sentence.
        process: its number.
        code: its exit code, or a signal's number negated, as `subprocess` has it.
        kills: processes killed for lack of memory while it ran.
    """
    if code >= 0 and code <= 128:
        return None
    number = -code if code < 0 else code - 128
    told = f"{name} (process {process}) was ended by {_signal_name(number)}"
    return f"{told}: {lack_of_memory(kills)}" if number == signal.SIGKILL else told


def last_words(logs: Sequence[Path]) -> str | None:
    """The last lines of the newest of these files that holds any, without what a crash dumps, in one line."""
    written = [path for path in logs if path.stat().st_size]
    if not written:
        return None
    newest = max(written, key=lambda path: path.stat().st_mtime)
    lines = [line.strip() for line in newest.read_text(encoding="utf-8", errors="replace").splitlines()]
    dump = next((number for number, line in enumerate(lines) if line.startswith(_DUMPS)), len(lines))
    return " / ".join([line for line in lines[: dump + 1] if line][-_FEW_LINES:]) or None


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
