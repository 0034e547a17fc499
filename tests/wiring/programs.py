"""Random small networks of convolutions, additions and concatenations, and a naive account of what gates do in them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from hypothesis import assume
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from connprune.architecture import Connection

MAPS = (2, 3)


@dataclass(frozen=True)
class Step:
    """What one step makes of the results of earlier ones, 0 being that of the first convolution."""

    does: str  # conv, preactivated, pool, add or cat
    reads: tuple[int, ...]
    maps: int


class Add(nn.Module):
    def forward(self, inputs: list[Tensor]) -> Tensor:
        first, *others = inputs
        for each in others:
            first = first + each
        return first


class Cat(nn.Module):
    def forward(self, inputs: list[Tensor]) -> Tensor:
        return torch.cat(inputs, dim=1)


class Pool(nn.Module):
    def forward(self, values: Tensor) -> Tensor:
        return F.relu(F.avg_pool2d(values, 3, stride=1, padding=1), inplace=True)


def part(step: Step, widths: list[int]) -> nn.Module:
    width = widths[step.reads[0]]
    if step.does == "conv":
        return nn.Sequential(nn.Conv2d(width, step.maps, 3, padding=1), nn.BatchNorm2d(step.maps), nn.ReLU())
    if step.does == "preactivated":
        return nn.Sequential(nn.BatchNorm2d(width), nn.SiLU(), nn.Conv2d(width, step.maps, 3, padding=1, bias=False))
    return {"pool": Pool, "add": Add, "cat": Cat}[step.does]()


class Program(nn.Module):
    """The network of some steps, with statistics and weights that leave nothing at zero or one."""

    def __init__(self, steps: list[Step], seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.steps = steps
        self.first = nn.Conv2d(1, 2, 3, padding=1)
        widths, parts = [2], []
        for step in steps:
            parts.append(part(step, widths))
            widths.append(step.maps)
        self.parts = nn.ModuleList(parts)
        self.head = nn.Linear(widths[-1] * 4, 3)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                state = module.state_dict()
                for name, tensor in state.items():
                    if name in ("weight", "running_var"):
                        tensor.uniform_(0.5, 2)
                    elif name != "num_batches_tracked":
                        tensor.normal_()

    def forward(self, images: Tensor) -> Tensor:
        made = [self.first(images)]
        for step, module in zip(self.steps, self.parts, strict=True):
            read = [made[number] for number in step.reads]
            made.append(module(read) if step.does in ("add", "cat") else module(read[0]))
        scores: Tensor = self.head(torch.flatten(F.adaptive_avg_pool2d(made[-1], 2), 1))
        return scores


@st.composite
def programs(draw: st.DrawFn) -> list[Step]:
    """Steps of which every result is read, the last one being a merge."""
    maps, is_stacked, steps = [2], [False], list[Step]()
    for _ in range(draw(st.integers(1, 7))):
        does = draw(st.sampled_from(["conv", "conv", "preactivated", "pool", "add", "add", "cat", "cat"]))
        every = range(len(maps))
        if does == "add":
            one = draw(st.sampled_from([each for each in every if not is_stacked[each]]))
            alike = [each for each in every if maps[each] == maps[one] and not is_stacked[each]]
            reads = draw(st.lists(st.sampled_from(alike), min_size=2, max_size=3, unique=True)) if alike[1:] else [one]
        elif does == "cat":
            reads = draw(st.lists(st.sampled_from(every), min_size=1, max_size=3, unique=True))
        else:
            reads = [draw(st.sampled_from(every))]
        if does == "add" and len(reads) < 2:
            does = "conv"
        new = does in ("conv", "preactivated")
        maps.append(
            draw(st.sampled_from(MAPS)) if new else sum(maps[each] for each in reads[: 1 if does != "cat" else 9])
        )
        is_stacked.append(not new and (does == "cat" or any(is_stacked[each] for each in reads)))
        steps.append(Step(does, tuple(reads), maps[-1]))
    unread = [each for each in range(len(maps)) if not any(each in step.reads for step in steps)]
    steps.append(Step("cat", tuple({0: None, **dict.fromkeys(unread)}), sum(maps[each] for each in {0, *unread})))
    # A connection that is there twice has a test of its own.
    assume(all(len(set(reads)) == len(reads) for reads in flattened(steps)))
    return steps


Gates = Mapping[Connection, float]


def numbered(connection: Connection) -> tuple[int, int]:
    """The steps between which a connection goes."""
    source, target = (re.match(r"parts\.(\d+)\.", end) for end in connection)
    assert target
    return int(source[1]) + 1 if source else 0, int(target[1]) + 1


def flattened(steps: list[Step]) -> list[tuple[int, ...]]:
    """What each step reads, where a sum that goes into another sum alone is a part of that."""
    readers = [[at for at, step in enumerate(steps) if each in step.reads] for each in range(len(steps) + 1)]

    def terms(number: int) -> tuple[int, ...]:
        is_part = number > 0 and steps[number - 1].does == "add" and len(readers[number]) == 1
        if is_part and steps[readers[number][0]].does == "add":
            return tuple(term for each in steps[number - 1].reads for term in terms(each))
        return (number,)

    return [
        tuple(term for each in step.reads for term in terms(each)) if step.does == "add" else step.reads
        for step in steps
    ]


def expected_connections(steps: list[Step]) -> set[tuple[int, int]]:
    """The connections that can go, by the rules of `wire`."""
    before: list[set[int]] = [set()]
    for step in steps:
        before.append(set(step.reads).union(*(before[each] for each in step.reads)))
    inner = {each for at, reads in enumerate(flattened(steps)) for each in steps[at].reads if each not in reads}
    found: set[tuple[int, int]] = set()
    for target, (step, reads) in enumerate(zip(steps, flattened(steps), strict=True), 1):
        if step.does == "cat" and len(reads) > 1:
            found |= {(each, target) for each in reads}
        if step.does == "add" and target not in inner:
            trunk = {each for each in reads if all(each in before[other] for other in reads if other != each)}
            found |= {(each, target) for each in reads if each not in trunk}
    return found


def naive(program: Program, gates: Mapping[tuple[int, int], float], images: Tensor) -> Tensor:
    """What the gated program gives: every result goes with a factor for each feature map, which whoever reads takes."""
    first = program.first(images)
    made = [(first, torch.ones(first.shape[1]))]
    reads = flattened(program.steps)
    for target, (step, module) in enumerate(zip(program.steps, program.parts, strict=True), 1):
        inputs = [made[each] for each in reads[target - 1]]
        values, factor = inputs[0]
        if step.does == "add":
            terms = [gates.get((each, target), 1.0) * made[each][0] for each in reads[target - 1]]
            values, factor = torch.stack(terms).sum(0), torch.ones(values.shape[1])
        elif step.does == "cat":
            factor = torch.cat([made[each][1] * gates.get((each, target), 1.0) for each in step.reads])
            values = torch.cat([each for each, _ in inputs], 1)
        elif step.does == "conv":
            values, factor = module(values * factor[:, None, None]), torch.ones(step.maps)
        elif step.does == "preactivated":
            norm, activation, convolution = module.children()
            values = convolution(activation(norm(values)) * factor[:, None, None])
            factor = torch.ones(step.maps)
        else:
            values = module(values)
        made.append((values, factor))
    values, factor = made[-1]
    scores: Tensor = program.head((F.adaptive_avg_pool2d(values, 2) * factor[:, None, None]).flatten(1))
    return scores
