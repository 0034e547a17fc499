"""Several pieces of work in one process, some steps of each in turn."""

from collections import deque
from collections.abc import Generator, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch

from connprune.errors import InterruptedRunError
from connprune.training.turns import OwnState, Result, Turns

Name = TypeVar("Name")

# So many are launched before the next training's are: to change turns takes the host about as long as to launch a step.
STEPS_A_TURN = 8


def side_by_side(
    work: Iterator[tuple[Name, Turns[Result]]], at_once: int, device: torch.device, steps: int = STEPS_A_TURN
) -> Generator[tuple[Name, Result], None, None]:
    """Does pieces of work, each as if it were alone in the process; gives the result of each when it is there.

    Args:
        work: each with a name; the next one is taken when there is room for it.
        at_once: how many take turns.
        device: where they compute.
        steps: of one, until it is the next one's turn.

    Raises:
        InterruptedRunError: one of them was interrupted; no more were taken, and the others went on until they were
            interrupted, too, or done.
        BaseException: what else one of them raises; the others were closed.
    """
    under_way: deque[_UnderWay[Name, Result]] = deque()
    interruption: InterruptedRunError | None = None
    try:
        while True:
            while interruption is None and len(under_way) < at_once and (new := next(work, None)):
                under_way.append(_UnderWay(*new, OwnState(device) if at_once > 1 else None))
            if not under_way:
                break
            one = under_way.popleft()
            try:
                ended = one.take_turn(steps)
            except InterruptedRunError as error:
                interruption = interruption or error
                continue
            if ended is None:
                under_way.append(one)
            else:
                yield one.name, ended.result
    finally:
        for one in under_way:
            one.turns.close()
    if interruption is not None:
        raise interruption


@dataclass(frozen=True)
class _Ended(Generic[Result]):
    result: Result


@dataclass(frozen=True)
class _UnderWay(Generic[Name, Result]):
    name: Name
    turns: Turns[Result]
    own: OwnState | None

    def take_turn(self, steps: int) -> _Ended[Result] | None:
        with self.own.in_place() if self.own else nullcontext():
            try:
                for _ in range(steps):
                    next(self.turns)
            except StopIteration as end:
                return _Ended(end.value)
        return None
