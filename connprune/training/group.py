"""The processes that train one run together, as torchrun starts them; most often it is one alone.

Every process draws the same epochs and takes its own part of each batch, so that a step is the step of one process with
the whole batch, up to rounding.
"""

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from connprune.data.batches import Draws
from connprune.data.images import Images
from connprune.errors import ConnpruneError
from connprune.training.device import cuda_devices

T = TypeVar("T")

# A process that answers so late has stopped without saying so.
_LONGEST_WAIT = timedelta(minutes=30)
# How long what one process has to tell the others may wait, where asking at every step would hold up small ones.
_HEARD_WITHIN_SECONDS = 0.1


class Group(Protocol):
    """What the processes of a training do together. Where it says all, every process must call."""

    rank: int
    size: int

    def part(self, draws: Draws) -> tuple[Draws, float]:
        """This process's part of a batch, and what its mean loss must be multiplied by.

        The mean over processes of the products is the mean over the batch. A process that gets no image takes one
        and 0.
        """

    def images(self, images: Images) -> Images:
        """This process's part of images to evaluate."""

    def wrapped(self, network: nn.Module, reads_moved_buffers: bool = False) -> nn.Module:
        """The network, with gradients that are the mean over all.

        Args:
            network: trained by all.
            reads_moved_buffers: whether a step reads buffers that the steps before moved; all then read the first's.
        """

    def add_up(self, *numbers: Tensor) -> None:
        """Replaces each number by its sum over all."""

    def largest(self, number: int) -> int:
        """The largest over all."""

    def largest_soon(self, number: int) -> int:
        """The largest over all, or 0 if they were asked a moment ago: what a process keeps saying is heard soon."""

    def share_buffers(self, network: nn.Module) -> None:
        """Gives all the first process's buffers, which each has moved by its own part of the batches."""

    def from_first(self, thing: T) -> T:
        """What the first process holds, for all; what the others give is not looked at."""

    def gathered(self, tensor: Tensor) -> list[Tensor]:
        """The tensors of all, in the order of their ranks."""


class SingleProcess:
    """One process."""

    rank = 0
    size = 1

    def part(self, draws: Draws) -> tuple[Draws, float]:
        """All of the batch."""
        return draws, 1.0

    def images(self, images: Images) -> Images:
        """All of them."""
        return images

    def wrapped(self, network: nn.Module, reads_moved_buffers: bool = False) -> nn.Module:
        """The network itself."""
        return network

    def add_up(self, *numbers: Tensor) -> None:
        """They are their sums."""

    def largest(self, number: int) -> int:
        """It is the largest."""
        return number

    def largest_soon(self, number: int) -> int:
        """It is the largest, at once."""
        return number

    def share_buffers(self, network: nn.Module) -> None:
        """It has them."""

    def from_first(self, thing: T) -> T:
        """It is the first's."""
        return thing

    def gathered(self, tensor: Tensor) -> list[Tensor]:
        """The tensor."""
        return [tensor]


class Processes:
    """The processes of a torch.distributed group, which must have begun."""

    def __init__(self) -> None:
        self.rank, self.size = dist.get_rank(), dist.get_world_size()
        self._asked_at, self._steps, self._left = time.monotonic(), 1, 0

    def part(self, draws: Draws) -> tuple[Draws, float]:
        """Every size-th image of the batch, from the rank-th on."""
        count = len(draws.order)
        mine = draws.of(slice(self.rank, None, self.size))
        share = self.size * len(mine.order) / count
        return (mine, share) if share else (draws.of(slice(1)), 0.0)

    def images(self, images: Images) -> Images:
        """Every size-th image, from the rank-th on."""
        return images[self.rank :: self.size]

    def wrapped(self, network: nn.Module, reads_moved_buffers: bool = False) -> nn.Module:
        """The network in torch's DistributedDataParallel; on GPUs batch normalisation sees the whole batch."""
        if next(network.parameters()).device.type == "cuda":
            network = nn.SyncBatchNorm.convert_sync_batchnorm(network)
        # The gradients live in the buckets that are summed up, not beside them.
        wrapped = nn.parallel.DistributedDataParallel(network, gradient_as_bucket_view=True)
        # Else each step would send all buffers, constants too. The argument of this name is deprecated; the attribute
        # is torch's in all versions that this runs on.
        wrapped.broadcast_buffers = reads_moved_buffers
        return wrapped

    def add_up(self, *numbers: Tensor) -> None:
        """By an all-reduce each."""
        for number in numbers:
            dist.all_reduce(number)

    def largest(self, number: int) -> int:
        """By an all-reduce on the CPU, which does not wait for a GPU."""
        found = torch.tensor(number)
        dist.all_reduce(found, dist.ReduceOp.MAX)
        return int(found)

    def largest_soon(self, number: int) -> int:
        """By an all-reduce on the CPU, not again for as many calls as the slowest process takes 0.1 s for."""
        if self._left:
            self._left -= 1
            return 0
        now = time.monotonic()
        # In whole microseconds: all must come to the same number of calls.
        most = torch.tensor([number, round(1e6 * (now - self._asked_at) / self._steps)])
        dist.all_reduce(most, dist.ReduceOp.MAX)
        largest, microseconds = most.tolist()
        self._left = round(1e6 * _HEARD_WITHIN_SECONDS) // max(1, microseconds)
        self._asked_at, self._steps = time.monotonic(), self._left + 1
        return int(largest)

    def share_buffers(self, network: nn.Module) -> None:
        """By a broadcast each."""
        for buffer in network.buffers():
            dist.broadcast(buffer, src=0)

    def from_first(self, thing: T) -> T:
        """By a broadcast of the pickled thing, between processes that run the same program."""
        held: list[Any] = [thing]
        dist.broadcast_object_list(held, src=0, device=torch.device("cpu"))
        return cast("T", held[0])

    def gathered(self, tensor: Tensor) -> list[Tensor]:
        """By an all-gather on the CPU; all are of one shape."""
        tensors = [torch.empty_like(tensor, device="cpu") for _ in range(self.size)]
        dist.all_gather(tensors, tensor.cpu())
        return tensors


def in_turn(group: Group, work: Callable[[], T]) -> T:
    """Does the same work in every process, in the first one before the others."""
    if group.rank:
        group.largest(0)
    result = work()
    if not group.rank:
        group.largest(0)
    return result


def is_launched() -> bool:
    """Whether torchrun, or something that speaks as it does, has started this process as one of several."""
    return "RANK" in os.environ and "WORLD_SIZE" in os.environ


def launch() -> str | None:
    """What is the same for all processes that torchrun started together, and again after it started them anew."""
    if not is_launched():
        return None
    own = os.environ.get("TORCHELASTIC_RUN_ID", "none")
    # Without a rendezvous id of its own a launch is told from others by the process that launched it.
    return own if own != "none" else f"{socket.gethostname()}/{os.getppid()}/{_start_of(os.getppid())}"


def _start_of(process: int) -> str:
    """When a process began, in the system's own count; empty where it does not say. Its number alone is used again."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""


def own_device(name: str) -> str:
    """The device of this process among those of one machine: `auto` and `cuda` become a GPU of its own."""
    if is_launched() and name in ("auto", "cuda") and cuda_devices()[0]:
        return f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    return name


@contextmanager
def joined(device: torch.device) -> Iterator[Group]:
    """The group that this process was started in; alone if in none.

    Args:
        device: where this process computes.

    Raises:
        ConnpruneError: another process has ended before its work was done.
    """
    if not is_launched() or os.environ["WORLD_SIZE"] == "1":
        yield SingleProcess()
        return
    store, rank, size = next(rendezvous("env://", timeout=_LONGEST_WAIT))
    # The launcher's store outlives the processes that it starts anew; without a prefix they would look for each other
    # where those before them were.
    store = PrefixStore(f"attempt-{os.environ.get('TORCHELASTIC_RESTART_COUNT', 0)}", store)
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    dist.init_process_group(
        backend,
        store=store,
        rank=rank,
        world_size=size,
        timeout=_LONGEST_WAIT,
        # NCCL then begins on this device at once, and barriers need not guess it.
        device_id=device if device.type == "cuda" else None,
    )
    try:
        yield Processes()
        # One that ends while another one is still at work would take its connections from under it.
        dist.barrier()
    except RuntimeError as error:
        # gloo gives its reasons as plain RuntimeErrors.
        if isinstance(error, dist.DistError) or "gloo" in str(error):
            raise ConnpruneError(
                f"Another process no longer answers, so this one ({rank} of {size}) stops; if there is a checkpoint, "
                "the run can be resumed from it."
            ) from error
        raise
    finally:
        dist.destroy_process_group()
