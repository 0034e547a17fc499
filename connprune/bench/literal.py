"""A literal port of the post's network and training, the baseline of the benchmarks.

Every connection resizes and multiplies its own copy of the activations, images go through PIL one by one, and the loss
is read after every step: what a careful reader of the post would write first. Nothing in connprune uses it.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from connprune.architecture import convolutions
from connprune.architecture import image_layers as plain
from connprune.architecture.architecture import Architecture
from connprune.architecture.base import HEAD, INPUT
from connprune.architecture.layers import Layer
from connprune.architecture.shapes import head_widths
from connprune.bench.machine import peak_bytes
from connprune.data.images import Images
from connprune.errors import UsageError
from connprune.training.memory import keep_freed_memory


class LiteralNetwork(nn.Module):
    """The network of an architecture with `concat` merges and shared sigmoid gates.

    Args:
        architecture: of convolutions, max-pooling and dropout.

    Raises:
        UsageError: it has something else.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        merges = {architecture.merge_of(target).aggregate for target in architecture.connections}
        gates = architecture.gates
        if merges != {"concat"} or gates is None or gates.kind != "sigmoid" or gates.sharing != "shared":
            raise UsageError("literal: the post has concat merges and shared sigmoid gates only.")
        if architecture.backward_connections:
            raise UsageError("literal: the post's networks have no backward connections.")
        self.architecture = architecture
        merged = architecture.shapes.merged
        self.layers = nn.ModuleDict(
            {layer.name: _module(layer, merged[layer.name].feature_maps) for layer in architecture.layers}
        )
        self.gates = nn.ParameterDict(
            {_key(source, target): torch.full((), 0.5) for source, target in architecture.gated_connections}
        )
        widths = head_widths(architecture)
        self.dense = nn.ModuleList(nn.Linear(*pair) for pair in pairwise(widths))

    def forward(self, images: Tensor) -> Tensor:
        """Class scores, (batch, classes), of normalised images, (batch, feature maps, height, width)."""
        outputs = {INPUT: images}
        for target, sources in self.architecture.connections.items():
            merged = self._merge(target, sources, outputs)
            if target != HEAD:
                outputs[target] = self.layers[target](merged)
        average = self.architecture.head.reduce == "average"
        scores = merged.mean((2, 3)) if average else merged.flatten(1)
        for number, dense in enumerate(self.dense):
            scores = F.dropout(F.relu(scores), self.architecture.head.dropout, self.training) if number else scores
            scores = dense(scores)
        return scores

    def _merge(self, target: str, sources: tuple[str, ...], outputs: dict[str, Tensor]) -> Tensor:
        size = self.architecture.shapes.merged[target].size
        parts = []
        for source in sources:
            part = F.interpolate(outputs[source], size, mode="bilinear", align_corners=False)
            if _key(source, target) in self.gates:
                part = torch.sigmoid(self.gates[_key(source, target)]) * part
            parts.append(part)
        return torch.cat(parts, dim=1)


def _module(layer: Layer, inputs: int) -> nn.Module:
    match layer:
        case convolutions.Convolution(
            activation="relu", stride=1, dilation=1, groups=1, norm=None, order="conv-norm-act", kernel=int(kernel)
        ):
            padding = kernel // 2 if layer.padding == "same" else 0
            convolution = nn.Conv2d(inputs, layer.feature_maps, kernel, padding=padding, bias=layer.bias)
            return nn.Sequential(convolution, nn.ReLU())
        case plain.MaxPooling(stride=None, padding="valid"):
            return nn.MaxPool2d(layer.size)
        case plain.Dropout():
            return nn.Dropout(layer.rate)
    raise UsageError(f"literal: the post has no layer of the kind {layer.kind!r}; try the preset blog.")


def _key(source: str, target: str) -> str:
    return f"{source} to {target}"


class _PilImages(Dataset[tuple[Tensor, int]]):
    def __init__(self, images: Images) -> None:
        arrays = images.images.permute(0, 2, 3, 1).numpy()
        self.pictures = [Image.fromarray(array.squeeze()) for array in arrays]
        self.labels = images.labels.tolist()
        self.change = transforms.Compose(
            [transforms.RandomAffine(0, translate=(0.1, 0.1)), transforms.RandomHorizontalFlip(), transforms.ToTensor()]
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, number: int) -> tuple[Tensor, int]:
        return self.change(self.pictures[number]) * 2 - 1, self.labels[number]


def literal_batches(images: Images, batch_size: int, workers: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Endless batches from a DataLoader with PIL transforms."""
    loader = DataLoader(
        _PilImages(images),
        batch_size,
        shuffle=True,
        num_workers=workers,
        persistent_workers=workers > 0,
        drop_last=True,
    )
    while True:
        yield from loader


class LiteralTraining:
    """The port's training step, with unfused Adam.

    Args:
        architecture: as for `LiteralNetwork`.
        images: on the CPU.
        batch_size: images a step.
        device: where the network is.
        workers: processes of the DataLoader.
        threads: CPU threads.
    """

    def __init__(
        self,
        architecture: Architecture,
        images: Images,
        batch_size: int,
        device: torch.device,
        workers: int,
        threads: int,
    ) -> None:
        torch.set_num_threads(threads)
        self.device = device
        self.batches = literal_batches(images, batch_size, workers)
        self.network = LiteralNetwork(architecture).to(device)
        self.optimizer = torch.optim.Adam(self.network.parameters(), foreach=False, fused=False)

    def step(self) -> float:
        """One step, data included, and its loss."""
        images, labels = next(self.batches)
        loss = F.cross_entropy(self.network(images.to(self.device)), labels.to(self.device))
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def peak_bytes(self) -> int:
        """The most memory that a step's tensors take at once."""
        return peak_bytes(self.step, self.device)


def keeping_literal(*arguments: Any) -> LiteralTraining:
    """The port's training in a process that keeps freed memory, as the command line lets ours do."""
    keep_freed_memory()
    return LiteralTraining(*arguments)
