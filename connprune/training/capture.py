"""A training step recorded once as a CUDA graph and then replayed: one launch in place of hundreds."""

from collections.abc import Callable

import torch
from torch import Tensor

from connprune.data.batches import Draws

Step = Callable[[Draws, Tensor], None]

# Steps that run as they are before one is recorded: libraries and the optimizer make their buffers in the first ones.
WARM_UP = 3


class CapturedStep:
    """Does what a step does, with the same random numbers.

    It is recorded for batches of one size; others, like the last of an epoch, run as they are. So do all if the step
    cannot be recorded.

    Args:
        step: reads nothing but its arguments and tensors that keep their place, and never waits for the host.
        device: the CUDA device that it computes on.
        batch_size: images of the steps to record.
        warn: is told once, in a sentence, if the step cannot be recorded.
    """

    def __init__(self, step: Step, device: torch.device, batch_size: int, warn: Callable[[str], None]) -> None:
        self._step = step
        self._device = device
        self._batch_size = batch_size
        self._warn = warn
        # Autograd remembers the stream of a node, so what is recorded must have been warmed up on the same one.
        self._stream = torch.cuda.Stream(device)
        self._graph: torch.cuda.CUDAGraph | None = None
        self._inputs: tuple[Draws, Tensor] | None = None
        self._seen = 0
        self._can_record = True

    def __call__(self, draws: Draws, strength: Tensor) -> None:
        """One step; the arguments are the step's own."""
        if len(draws.order) != self._batch_size:
            self._run(draws, strength)
            return
        if self._inputs is None:
            self._inputs = Draws(*(tensor.clone() for tensor in draws)), strength.clone()
        kept_draws, kept_strength = self._inputs
        if self._can_record and self._graph is None and self._seen >= WARM_UP:
            self._graph = self._recorded(kept_draws, kept_strength)
        if self._graph is not None:
            for kept, given in zip((*kept_draws, kept_strength), (*draws, strength), strict=True):
                kept.copy_(given)
            self._graph.replay()
        else:
            self._seen += 1
            self._run(draws, strength)

    def _run(self, draws: Draws, strength: Tensor) -> None:
        surrounding = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(surrounding)
        with torch.cuda.stream(self._stream):
            self._step(draws, strength)
        surrounding.wait_stream(self._stream)

    def _recorded(self, draws: Draws, strength: Tensor) -> torch.cuda.CUDAGraph | None:
        graph = torch.cuda.CUDAGraph()
        surrounding = torch.cuda.current_stream(self._device)
        try:
            # Nothing is computed in here: the operations are written down, with where they read and write.
            with torch.cuda.graph(graph, stream=self._stream):
                self._step(draws, strength)
        except RuntimeError as error:
            self._can_record = False
            self._leave_recording(surrounding)
            self._warn(f"training steps cannot be recorded as a CUDA graph, so they take longer ({_reason(error)})")
            return None
        return graph

    def _leave_recording(self, surrounding: torch.cuda.Stream) -> None:
        """Undoes what torch leaves of a recording that failed: its stream, and random numbers drawn into the graph."""
        torch.cuda.set_stream(surrounding)
        generator = random_numbers(self._device)
        generator.graphsafe_set_state(generator.clone_state())


def random_numbers(device: torch.device) -> torch.Generator:
    """The generator that dropout and gates on a CUDA device draw from."""
    return torch.cuda.default_generators[device.index or 0]


def _reason(error: BaseException) -> str:
    """Why a recording failed: what the step raised, not that the recording could not be ended after it."""
    while error.__context__ is not None:
        error = error.__context__
    return str(error).strip().splitlines()[0]
