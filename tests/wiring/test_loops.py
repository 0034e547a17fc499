"""Gates learn, and what closes goes, in loops that others wrote."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

import connprune as cp
from connprune.architecture import Architecture
from connprune.errors import UsageError
from tests.wiring.test_wire import IMAGES, Stages

LABELS = torch.tensor([0, 1, 2, 3])
PATIENT = pytest.mark.filterwarnings("ignore")  # What the libraries say of themselves.


def batches() -> DataLoader[tuple[Tensor, ...]]:
    return DataLoader(TensorDataset(IMAGES.repeat(2, 1, 1, 1), LABELS.repeat(2)), batch_size=4)


def groups(module: nn.Module) -> list[dict[str, object]]:
    gates = module.get_parameter("wiring.gates.weight")
    return [{"params": [each for each in module.parameters() if each is not gates]}, {"params": [gates], "lr": 0.2}]


def sum_of_gates(module: nn.Module) -> float:
    return sum(abs(each) for each in cp.gates(module).values() if isinstance(each, float))


@pytest.fixture
def wired() -> torch.fx.GraphModule:
    torch.manual_seed(0)
    return cp.wire(Stages(), IMAGES, penalty=0.5)


def test_a_plain_loop(wired: torch.fx.GraphModule) -> None:
    optimizer = torch.optim.SGD(groups(wired), lr=0.01)
    for images, labels in batches():
        optimizer.zero_grad()
        (F.cross_entropy(wired(images), labels) + cp.penalty(wired)).backward()
        optimizer.step()
    assert sum_of_gates(wired) < len(cp.gates(wired))
    small = cp.shrink(wired, cp.Budget(parameters=cp.Share(0.7)))
    F.cross_entropy(small(IMAGES), LABELS).backward()
    assert all(each.grad is not None for each in small.parameters())


@PATIENT
def test_a_lightning_loop(wired: torch.fx.GraphModule, tmp_path: Path) -> None:
    lightning = pytest.importorskip("lightning", reason="lightning is not installed")

    class Module(lightning.LightningModule):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.network = wired

        def training_step(self, batch: tuple[Tensor, Tensor], number: int) -> Tensor:
            images, labels = batch
            return F.cross_entropy(self.network(images), labels) + cp.penalty(self)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(groups(self.network), lr=0.01)

    module = Module()
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = lightning.Trainer(max_epochs=1, accelerator="cpu", default_root_dir=tmp_path, **quiet)
    trainer.fit(module, batches())
    assert sum_of_gates(module) < len(cp.gates(module))
    trainer.save_checkpoint(tmp_path / "last.ckpt", weights_only=True)
    again = Module()
    again.load_state_dict(torch.load(tmp_path / "last.ckpt", weights_only=True)["state_dict"])
    assert cp.gates(again) == cp.gates(module)
    assert len(cp.gates(module)) == 10
    cp.shrink(module, cp.Budget(parameters=cp.Share(0.7)))(IMAGES)


@PATIENT
def test_an_accelerate_loop(wired: torch.fx.GraphModule) -> None:
    accelerate = pytest.importorskip("accelerate", reason="accelerate is not installed")
    accelerator = accelerate.Accelerator(cpu=True)
    module, optimizer, data = accelerator.prepare(wired, torch.optim.SGD(groups(wired), lr=0.01), batches())
    for images, labels in data:
        optimizer.zero_grad()
        accelerator.backward(F.cross_entropy(module(images), labels) + cp.penalty(module))
        optimizer.step()
    assert sum_of_gates(module) < 10
    small = cp.shrink(accelerator.unwrap_model(module), cp.Budget(parameters=cp.Share(0.7)))
    assert sum(each.numel() for each in small.parameters()) < sum(each.numel() for each in wired.parameters())


def test_a_network_of_the_product_in_a_loop_of_ones_own(digits: Architecture, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = cp.build(digits)
    given = digits.input
    images = torch.randint(256, (8, given.feature_maps, given.height, given.width))
    labels = torch.randint(digits.classes, (8,))
    assert len(cp.gates(network)) == len(digits.gated_connections)
    before = cp.penalty(network).item()
    assert digits.gates is not None
    assert before == pytest.approx(digits.gates.penalty * sum_of_gates(network), rel=1e-5)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    (F.cross_entropy(network(images), labels) + cp.penalty(network)).backward()
    optimizer.step()
    small = cp.shrink(network, cp.Keep(20))
    cp.save(small, tmp_path / "small.safetensors")
    again, architecture = cp.load(tmp_path / "small.safetensors")
    assert len(architecture.gated_connections) <= 20
    assert torch.equal(again(images), small.eval()(images))


def test_what_has_no_gates_is_refused(digits: Architecture) -> None:
    for module in (nn.Linear(1, 1), cp.build(digits.without_gates())):
        with pytest.raises(UsageError, match="module: found no gates, expected one Network with gates"):
            cp.gates(module)
    both = nn.ModuleList([cp.build(digits), cp.build(digits)])
    with pytest.raises(UsageError, match="module: found 2 modules with gates"):
        cp.penalty(both)
    with pytest.raises(UsageError, match="module: found a Network"):
        cp.preview(cp.build(digits), cp.Keep(3))
