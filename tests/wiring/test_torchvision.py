"""torchvision's networks, wired and cut: what they give, and their parameters counted by hand."""

from collections.abc import Iterable

import pytest
import torch
import torchvision
from torch import Tensor, fx, nn

import connprune as cp
from connprune.architecture import Connection, Threshold
from connprune.architecture.rules import CountsWithout, Scores, Unit
from connprune.errors import UsageError
from connprune.wiring.parts import WiredGates
from tests.wiring.test_programs import gates_of, same

IMAGES = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(3))


@pytest.fixture(scope="module")
def resnet18() -> nn.Module:
    torch.manual_seed(0)
    return unsettled(torchvision.models.resnet18(weights=None))


@pytest.fixture(scope="module")
def densenet121() -> nn.Module:
    torch.manual_seed(0)
    return unsettled(torchvision.models.densenet121(weights=None))


@pytest.fixture(scope="module")
def wired(densenet121: nn.Module) -> fx.GraphModule:
    """Of densenet121; each test sets its gates."""
    return cp.wire(densenet121, IMAGES)


def unsettled(network: nn.Module) -> nn.Module:
    """A network in evaluation mode whose normalisations turn zeros into something else."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for name, tensor in module.state_dict().items():
                if name in ("weight", "running_var"):
                    tensor.uniform_(0.5, 1.5)
                elif name != "num_batches_tracked":
                    tensor.normal_(std=0.3)
    return network.eval()


def parameters(module: nn.Module) -> int:
    return sum(each.numel() for each in module.parameters())


def close(gates: WiredGates, names: Iterable[str], others: float | None = None) -> None:
    """Closes some gates; the others get this value, or one each of their own."""
    with torch.no_grad():
        gates.weight.copy_(torch.linspace(0.5, 1.5, len(gates.weight)) if others is None else torch.tensor(others))
        for name in names:
            gates.weight[list(map(str, gates.connections)).index(name)] = 0


def cut_and_masked(wired: fx.GraphModule) -> tuple[nn.Module, Tensor, Tensor]:
    """What is left of closed gates, what that gives, and what the wired network gives with all that went at zero."""
    small, report = cp.shrink(wired, Threshold(0.01)), cp.preview(wired, Threshold(0.01))
    gates = gates_of(wired)
    with torch.no_grad():
        for connection in report.followed:
            gates.weight[gates.connections.index(connection)] = 0
        return small, small(IMAGES), wired(IMAGES)


def test_gates_of_resnet18(resnet18: nn.Module) -> None:
    """One on each branch; where the shortcut has a convolution of its own, either of the two may go."""
    wired = cp.wire(resnet18, IMAGES)
    blocks = [f"layer{stage}.{block}" for stage in range(1, 5) for block in range(2)]
    branches = {f"{block}.bn2->{block}.add" for block in blocks}
    shortcuts = {f"layer{stage}.0.downsample.1->layer{stage}.0.add" for stage in range(2, 5)}
    assert cp.gates(wired) == dict.fromkeys(branches | shortcuts, 1.0)
    with torch.no_grad():
        assert torch.equal(wired(IMAGES), resnet18(IMAGES))
    assert set(dict(resnet18.named_parameters())) == set(dict(wired.named_parameters())) - {"wiring.gates.weight"}


def test_a_cut_of_resnet18_loses_whole_branches(resnet18: nn.Module) -> None:
    wired = cp.wire(resnet18, IMAGES)
    closed = ["layer1.0.bn2->layer1.0.add", "layer2.0.downsample.1->layer2.0.add", "layer4.1.bn2->layer4.1.add"]
    close(gates_of(wired), closed)
    small, given, masked = cut_and_masked(wired)
    same(given, masked)
    # Two 3×3 convolutions with their normalisations each, and a 1×1 convolution with its own.
    gone = [2 * (64 * 64 * 9 + 2 * 64), 64 * 128 + 2 * 128, 2 * (512 * 512 * 9 + 2 * 512)]
    assert parameters(resnet18) - parameters(small) == sum(gone)
    assert parameters(resnet18) == 11_689_512
    # 32×32 images are 8×8 in the first stage, 4×4 in the second and 1×1 in the last.
    report = cp.preview(wired, Threshold(0.01))
    macs = 8**2 * 2 * 64 * 64 * 9 + 4**2 * 64 * 128 + 2 * 512 * 512 * 9
    assert report.before.macs - report.after.macs == macs
    names = set(dict(small.named_parameters()))
    assert not any(name.startswith(("layer1.0", "layer2.0.downsample", "layer4.1")) for name in names)
    assert names < set(dict(resnet18.named_parameters()))


def test_gates_of_densenet121(densenet121: nn.Module, wired: fx.GraphModule) -> None:
    """A layer reads all before it in its block; what a single input has to come by is no connection that could go."""
    close(gates_of(wired), [], others=1.0)
    blocks = [6, 12, 24, 16]
    assert len(cp.gates(wired)) == sum(sum(range(2, layers + 1)) + layers + 1 for layers in blocks)
    assert "features.pool0->features.denseblock1.denselayer2.cat" in cp.gates(wired)
    with torch.no_grad():
        same(wired(IMAGES), densenet121(IMAGES))


def test_a_cut_of_densenet121_narrows_what_reads_its_concatenations(
    densenet121: nn.Module, wired: fx.GraphModule
) -> None:
    block = "features.denseblock1"
    into_layers = [f"features.pool0->{block}.denselayer{number}.cat" for number in range(2, 7)]
    close(gates_of(wired), [*into_layers, f"{block}.denselayer6.conv2->{block}.cat"])
    small, given, masked = cut_and_masked(wired)
    same(given, masked)
    # Five layers read 64 feature maps less: their normalisations, and their 1×1 convolutions to 128.
    narrowed = 5 * 64 * (2 + 128)
    # Nobody reads the sixth layer, which had 5 inputs of 32 left; the transition reads 32 feature maps less of 256.
    sixth = 2 * 160 + 160 * 128 + 2 * 128 + 128 * 32 * 9
    narrowed_after = 32 * (2 + 128)
    assert parameters(densenet121) == 7_978_856
    assert parameters(densenet121) - parameters(small) == narrowed + sixth + narrowed_after


class Drawn:
    """A rule that chooses by a seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def chosen(self, scores: Scores, counts: CountsWithout) -> frozenset[Unit]:
        drawn = torch.rand(len(scores), generator=torch.Generator().manual_seed(self.seed))
        return frozenset(unit for unit, share in zip(scores, drawn.tolist(), strict=True) if share < 0.4)


def test_a_random_half_of_densenet121(wired: fx.GraphModule) -> None:
    report = cp.preview(wired, Drawn(1))
    close(gates_of(wired), map(str, report.chosen))
    small, given, masked = cut_and_masked(wired)
    same(given, masked)
    assert parameters(small) == report.after.parameters < report.before.parameters
    assert all(isinstance(each, Connection) for each in report.followed)


def test_a_budget_is_met(resnet18: nn.Module) -> None:
    wired = cp.wire(resnet18, IMAGES)
    close(gates_of(wired), [])
    small = cp.shrink(wired, cp.Budget(parameters=cp.Share(0.5)))
    assert 0 < parameters(small) <= parameters(resnet18) / 2
    with torch.no_grad():
        assert small(IMAGES).shape == (2, 1000)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("squeezenet1_1", {}),
        ("efficientnet_b0", {}),
        ("convnext_tiny", {}),
        ("swin_t", {}),
        ("resnext50_32x4d", {}),
        ("googlenet", {"init_weights": False, "aux_logits": False}),
    ],
)
def test_other_networks_of_torchvision(name: str, settings: dict[str, object]) -> None:
    torch.manual_seed(0)
    network = unsettled(getattr(torchvision.models, name)(weights=None, **settings))
    wired = cp.wire(network, IMAGES)
    close(gates_of(wired), list(cp.gates(wired))[1::4])
    small, given, masked = cut_and_masked(wired)
    same(given, masked)
    assert parameters(small) == cp.preview(wired, Threshold(0.01)).after.parameters < parameters(network)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "settings", "reader"),
    [
        ("shufflenet_v2_x0_5", {}, r"stage2\.0\.view"),
        ("googlenet", {"init_weights": False}, r"aux1 \(InceptionAux\)"),
    ],
)
def test_networks_of_torchvision_that_are_refused(name: str, settings: dict[str, object], reader: str) -> None:
    with pytest.raises(UsageError, match=f"module: .*{reader}"):
        cp.wire(getattr(torchvision.models, name)(weights=None, **settings), IMAGES)
