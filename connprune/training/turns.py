"""Work that leaves off after each step, so that several trainings of one process can take turns.

What torch keeps once a process is each one's own while it has its turn: the random numbers, and on a GPU the stream, so
that the recorded steps of several trainings overlap there.
"""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch

Result = TypeVar("Result")
# Leaves off after each step; gives a result at its end.
Turns = Generator[None, None, Result]


def finished(work: Turns[Result]) -> Result:
    """Works without leaving off, and gives the result."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


class OwnState:
    """What torch keeps once a process, for one of several that compute on a device.

    It begins as the process has it, on a CPU or a CUDA device.

    Args:
        device: where.
    """

    def __init__(self, device: torch.device) -> None:
        self._numbers = torch.get_rng_state()
        self._gpu = _GpuState(device) if device.type == "cuda" else None

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """In here the process has this state, and afterwards what it had before."""
        before = torch.get_rng_state()
        torch.set_rng_state(self._numbers)
        try:
            if self._gpu is None:
                yield
            else:
                with self._gpu.in_place():
                    yield
        finally:
            self._numbers = torch.get_rng_state()
            torch.set_rng_state(before)


class _GpuState:
    def __init__(self, device: torch.device) -> None:
        torch.cuda.init()
        self._default = random_numbers(device)
        self._numbers = self._default.clone_state()
        self._stream = torch.cuda.Stream(device)
        self._stream.wait_stream(torch.cuda.current_stream(device))

    @contextmanager
    def in_place(self) -> Iterator[None]:
        # By reference: a recorded step advances the random numbers that it was recorded with.
        before = self._default.graphsafe_get_state()
        self._default.graphsafe_set_state(self._numbers)
        try:
            with torch.cuda.stream(self._stream):
                yield
        finally:
            self._numbers = self._default.graphsafe_get_state()
            self._default.graphsafe_set_state(before)


def random_numbers(device: torch.device) -> torch.Generator:
    """The generator that dropout and gates on a CUDA device draw from."""
    return torch.cuda.default_generators[device.index or 0]
