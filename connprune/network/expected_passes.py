"""In how many passes what a cut leaves is computed, where connections lead backward.

It is `architecture.unrolling.schedule` of the connections that are left, with probabilities for yes and no: a layer is
computed again if a backward connection reaches it, and in a pass only if the head needs what it gives there.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from connprune.architecture.architecture import Architecture, Connection
from connprune.architecture.base import HEAD, INPUT
from connprune.architecture.unrolling import changing
from connprune.network.expected_targets import RARE, any_of

_ByName = dict[str, Tensor]


class ExpectedPasses(nn.Module):
    """The expected number of passes that compute each target, given that a cut leaves it.

    Of two layers around a cycle the likelier one is taken to be there wherever the other is, and what changes a layer
    to be what asks for it again. Elsewhere what arrives at a layer and what becomes of it are taken for independent.

    Args:
        architecture: whose passes they are.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.sources = {name: list(sources) for name, sources in architecture.connections.items()}
        self.schedule = architecture.schedule
        self.backward = architecture.backward_connections
        # Before any connection is cut.
        self.changing = changing(architecture.connections)
        self.names = list(reversed(self.sources))
        self.counts = [len(self.sources[name]) for name in self.names]
        self.place = {name: number for number, name in enumerate([*self.names, INPUT])}
        connections = [Connection(source, name) for name in self.names for source in self.sources[name]]
        before = _before(self.sources)
        self.cyclic = {name for name in self.names if name in before[name]}
        # Those that lie on a cycle, and of these the backward ones.
        inner = torch.tensor([each.target in before[each.source] for each in connections])
        closes = inner & torch.tensor([each in self.backward for each in connections])
        places = torch.tensor([[self.place[end] for end in each] for each in connections])
        self.register_buffer("inner", inner, persistent=False)
        self.register_buffer("closes", closes, persistent=False)
        self.register_buffer("source", places[:, 0].contiguous(), persistent=False)
        self.register_buffer("target", places[:, 1].contiguous(), persistent=False)

    inner: Tensor
    closes: Tensor
    source: Tensor
    target: Tensor

    def forward(self, live: Tensor, arrived: Tensor, wanted: Tensor) -> Tensor:
        """The passes, (targets,), from the last target to the first, as all of this is.

        Args:
            live: whether each connection is left, (connections,).
            arrived: whether anything arrives at each target in some pass, (targets,).
            wanted: whether the head needs what each target gives in some pass, (targets,).
        """
        # Behind them the input.
        arrives, wants = (torch.cat([each, each.new_ones(1)]) for each in (arrived, wanted))
        at_source, at_target = arrives.index_select(0, self.source), arrives.index_select(0, self.target)
        of_source, of_target = wants.index_select(0, self.source), wants.index_select(0, self.target)
        is_open = _given(live, at_source * of_target)
        # How likely one end is there over how likely the other is, times what `_given` divides by below.
        nested_in = at_source * of_source / of_target.clamp(min=RARE)
        nested_out = at_target * of_target / at_source.clamp(min=RARE)
        brings = is_open * torch.where(self.closes, torch.minimum(at_target, nested_in), at_source)
        takes = is_open * torch.where(self.closes, torch.minimum(of_source, nested_out), of_target)
        changes = self._changed(self._split(brings), self._split(nested_in), arrived.unbind())
        steps = self._computed(self._split(takes), self._split(nested_out), wanted.unbind())
        return torch.stack(
            [
                self._passes(name, changes[name], torch.stack(steps[name])) if name in changes else live.new_ones(())
                for name in self.names
            ]
        )

    def _split(self, ways: Tensor) -> dict[str, Tensor]:
        """Those of each target, (sources,)."""
        return dict(zip(self.names, ways.split(self.counts), strict=True))

    def _changed(self, brings: _ByName, nested: _ByName, arrived: Sequence[Tensor]) -> _ByName:
        """Whether a backward connection reaches each target that is there, ()."""
        inner = self._split(self.inner)
        changes: _ByName = {}
        never, always = arrived[0].new_zeros(()), arrived[0].new_ones(())
        for name in self.changing:
            before = torch.stack(
                [
                    always if Connection(source, name) in self.backward else changes.get(source, never)
                    for source in self.sources[name]
                ]
            )
            ways = _both(brings[name], before, nested[name], inner[name])
            changes[name] = _given(any_of(ways), arrived[self.place[name]])
        return changes

    def _computed(self, takes: _ByName, nested: _ByName, wanted: Sequence[Tensor]) -> dict[str, list[Tensor]]:
        """Whether each step of a target that is there would be needed, () each."""
        inner = self._split(self.inner)
        steps: dict[str, list[Tensor]] = {name: [] for name in self.changing}
        asked: dict[str, list[Tensor]] = {name: [] for name in self.changing}
        for name in reversed(self.schedule):
            ways = takes[name]
            if name in steps:
                here = _given(any_of(torch.stack(asked[name])), wanted[self.place[name]])
                steps[name].append(here)
                asked[name] = []
                ways = _both(ways, here, nested[name], inner[name])
            elif name != HEAD:
                continue
            for source, way in zip(self.sources[name], ways.unbind(), strict=True):
                if source in asked:
                    asked[source].append(way)
        return steps

    def _passes(self, name: str, changes: Tensor, steps: Tensor) -> Tensor:
        if name in self.cyclic:
            return 1 - changes + torch.minimum(changes, steps).sum()
        return 1 + changes * (steps.sum() - 1)


def _given(both: Tensor, condition: Tensor) -> Tensor:
    """The probability of something given what it cannot be without."""
    return (both / condition.clamp(min=RARE)).clamp(max=1)


def _both(way: Tensor, other: Tensor, nested: Tensor, is_nested: Tensor) -> Tensor:
    """The probability of both, where one is part of the other and where they do not depend on each other."""
    return torch.where(is_nested, torch.minimum(way, nested * other), way * other)


def _before(sources: Mapping[str, Sequence[str]]) -> dict[str, set[str]]:
    """What lies on the paths to each source, itself if it is on a cycle."""
    before: dict[str, set[str]] = {INPUT: set()}
    for name in sources:
        found: set[str] = set()
        waiting = [name]
        while waiting:
            new = set(sources.get(waiting.pop(), ())) - found
            found |= new
            waiting += new
        before[name] = found
    return before
