"""What is wired, what is refused, and what holds in a loop of one's own."""

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import connprune as cp
from connprune.architecture import Threshold
from connprune.errors import DisconnectedError, UsageError
from tests.wiring.test_programs import gates_of, same

IMAGES = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(5))


class Written(nn.Module):
    """A network whose `forward` a test writes down, with some layers to call."""

    def __init__(self, forward: Callable[["Written", Tensor], Tensor]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.written = forward
        self.stem, self.one, self.two = (nn.Conv2d(maps, 4, 3, padding=1) for maps in (3, 4, 4))
        self.wide = nn.Conv2d(8, 4, 1)
        self.grouped = nn.Conv2d(8, 4, 1, groups=2)
        self.depthwise = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.up = nn.ConvTranspose2d(8, 4, 2, stride=2)
        self.norm, self.slope = nn.BatchNorm2d(8), nn.PReLU(8)
        self.relu = nn.ReLU(inplace=True)
        self.inner: nn.Module = nn.Identity()
        self.head, self.flat = nn.Linear(4, 2), nn.Linear(8 * 64, 2)

    def forward(self, images: Tensor) -> Tensor:
        return self.written(self, images)


def side_by_side(net: Written, images: Tensor) -> Tensor:
    first = net.stem(images)
    return torch.cat([first, net.one(first)], 1)


def means(net: Written, maps: Tensor) -> Tensor:
    scores: Tensor = net.head(maps.mean((2, 3)))
    return scores


def closed(module: nn.Module, *numbers: int) -> torch.fx.GraphModule:
    """A wired module, some of whose gates are closed and the others different."""
    wired = cp.wire(module.eval(), IMAGES)
    with torch.no_grad():
        weight = gates_of(wired).weight
        weight.copy_(torch.linspace(0.5, 1.5, len(weight)))
        weight[list(numbers)] = 0
    return wired


class MLP(nn.Module):
    def __init__(self, maps: int) -> None:
        super().__init__()
        self.norm, self.into, self.out = nn.LayerNorm(maps), nn.Linear(maps, 2 * maps), nn.Linear(2 * maps, maps)
        self.gamma = nn.Parameter(torch.full((maps,), 0.3))

    def forward(self, values: Tensor) -> Tensor:
        moved = values.permute(0, 2, 3, 1)
        scaled: Tensor = self.gamma * self.out(F.gelu(self.into(self.norm(moved))))
        return scaled.permute(0, 3, 1, 2)


class Block(nn.Module):
    """As timm writes them: a token mixer and an MLP, each with a scaled shortcut, and stochastic depth by function."""

    def __init__(self, maps: int) -> None:
        super().__init__()
        self.mixer = nn.Conv2d(maps, maps, 3, padding=1, groups=maps)
        self.mlp = MLP(maps)
        self.squeeze, self.excite = nn.Conv2d(maps, 2, 1), nn.Conv2d(2, maps, 1)

    def forward(self, values: Tensor) -> Tensor:
        mixed = self.mixer(values)
        mixed = mixed * self.excite(F.relu(self.squeeze(mixed.mean((2, 3), keepdim=True)))).sigmoid()
        values = values + F.dropout(mixed, 0.3, self.training)
        result: Tensor = values + self.mlp(values)
        return result


class Stages(nn.Module):
    """Two stages of blocks, the head reads both."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 1)
        self.first = nn.Sequential(Block(6), Block(6))
        self.down = nn.Conv2d(6, 6, 1)
        self.second = nn.Sequential(Block(6), Block(6))
        self.norm = nn.BatchNorm2d(12)
        self.fc = nn.Linear(12, 5)

    def forward(self, images: Tensor, mask: Tensor | None = None) -> Tensor:
        early = self.first(self.stem(images))
        if mask is not None:
            early = early * mask
        late = self.second(self.down(early))
        scores: Tensor = self.fc(
            torch.flatten(F.adaptive_avg_pool2d(F.silu(self.norm(torch.cat((early, late), 1))), 1), 1)
        )
        return scores


@torch.no_grad()
def test_blocks_as_timm_writes_them() -> None:
    network = Stages().eval()
    wired = cp.wire(network, IMAGES)
    blocks = [f"{stage}.{block}" for stage in ("first", "second") for block in range(2)]
    assert len(cp.gates(wired)) == 2 * len(blocks) + 2
    same(wired(IMAGES), network(IMAGES))
    weight = gates_of(wired).weight
    weight.uniform_(0.5, 1.5)
    names = list(cp.gates(wired))
    for name in ("first.0.dropout->first.0.add", "second.1.mlp.permute_1->second.1.add_1", "second.1.add_1->cat"):
        weight[names.index(name)] = 0
    small, report = cp.shrink(wired, Threshold(0.01)), cp.preview(wired, Threshold(0.01))
    # Nobody reads the second stage any more.
    assert {str(each).partition(".")[0] for each in report.followed} == {"second"}
    same(small(IMAGES), wired(IMAGES))
    mlp = 2 * 6 + 6 * 12 + 12 + 12 * 6 + 6 + 6
    mixer = 6 * 9 + 6 + (6 * 2 + 2) + (2 * 6 + 6)
    left = (3 * 6 + 6) + mlp + (mixer + mlp) + 2 * 6 + 6 * 5 + 5
    assert sum(each.numel() for each in small.parameters()) == report.after.parameters == left


@pytest.mark.parametrize(
    "read",
    [
        lambda net, maps: means(net, net.wide(net.relu(net.norm(maps)))),
        lambda net, maps: means(net, net.wide(net.slope(net.depthwise(maps)))),
        lambda net, maps: means(net, net.up(F.max_pool2d(maps, 2))),
        lambda net, maps: net.flat(maps.flatten(1)),
        lambda net, maps: net.flat(net.relu(maps).view(maps.size(0), -1)),
    ],
    ids=["pre-activation", "depthwise", "transposed", "flatten", "view"],
)
@torch.no_grad()
def test_what_reads_a_concatenation_is_narrowed(read: Callable[[Written, Tensor], Tensor]) -> None:
    network = Written(lambda net, images: read(net, side_by_side(net, images)))
    wired = closed(network, 0)
    small = cp.shrink(wired, Threshold(0.01))
    same(small(IMAGES), wired(IMAGES))
    report = cp.preview(wired, Threshold(0.01))
    assert sum(each.numel() for each in small.parameters()) == report.after.parameters < report.before.parameters


@torch.no_grad()
def test_what_works_in_place_changes_no_shortcut() -> None:
    """The sum was a tensor of its own; without its branch it would be the shortcut, which is read once more."""

    def forward(net: Written, images: Tensor) -> Tensor:
        first = net.stem(images)
        return means(net, net.relu(first + net.one(first)) + net.two(first))

    wired = closed(Written(forward), 0)
    same(cp.shrink(wired, Threshold(0.01))(IMAGES), wired(IMAGES))


@torch.no_grad()
def test_a_layer_that_is_used_twice_keeps_its_weights_where_a_gate_is_one_place_s() -> None:
    def forward(net: Written, images: Tensor) -> Tensor:
        first = net.stem(images)
        return means(net, first + net.one(first + net.one(first)))

    wired = closed(Written(forward))
    same(cp.shrink(wired, Threshold(0.01))(IMAGES), wired(IMAGES))


@torch.no_grad()
def test_one_tensor_may_come_by_two_connections() -> None:
    def forward(net: Written, images: Tensor) -> Tensor:
        first = net.stem(images)
        return means(net, net.wide(torch.cat([first, first], 1)))

    wired = closed(Written(forward), 0)
    assert list(cp.gates(wired)) == ["stem->cat", "stem#2->cat"]
    same(cp.shrink(wired, Threshold(0.01))(IMAGES), wired(IMAGES))


def test_what_is_changed_in_place_and_read_again_is_refused() -> None:
    """`changed += …` changes `first` too, which the graph that torch.fx makes does not."""

    def forward(net: Written, images: Tensor) -> Tensor:
        first = net.stem(images)
        changed = first
        changed += net.one(images[:, :1].expand(-1, 4, -1, -1))
        return means(net, net.two(first) + changed)

    with pytest.raises(UsageError, match="Written gives something else than the graph"):
        cp.wire(Written(forward), IMAGES)


def test_a_functional_dropout_follows_the_mode() -> None:
    wired = cp.wire(Stages(), IMAGES)
    torch.manual_seed(0)
    assert wired.training
    assert not torch.equal(wired(IMAGES), wired(IMAGES))
    wired.eval()
    assert torch.equal(wired(IMAGES), wired(IMAGES))
    small = cp.shrink(wired, Threshold(0.01))
    assert not small.training
    assert torch.equal(small(IMAGES), small(IMAGES))
    small.train()
    assert not torch.equal(small(IMAGES), small(IMAGES))


class Undecided(nn.Module):
    def forward(self, values: Tensor) -> Tensor:
        return values if values.sum() > 0 else -values


class ModeDependent(nn.Module):
    def forward(self, values: Tensor) -> Tensor:
        return values * 2 if self.training else values + 1


def holding(part: nn.Module) -> Written:
    network = Written(lambda net, images: means(net, net.inner(side_by_side(net, images)[:, :4])))
    network.inner = nn.Sequential(nn.Identity(), part)
    return network


def hooked() -> nn.Module:
    network = holding(nn.Sequential())
    network.get_submodule("inner.1").register_forward_hook(lambda *_: None)
    return network


def reading(reader: Callable[[Written, Tensor], Tensor]) -> nn.Module:
    return Written(lambda net, images: reader(net, side_by_side(net, images)))


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (holding(Undecided()), r"module: inner\.1 \(Undecided\) cannot be traced by torch.fx: .*control flow"),
        (hooked(), r"module: inner\.1 \(Sequential\) cannot be traced .*hooks"),
        (holding(ModeDependent()), r"module: inner\.1 \(ModeDependent\) does something else in training"),
        (Written(lambda net, images: means(net, net.stem(images))), "module: it has no additions and concatenations"),
        (
            reading(lambda net, maps: means(net, net.grouped(maps))),
            r"module: the feature maps of cat go to grouped \(Conv2d\), which cannot lose any; ungated=\['cat'\]",
        ),
        (
            reading(lambda net, maps: means(net, (maps + net.depthwise(maps))[:, :4])),
            "module: the feature maps of cat go to add, which cannot lose any",
        ),
        (
            reading(lambda net, maps: means(net, net.wide(maps) + net.wide(maps * 2))),
            "module: the feature maps of cat go to .*mul",
        ),
        (
            reading(lambda net, maps: means(net, net.wide(maps) + net.wide(net.relu(maps)))),
            r"module: the feature maps of cat go to wide \(Conv2d\), which is used at several places",
        ),
        (Written(side_by_side), "module: the feature maps of cat go to output"),
    ],
    ids=["control flow", "hooks", "mode", "no merges", "groups", "addition", "product", "twice", "output"],
)
def test_what_cannot_be_wired_is_refused_by_name(network: nn.Module, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        cp.wire(network, IMAGES)


def test_what_is_left_ungated_is_not_in_the_way() -> None:
    def forward(net: Written, images: Tensor) -> Tensor:
        maps = net.grouped(side_by_side(net, images))
        return means(net, maps + net.two(maps))

    wired = cp.wire(Written(forward), IMAGES, ungated=["cat"])
    assert list(cp.gates(wired)) == ["two->add"]
    with pytest.raises(UsageError, match=r"ungated: found 'cta', expected one of cat, add; did you mean 'cat'\?"):
        cp.wire(Written(forward), IMAGES, ungated=["cta"])


@torch.no_grad()
def test_an_addition_without_gates_can_do_without_a_sum_that_has_gone() -> None:
    def forward(net: Written, images: Tensor) -> Tensor:
        first = net.stem(images)
        inner = net.one(first) + net.two(first)
        maps = net.relu(first + inner)
        return means(net, maps + first) + means(net, inner)

    wired = cp.wire(Written(forward).eval(), IMAGES, ungated=["add_1", "add_2"])
    assert list(cp.gates(wired)) == ["one->add", "two->add", "head->add_3", "head_1->add_3"]
    gates_of(wired).weight.copy_(torch.tensor([0, 0, 1.5, 0]))
    small = cp.shrink(wired, Threshold(0.01))
    same(small(IMAGES), wired(IMAGES))
    assert not hasattr(small, "one")
    assert not hasattr(small, "two")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"example": torch.zeros(4, 2, 8, 8)}, r"example: found \(4, 2, 8, 8\), but the module does not take it"),
        ({"example": (IMAGES, IMAGES)}, "example: found 2 tensors, but forward does not take it"),
        ({"example": "images"}, "example: expected a tensor, or a tuple of tensors, batch first"),
        ({"kind": "top-k"}, "kind: found 'top-k', expected one of sigmoid, linear, hard-concrete, bernoulli"),
        ({"penalise": "l0"}, "penalise: .*l0 belongs to hard-concrete gates"),
        ({"penalise": "expected-cost"}, "penalise: found 'expected-cost', expected one of"),
        ({"start": float("nan")}, "start: found nan, expected a finite number"),
        ({"penalty": -1}, "penalty: found -1, expected a number from 0 upwards"),
    ],
    ids=str,
)
def test_arguments_that_do_not_suit(arguments: dict[str, object], message: str) -> None:
    network = reading(lambda net, maps: means(net, net.wide(maps)))
    with pytest.raises(UsageError, match=message):
        cp.wire(network, **{"example": IMAGES, **arguments})  # type: ignore[arg-type]


def test_a_cut_that_leaves_nothing_is_refused() -> None:
    wired = closed(reading(lambda net, maps: means(net, net.wide(maps))), 0, 1)
    with pytest.raises(DisconnectedError, match=r"\(threshold 0.01\) would leave no path .* keeping 1 does"):
        cp.shrink(wired, Threshold(0.01))
    with torch.no_grad():
        gates_of(wired).weight.copy_(torch.tensor([0.25, 0.5]))
    with pytest.raises(DisconnectedError, match=r"The largest threshold that keeps one is 0.5\."):
        cp.preview(wired, Threshold(0.6))
    assert cp.preview(wired, Threshold(0.5)).after.parameters > 0


def test_a_gate_that_is_no_number_is_refused() -> None:
    wired = closed(reading(lambda net, maps: means(net, net.wide(maps))))
    with torch.no_grad():
        gates_of(wired).weight[1] = float("nan")
    with pytest.raises(UsageError, match=r"gates\['one->cat'\]: found nan, expected a finite number"):
        cp.shrink(wired, Threshold(0.01))


@pytest.mark.parametrize("kind", ["linear", "sigmoid", "hard-concrete", "bernoulli"])
def test_gates_learn_in_a_loop_of_ones_own(kind: str) -> None:
    wired = cp.wire(Stages(), IMAGES, kind=kind, start=1.0, penalty=0.1)
    before = copy.deepcopy(wired)
    optimizer = torch.optim.Adam(wired.parameters(), lr=0.01)
    for _ in range(3):
        optimizer.zero_grad()
        (F.cross_entropy(wired(IMAGES), torch.tensor([0, 1, 2, 3])) + cp.penalty(wired)).backward()
        optimizer.step()
    assert all(each < cp.gates(before)[name] for name, each in cp.gates(wired).items())  # type: ignore[operator]
    assert cp.gates(copy.deepcopy(wired)) == cp.gates(wired)


def test_the_penalty_is_that_of_the_product() -> None:
    linear = cp.wire(Stages(), IMAGES, start=-0.5, penalty=0.2)
    assert cp.penalty(linear).item() == pytest.approx(0.2 * 0.5 * 10)
    hard = cp.wire(Stages(), IMAGES, kind="hard-concrete", start=2.0, penalty=1.0)
    # Louizos, Welling, Kingma 2018, equation 12.
    assert cp.penalty(hard).item() == pytest.approx(10 * torch.sigmoid(torch.tensor(2 - 2 / 3 * -2.397895)).item())


def test_costs_are_the_macs_that_a_connection_brings() -> None:
    network = reading(lambda net, maps: means(net, net.wide(maps)))
    wired = cp.wire(network, IMAGES, penalise="cost")
    # Without `one` its own MACs and those of half of what reads it go; without `stem` nothing is left.
    one, half, whole = 4 * 4 * 9 * 64, 4 * 4 * 64, (3 * 4 * 9 + 4 * 4 * 9 + 8 * 4) * 64 + 8
    mean = (half + one + half) / 2
    assert list(cp.gates(wired)) == ["stem->cat", "one->cat"]
    assert whole > mean
    torch.testing.assert_close(gates_of(wired).costs, torch.tensor([half / mean, (one + half) / mean]))


@torch.no_grad()
def test_saved_and_restored(tmp_path: Path) -> None:
    wired = cp.wire(Stages(), IMAGES, kind="sigmoid", start=2.0, ungated=["cat"]).eval()
    gates_of(wired).weight[torch.tensor([1, 4])] = -9.0
    small = cp.shrink(wired, Threshold(0.01))
    for module in (wired, small):
        cp.save(module, tmp_path / "module.safetensors")
        again = cp.restore(tmp_path / "module.safetensors", Stages().eval(), IMAGES)
        assert torch.equal(again(IMAGES), module(IMAGES))
        assert list(again.state_dict()) == list(module.state_dict())
    other = Stages()
    other.fc = nn.Linear(12, 7)
    with pytest.raises(UsageError, match="do not belong to this module"):
        cp.restore(tmp_path / "module.safetensors", other, IMAGES)
    with pytest.raises(UsageError, match="expected a run directory, or a safetensors file"):
        cp.load(tmp_path / "module.safetensors")
    with pytest.raises(UsageError, match="module: found a value of the type Linear"):
        cp.save(nn.Linear(1, 1), tmp_path / "other.safetensors")


def test_a_state_dict_fits_what_is_wired_anew() -> None:
    wired, other = cp.wire(Stages(), IMAGES), cp.wire(Stages(), IMAGES)
    other.load_state_dict(wired.state_dict())
    assert torch.equal(other.eval()(IMAGES), wired.eval()(IMAGES))


def branches(net: Written, images: Tensor) -> Tensor:
    maps = net.stem(images)
    for branch in (net.one, net.two, net.one, net.two):
        maps = maps + branch(maps)
    return means(net, maps)


def test_a_rule_that_measures_is_given_what_shrink_would_give() -> None:
    wired = closed(Written(branches), 1, 3)
    expected, seen = wired(IMAGES), list[int]()

    def layers(module: torch.fx.GraphModule) -> list[nn.Module]:
        return [module.get_submodule(str(node.target)) for node in module.graph.find_nodes(op="call_module")]

    def convolutions(module: torch.fx.GraphModule) -> float:
        return float(sum(isinstance(layer, nn.Conv2d) for layer in layers(module)))

    def accuracy(module: torch.fx.GraphModule) -> float:
        assert not module.training
        assert not any(name.startswith("wiring.gates") for name, _ in module.named_parameters())
        seen.append(len(layers(module)))
        return float(torch.allclose(module(IMAGES), expected, atol=1e-4))

    threshold = cp.preview(wired, Threshold(0.01)).chosen
    assert len(threshold) == 2
    small = cp.shrink(wired, cp.MaxDrop(0.5, accuracy))
    assert cp.preview(wired, cp.MaxDrop(0.5, accuracy)).chosen == threshold
    same(small(IMAGES), expected)
    # The uncut network is measured first.
    assert seen[0] == max(seen) > min(seen)
    limited = cp.Budget(latency=cp.Latency(3, convolutions))
    assert convolutions(torch.fx.symbolic_trace(cp.shrink(wired, limited))) == 3
    assert cp.preview(wired, limited).chosen == threshold
    with pytest.raises(DisconnectedError, match="a forward pass down to"):
        cp.shrink(wired, cp.Budget(latency=cp.Latency(0.5, convolutions)))
