"""Images that stay in the host's memory, and are copied to the device a batch at a time, ahead of the step for it."""

from collections import deque

import torch
from torch import Tensor

from connprune.data.batches import Draws
from connprune.data.images import Images

# Steps that the host may be ahead of the device: each has the images of its batch there.
_AHEAD = 3


class Supply:
    """Gives each batch its images.

    A step is launched and not waited for, so while the device takes it, the host gathers the images of the next one
    and has them copied from page-locked memory, on a stream of its own.

    Args:
        images: those in the host's memory, whose labels are on the device.
    """

    def __init__(self, images: Images) -> None:
        self._images = images
        self._device = images.labels.device
        self._is_cuda = self._device.type == "cuda"
        self._stream = torch.cuda.Stream(self._device) if self._is_cuda else None
        self._launched: deque[torch.cuda.Event] = deque()

    def __call__(self, draws: Draws) -> Draws:
        """The draws of a batch with its images, on the device.

        Args:
            draws: whose order is in the host's memory.
        """
        if self._stream is None:
            return self._supplied(draws)
        computing = torch.cuda.current_stream(self._device)
        self._launched.append(computing.record_event())
        if len(self._launched) > _AHEAD:
            self._launched.popleft().synchronize()
        with torch.cuda.stream(self._stream):
            supplied = self._supplied(draws)
        computing.wait_stream(self._stream)
        for each in (supplied, supplied.other):
            for tensor in (each.order, each.pixels) if each else ():
                if tensor is not None:
                    # It was made on the other stream, whose next copy must not take its memory before it is read.
                    tensor.record_stream(computing)
        return supplied

    def _supplied(self, draws: Draws) -> Draws:
        rows, images = self._images.stored(draws.order), self._images.images
        pixels = torch.empty(len(rows), *images.shape[1:], dtype=images.dtype, pin_memory=self._is_cuda)
        torch.index_select(images, 0, rows, out=pixels)
        order = draws.order.pin_memory() if self._is_cuda else draws.order
        other = self._supplied(draws.other) if draws.other else None
        return draws._replace(order=self._copied(order), pixels=self._copied(pixels), other=other)

    def _copied(self, tensor: Tensor) -> Tensor:
        return tensor.to(self._device, non_blocking=True)
