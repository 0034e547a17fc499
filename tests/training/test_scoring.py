"""What `evaluate` adds up, beside a count image by image."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from connprune.data.images import Images
from connprune.errors import UsageError
from connprune.training.evaluating import renumbered
from connprune.training.scoring import BINS, score


class Answers(nn.Module):
    """Gives for the image whose only pixel is n the n-th row of scores."""

    def __init__(self, rows: Tensor) -> None:
        super().__init__()
        self.rows = rows
        self.architecture = type("Described", (), {"classes": rows.shape[1]})

    def forward(self, images: Tensor) -> Tensor:
        return self.rows[images.flatten().long()]


@given(st.integers(2, 8), st.integers(1, 40), st.integers(0, 2**31))
def test_it_is_what_a_count_image_by_image_gives(classes: int, count: int, seed: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    rows = 3 * torch.randn(count, classes, generator=draw)
    labels = torch.randint(classes, (count,), generator=draw)
    found = score(Answers(rows), Images(torch.arange(count, dtype=torch.uint8).view(-1, 1, 1, 1), labels))  # type: ignore[arg-type]
    confusion = [[0] * classes for _ in range(classes)]
    loss, top5 = 0.0, 0
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(BINS)]
    for row, label in zip(rows.tolist(), labels.tolist(), strict=True):
        parts = [math.exp(value) for value in row]
        shares = [part / sum(parts) for part in parts]
        best = shares.index(max(shares))
        confusion[label][best] += 1
        loss -= math.log(shares[label])
        top5 += sum(share > shares[label] for share in shares) < 5
        bins[min(BINS - 1, max(0, math.ceil(shares[best] * BINS) - 1))].append((shares[best], best == label))
    error = sum(abs(sum(confidence - right for confidence, right in several)) for several in bins) / count
    assert found.confusion.tolist() == confusion
    assert found.loss == pytest.approx(loss / count, rel=1e-4, abs=1e-6)
    assert found.top5 == (top5 if classes > 5 else None)
    assert found.calibration_error == pytest.approx(error, abs=1e-5)


def test_classes_of_other_images_are_known_by_their_names() -> None:
    images = Images(torch.zeros(3, 1, 1, 1, dtype=torch.uint8), torch.tensor([0, 1, 0]))
    assert renumbered(images, ["dog", "cat"], ["ant", "cat", "dog"]).labels.tolist() == [2, 1, 2]
    with pytest.raises(UsageError, match="class: found 'bird', expected one of ant, cat, dog"):
        renumbered(images, ["bird", "cat"], ["ant", "cat", "dog"])
