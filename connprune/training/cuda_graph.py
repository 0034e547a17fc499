"""A training step recorded once as a CUDA graph and then replayed: one launch in place of hundreds."""

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from connprune.data.batches import Draws
from connprune.training.turns import random_numbers

Step = Callable[[Draws, Tensor], None]

# Steps that run as they are before one is recorded: libraries and the optimizer make their buffers in the first ones.
WARM_UP = 3


class Recording(NamedTuple):
    """A recorded step, and the tensors that it reads its draws from."""

    graph: torch.cuda.CUDAGraph
    draws: Draws

    def replay(self, draws: Draws) -> None:
        """One step with these draws."""
        # One launch for all that are of one kind: in a small network the host's launches are what takes the time.
        torch._foreach_copy_(self.draws.tensors(), draws.tensors())
        self.graph.replay()


class CapturedStep:
    """Does what a step does, with the same random numbers.

    It is recorded for each size of batch: most are of one, and the last of an epoch of another. If the step cannot be
    recorded, all run as they are.

    Args:
        step: reads nothing but its draws and tensors that keep their place, and never waits for the host.
        device: the CUDA device that it computes on.
        warn: is told once, in a sentence, if the step cannot be recorded.
    """

    def __init__(self, step: Step, device: torch.device, warn: Callable[[str], None]) -> None:
        self._step = step
        self._device = device
        self._warn = warn
        # Autograd remembers the stream of a node, so what is recorded must have been warmed up on the same one.
        self._stream = torch.cuda.Stream(device)
        self._recordings: dict[int, Recording] = {}
        # How many steps have run as they are, by their size.
        self._seen: Counter[int] = Counter()
        self._can_record = True

    def __call__(self, draws: Draws, coefficient: Tensor) -> None:
        """One step; the arguments are the step's own, of which the coefficient keeps its place."""
        size = len(draws.order)
        # Of a size that comes once an epoch, one is enough: its libraries choose what they run by the size.
        is_warm = self._seen[size] and self._seen.total() >= WARM_UP
        if size not in self._recordings and is_warm and self._can_record:
            self._record(draws, coefficient)
        if size in self._recordings:
            self._recordings[size].replay(draws)
        else:
            self._seen[size] += 1
            self._run(draws, coefficient)

    def _run(self, draws: Draws, coefficient: Tensor) -> None:
        surrounding = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(surrounding)
        with torch.cuda.stream(self._stream):
            self._step(draws, coefficient)
        surrounding.wait_stream(self._stream)

    def _record(self, draws: Draws, coefficient: Tensor) -> None:
        recording = Recording(torch.cuda.CUDAGraph(), draws.map(torch.clone))
        # Nothing that one step leaves in this memory is read by another.
        pool = next((other.graph.pool() for other in self._recordings.values()), None)
        surrounding = torch.cuda.current_stream(self._device)
        try:
            # Nothing is computed in here: the operations are written down, with where they read and write.
            with torch.cuda.graph(recording.graph, pool=pool, stream=self._stream):
                self._step(recording.draws, coefficient)
        except RuntimeError as error:
            self._can_record = False
            # They would go on with the random numbers that the generator had before.
            self._recordings.clear()
            self._leave_recording(surrounding)
            self._warn(f"training steps cannot be recorded as a CUDA graph, so they take longer ({_reason(error)})")
        else:
            self._recordings[len(draws.order)] = recording

    def _leave_recording(self, surrounding: torch.cuda.Stream) -> None:
        """Undoes what torch leaves of a recording that failed: its stream, and random numbers drawn into the graph."""
        torch.cuda.set_stream(surrounding)
        generator = random_numbers(self._device)
        generator.graphsafe_set_state(generator.clone_state())


def _reason(error: BaseException) -> str:
    """Why a recording failed: what the step raised, not that the recording could not be ended after it."""
    while error.__context__ is not None:
        error = error.__context__
    return str(error).strip().splitlines()[0]
