"""Signals that ask to stop, noted so that what is under way can be saved."""

import signal
from types import FrameType
from typing import Self

STOPPING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGUSR1") if hasattr(signal, name)]


class Stop:
    """Notes a signal that asks to stop; the same one again ends the process at once.

    SIGUSR1 is what batch systems such as SLURM can send some time before they end a job.

    Attributes:
        number: the signal, or None.
    """

    number: int | None = None

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._note) for number in STOPPING}
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.number = number
        signal.signal(number, signal.SIG_DFL)
