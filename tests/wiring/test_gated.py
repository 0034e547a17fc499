"""Sums and concatenations with gates of their own: what they give, and what becomes of them wired and cut."""

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

import connprune as cp
from connprune.architecture import Threshold
from connprune.errors import DisconnectedError, UsageError
from connprune.wiring.gated import GatedMerge

IMAGES = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(5))
KINDS: dict[str, Callable[[Tensor, float], Tensor]] = {
    "sigmoid": lambda w, temperature: 1 / (1 + torch.exp(-w / temperature)),
    "linear": lambda w, _: w,
    "hard-concrete": lambda w, _: (1.2 / (1 + torch.exp(-w)) - 0.1).clamp(0, 1),
    "bernoulli": lambda w, temperature: 1 / (1 + torch.exp(-w / temperature)),
}
SHAPES = st.lists(st.integers(1, 3), min_size=2, max_size=4)
# A gate that is closed, of each kind that is cut here.
SHUT = {"linear": 0.0, "sigmoid": -1e4, "hard-concrete": -1e4}


def gates_of(module: nn.Module) -> list[GatedMerge]:
    return [part for part in module.modules() if isinstance(part, GatedMerge)]


def same(one: Tensor, other: Tensor) -> None:
    torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


@given(st.data(), st.sampled_from(list(KINDS)), st.integers(1, 4), SHAPES, st.floats(0.3, 3), st.integers(0, 99))
def test_they_give_the_naive_formula(
    data: st.DataObject, kind: str, sources: int, shape: list[int], temperature: float, seed: int
) -> None:
    torch.manual_seed(seed)
    ungated = data.draw(st.sets(st.integers(0, sources - 1), max_size=sources - 1), "ungated")
    dim = data.draw(st.none() | st.integers(-len(shape), len(shape) - 1), "dim")
    options = {"kind": kind, "temperature": temperature, "ungated": ungated}
    if dim is None:
        merge: GatedMerge = cp.nn.GatedSum(sources, **options)  # type: ignore[arg-type]
        inputs = [torch.randn(shape) for _ in range(sources)]
    else:
        merge = cp.nn.GatedConcat(sources, dim, **options)  # type: ignore[arg-type]
        widths = [data.draw(st.integers(1, 3), "width") for _ in range(sources)]
        inputs = [torch.randn([*shape[: dim % len(shape)], width, *shape[dim % len(shape) :][1:]]) for width in widths]
    nn.init.normal_(merge.weight)
    w = iter(merge.weight.detach())
    factors = [1.0 if each in ungated else KINDS[kind](next(w), temperature) for each in range(sources)]
    terms = [factor * each for factor, each in zip(factors, inputs, strict=True)]
    expected = sum(terms) if dim is None else torch.cat(terms, dim)
    assert isinstance(expected, Tensor)
    for module in (merge.eval(), copy.deepcopy(merge)):
        same(module(*inputs), expected)


@given(st.sampled_from(list(KINDS)), st.booleans(), st.integers(0, 99))
def test_gates_and_sources_have_gradients(kind: str, adds: bool, seed: int) -> None:
    torch.manual_seed(seed)
    merge: GatedMerge = (cp.nn.GatedSum if adds else cp.nn.GatedConcat)(2, kind=kind)
    one, other = (torch.randn(2, 3, requires_grad=True) for _ in range(2))
    upstream = torch.randn(2, 3 if adds else 6)
    # With this w and these seeds no gate is clamped, where a hard-concrete one has no gradient.
    merge.eval()(one, other).backward(upstream)
    towards = (upstream, upstream) if adds else upstream.split(3, 1)
    gate = merge.values().detach()
    assert one.grad is not None
    assert other.grad is not None
    same(one.grad, gate[0] * towards[0])
    same(other.grad, gate[1] * towards[1])
    by_gate = torch.stack([(each * part).sum() for each, part in zip((one, other), towards, strict=True)]).detach()
    (slope,) = torch.autograd.grad(KINDS[kind](w := merge.weight.detach().requires_grad_(), 1.0).sum(), w)
    assert merge.weight.grad is not None
    same(merge.weight.grad, by_gate * slope)


@pytest.mark.parametrize("kind", ["hard-concrete", "bernoulli"])
def test_random_gates_are_drawn_in_training_alone(kind: str) -> None:
    merge, ones = cp.nn.GatedConcat(64, kind=kind), torch.ones(1, 1)
    drawn = [merge(*[ones] * 64) for _ in range(2)]
    assert not torch.equal(*drawn)
    assert 0 < (drawn[0] > 0).sum() <= 64
    merge.eval()
    assert torch.equal(merge(*[ones] * 64), merge(*[ones] * 64))


def test_they_say_what_they_are_and_keep_their_state() -> None:
    merge = cp.nn.GatedConcat(3, kind="hard-concrete", ungated=[0])
    assert repr(merge) == "GatedConcat(3 sources, 2 hard-concrete gates, dim 1)"
    assert repr(cp.nn.GatedSum(1)) == "GatedSum(1 source, 1 sigmoid gate)"
    nn.init.normal_(merge.weight)
    other = cp.nn.GatedConcat(3, kind="hard-concrete", ungated=[0])
    other.load_state_dict(merge.state_dict())
    assert torch.equal(other.weight, merge.weight)
    annealed = cp.nn.GatedSum(2, temperature=(2.0, 0.5))
    annealed.anneal(0.5)
    assert annealed.temperature.item() == pytest.approx(1.0)


class Gated(nn.Module):
    """A residual block, a block of two branches and a concatenation, with gates of their own."""

    def __init__(self, **options: object) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem, self.one, self.two, self.three = (nn.Conv2d(maps, 4, 3, padding=1) for maps in (3, 4, 4, 4))
        self.branch = cp.nn.GatedSum(1, **options)  # type: ignore[arg-type]
        self.total = cp.nn.GatedSum(3, ungated=[0], **options)  # type: ignore[arg-type]
        self.cat = cp.nn.GatedConcat(3, **options)  # type: ignore[arg-type]
        self.head = nn.Linear(12, 5)

    def forward(self, images: Tensor) -> Tensor:
        first = self.stem(images)
        second = first + self.branch(F.relu(self.one(first)))
        third = self.total(second, self.two(second), self.three(second))
        scores: Tensor = self.head(F.gelu(self.cat(first, second, third)).mean((2, 3)))
        return scores


def test_they_go_with_autocast_compilation_and_export() -> None:
    network = Gated().eval()
    expected = network(IMAGES)
    with torch.autocast("cpu", torch.bfloat16):
        assert network(IMAGES).dtype is torch.bfloat16
        assert network.total(*[IMAGES.bfloat16()] * 3).dtype is torch.bfloat16
    same(torch.compile(network, backend="eager", fullgraph=True)(IMAGES), expected)
    batch = torch.export.Dim("batch", min=2)
    exported = torch.export.export(network, (IMAGES,), dynamic_shapes=({0: batch},)).module()
    same(exported(IMAGES.repeat(2, 1, 1, 1)), expected.repeat(2, 1))


@given(st.sampled_from(list(SHUT)), st.lists(st.booleans(), min_size=6, max_size=6), st.integers(0, 99))
@torch.no_grad()
def test_what_closed_goes_and_nothing_else_changes(kind: str, is_shut: list[bool], seed: int) -> None:
    network = Gated(kind=kind).eval()
    torch.manual_seed(seed)
    every = [gate for merge in gates_of(network) for gate in merge.weight.split(1)]
    for gate, shut in zip(every, is_shut, strict=True):
        gate.fill_(SHUT[kind]) if shut else gate.uniform_(0.5, 2)
    wired = cp.wire(network, IMAGES)
    expected = network(IMAGES)
    same(wired(IMAGES), expected)
    assert list(cp.gates(wired).values()) == list(cp.gates(network).values())
    same(cp.penalty(wired), cp.penalty(network))
    if all(is_shut[3:]):
        with pytest.raises(DisconnectedError, match="would leave no path"):
            cp.shrink(wired, Threshold(0.01))
        return
    small, report = cp.shrink(wired, Threshold(0.01)), cp.preview(wired, Threshold(0.01))
    same(small(IMAGES), expected)
    # The convolutions that something still needs, and of the head what reads maps that are left.
    branch, two, three, *read = (not shut for shut in is_shut)
    convolution = 4 * 4 * 9 + 4
    used = branch * (read[1] or read[2]) + two * read[2] + three * read[2]
    head = 4 * sum(read) * 5
    left = (3 * 4 * 9 + 4) + used * convolution + head + 5
    assert sum(each.numel() for each in small.parameters()) == report.after.parameters == left
    assert report.after.macs == (3 * 4 * 9 + used * 4 * 4 * 9) * 64 + head


def test_their_gates_are_called_by_number_until_the_module_is_wired() -> None:
    network = Gated(penalty=0.5)
    names = ["0->branch", "1->total", "2->total", "0->cat", "1->cat", "2->cat"]
    assert list(cp.gates(network)) == names
    wired = cp.wire(network, IMAGES)
    ends = ["relu->branch", "two->total", "three->total", "stem->cat", "add->cat", "total->cat"]
    assert list(cp.gates(wired)) == ends
    assert cp.penalty(network).item() == pytest.approx(0.5 * 6 / (1 + 2.718281828**-0.5))
    (F.cross_entropy(network(IMAGES), torch.tensor([0, 1])) + cp.penalty(network)).backward()
    assert all(each.grad is not None and each.grad.abs().min() > 0 for each in network.parameters())
    for act in (cp.shrink, cp.preview):
        with pytest.raises(UsageError, match=r"module: found gates .* not wired, expected what connprune\.wire makes"):
            act(network, Threshold(0.01))
    with pytest.raises(UsageError, match="found 2 modules with gates"):
        cp.gates(nn.ModuleList([network, wired]))


def test_saved_and_restored(tmp_path: Path) -> None:
    wired = cp.wire(Gated(temperature=0.5).eval(), IMAGES)
    with torch.no_grad():
        wired.get_parameter("wiring.gates.weight")[1] = -1e4
    small = cp.shrink(wired, Threshold(0.01))
    for module in (wired, small):
        cp.save(module, tmp_path / "gated.safetensors")
        again = cp.restore(tmp_path / "gated.safetensors", Gated(temperature=0.5).eval(), IMAGES)
        assert torch.equal(again(IMAGES), module(IMAGES))
    cp.save(wired, tmp_path / "gated.safetensors")
    with pytest.raises(UsageError, match="do not belong to this module"):
        cp.restore(tmp_path / "gated.safetensors", Gated(kind="linear"), IMAGES)


def given_any(make: Callable[..., object], *arguments: object) -> object:
    return make(*arguments)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: cp.nn.GatedSum(0), "sources: found 0, expected a whole number from 1 upwards"),
        (lambda: given_any(cp.nn.GatedConcat, "2"), "sources: found '2', expected a whole number from 1"),
        (lambda: given_any(cp.nn.GatedConcat, 2, 1.0), r"dim: found 1\.0, expected a whole number"),
        (lambda: cp.nn.GatedSum(2, kind="softmax"), "kind: found 'softmax', expected one of sigmoid, linear"),
        (lambda: cp.nn.GatedSum(2, start=float("inf")), "start: found inf, expected a finite number"),
        (lambda: cp.nn.GatedSum(2, temperature=(1.0, 0.0)), r"temperature: found 0\.0, expected a number above 0"),
        (lambda: cp.nn.GatedSum(2, penalise="l0"), "penalise: .*l0 belongs to hard-concrete gates"),
        (lambda: cp.nn.GatedSum(2, ungated=[2]), "ungated: found 2, expected numbers of sources from 0 to 1"),
        (lambda: cp.nn.GatedSum(2, ungated=[0, 1]), "ungated: found all sources, expected at least one with a gate"),
        (lambda: cp.nn.GatedSum(2)(IMAGES), "inputs: found 1 tensor, expected 2, one a source"),
        (lambda: cp.nn.GatedConcat(1)(IMAGES, IMAGES), "inputs: found 2 tensors, expected 1, one a source"),
        (
            lambda: cp.nn.GatedSum(2)(IMAGES, IMAGES[:1]),
            r"inputs: found shapes \(2, 3, 8, 8\) and \(1, 3, 8, 8\), expected tensors of one shape",
        ),
        (lambda: cp.penalty(cp.nn.GatedSum(2, penalise="cost")), r"gates\.penalise: found cost, expected one of gate"),
    ],
)
def test_what_does_not_suit_is_told_in_a_sentence(make: Callable[[], object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make()


class Reading(nn.Module):
    """A gated concatenation, what comes behind it, and a head."""

    def __init__(self, behind: nn.Module, merge: nn.Module | None = None, twice: bool = False) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 1)
        self.cat = merge or cp.nn.GatedConcat(2)
        self.add = cp.nn.GatedSum(2, kind="linear") if twice else None
        self.behind, self.head = behind, nn.Conv2d(8, 2, 1)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.cat(self.one(images), self.two(images))
        scores: Tensor = self.head(self.behind(maps))
        return scores if self.add is None else self.add(scores, scores)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (
            Reading(nn.BatchNorm2d(8)),
            r"of cat go to behind \(BatchNorm2d\), which makes something else than zero of a closed one; a torch.cat",
        ),
        (Reading(nn.Sigmoid()), r"of cat go to behind \(Sigmoid\), which makes something else than zero"),
        (Reading(nn.Conv2d(8, 8, 1, groups=8)), r"behind \(Conv2d\), which makes something else than zero"),
        (Reading(nn.Conv2d(8, 8, 1, groups=2)), r"of cat go to behind \(Conv2d\), which cannot lose any$"),
        (
            Reading(nn.Conv2d(4, 8, 1), cp.nn.GatedConcat(2, dim=2)),
            r"found cat \(GatedConcat\) along dimension 2, expected dimension 1",
        ),
        (
            Reading(nn.Identity(), twice=True),
            "its 2 gated sums and concatenations differ in more than where they start",
        ),
    ],
    ids=["norm", "sigmoid", "bias", "groups", "dimension", "kinds"],
)
def test_what_cannot_be_wired_is_refused_by_name(network: nn.Module, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        cp.wire(network, IMAGES)


def test_one_that_is_called_twice_or_named_as_ungated_is_refused() -> None:
    merge = cp.nn.GatedConcat(2)
    network = Reading(nn.Identity(), merge)
    with pytest.raises(UsageError, match="ungated: found 'cat', expected none, since the module has gates of its own"):
        cp.wire(network, IMAGES, ungated=["cat"])
    both = nn.Sequential(network, nn.ConvTranspose2d(2, 3, 1), Reading(nn.Identity(), merge))
    with pytest.raises(UsageError, match=r"0\.cat \(GatedConcat\) is called at several places"):
        cp.wire(both, IMAGES)
    merge.register_forward_hook(lambda *_: None)
    with pytest.raises(UsageError, match=r"cat \(GatedConcat\) cannot be traced .*hooks"):
        cp.wire(network, IMAGES)


@pytest.mark.parametrize("behind", [nn.Identity(), nn.ReLU(inplace=True), nn.Conv2d(8, 8, 1, groups=8, bias=False)])
@torch.no_grad()
def test_layers_between_that_keep_zero_are_narrowed(behind: nn.Module) -> None:
    network = Reading(behind).eval()
    gates_of(network)[0].weight[0] = -1e4
    small = cp.shrink(cp.wire(network, IMAGES), Threshold(0.01))
    same(small(IMAGES), network(IMAGES))
    assert small.get_parameter("head.weight").shape == (2, 4, 1, 1)
