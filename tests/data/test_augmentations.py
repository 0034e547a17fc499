"""Each augmentation does to a batch what PIL or torchvision does to each of its images, by what was drawn for it."""

import math
from typing import Any, get_args

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance
from scipy import stats
from torch import Tensor
from torchvision.transforms import InterpolationMode, autoaugment
from torchvision.transforms import functional as tv

from connprune.architecture.base import Shape
from connprune.data.augmentation import Operations
from connprune.data.augmentations import (
    AUGMENTATIONS,
    Augmentation,
    Colour,
    Crop,
    CutMix,
    Cutout,
    Erase,
    Mixup,
    TrivialAugment,
    TrivialOperation,
)
from connprune.data.batches import Draws, draw_epoch
from connprune.data.images import Images
from connprune.data.operations import grey
from connprune.data.random import stream
from connprune.data.settings import Augment, DataSettings
from connprune.data.sources import load
from connprune.errors import UsageError
from connprune.training.configuration import resolve
from connprune.training.layered import Setting

COUNT = 100
ALL = [
    Crop(),
    Colour(brightness=0.4, contrast=0.4, saturation=0.4),
    Cutout(size=4),
    Erase(),
    TrivialAugment(),
    Mixup(),
    CutMix(),
]


@pytest.fixture(scope="module")
def pictures() -> Tensor:
    """Digits in colour, on grounds in colour: (100, 3, 16, 12), uint8."""
    digits = load(DataSettings(source="digits")).train.images[: 3 * COUNT].view(COUNT, 3, 8, 8).float()
    large = torch.nn.functional.interpolate(digits, size=(16, 12), mode="bilinear")
    ground = torch.rand(COUNT, 3, 1, 1, generator=torch.Generator().manual_seed(0))
    return (255 * ground + (1 - ground) * large).clamp(0, 255).to(torch.uint8)


def shape_of(pictures: Tensor) -> Shape:
    return Shape(*pictures.shape[1:])


def drawn(settings: Augmentation, pictures: Tensor, count: int = COUNT, seed: int = 0) -> tuple[Any, Any]:
    """The operation, and what it draws."""
    operations = Operations([settings], pictures)
    made: Any = [*operations._changes, *operations._mixings][0]
    return made, made.draw(count, stream(seed, "test"))


def as_pil(image: Tensor) -> Image.Image:
    return Image.fromarray(image.permute(1, 2, 0).numpy(), "RGB")


def as_tensor(image: Image.Image) -> Tensor:
    return torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1)


def test_crop_is_torchvision_s(pictures: Tensor) -> None:
    crop, draws = drawn(Crop(padding=3, fill=7.0), pictures)
    made = crop(pictures, *draws)
    assert made.dtype == torch.uint8
    for image, one, (top, left) in zip(pictures, made, draws[0].tolist(), strict=True):
        expected = tv.crop(tv.pad(as_pil(image), 3, fill=7), top, left, 16, 12)
        assert torch.equal(one, as_tensor(expected))
    for corners in draws[0].T:
        assert set(corners.tolist()) == set(range(7))


@pytest.mark.parametrize("settings", [Cutout(size=5, fill=9.0), Cutout(size=4, fill=9.0), Erase(fill=9.0)])
def test_what_is_covered_is_what_torchvision_erases(pictures: Tensor, settings: Augmentation) -> None:
    operation, draws = drawn(settings, pictures)
    made = operation(pictures, *draws)
    for image, one, (top, left, height, width) in zip(pictures, made, draws[0].tolist(), strict=True):
        begin, end = (max(0, top), max(0, left)), (min(16, top + height), min(12, left + width))
        size = [last - first for first, last in zip(begin, end, strict=True)]
        expected = tv.erase(image, *begin, *size, torch.tensor(9, dtype=torch.uint8)) if min(size) else image
        assert torch.equal(one, expected)


def test_a_cutout_is_around_any_pixel(pictures: Tensor) -> None:
    _, (box,) = drawn(Cutout(size=4), pictures, 4000)
    centres = box[:, :2] + 2
    assert [set(axis.tolist()) for axis in centres.T] == [set(range(16)), set(range(12))]
    assert box[:, 2:].unique().tolist() == [4]


def test_an_erased_rectangle_has_the_area_and_the_form_that_were_asked_for(pictures: Tensor) -> None:
    settings = Erase(probability=0.25, area=(0.1, 0.3), ratio=(0.5, 2.0))
    large = pictures.repeat(1, 1, 10, 10)
    _, (box,) = drawn(settings, large, 4000)
    top, left, height, width = box[box[:, 2] > 0].T
    assert len(top) / 4000 == pytest.approx(0.25, abs=0.03)
    area, ratio = (height * width) / (160 * 120), height / width
    assert (area > 0.095).all()
    assert (area < 0.305).all()
    assert (ratio > 0.48).all()
    assert (ratio < 2.1).all()
    assert (top + height <= 160).all()
    assert (left + width <= 120).all()
    assert area.mean().item() == pytest.approx(0.2, abs=0.01)
    assert ratio.log().mean().item() == pytest.approx(0, abs=0.05)


def test_colours_are_torchvision_s_without_its_rounding(pictures: Tensor) -> None:
    colour, draws = drawn(Colour(brightness=0.8, contrast=0.8, saturation=1.5), pictures)
    made = colour(pictures, *draws)
    for image, one, factors in zip(pictures, made, torch.stack(draws, 1).tolist(), strict=True):
        expected = image / 255
        for change, factor in zip(
            (tv.adjust_brightness, tv.adjust_contrast, tv.adjust_saturation), factors, strict=True
        ):
            expected = change(expected, factor)
        # torchvision's weights of the colours have a digit more.
        torch.testing.assert_close(one / 255, expected, rtol=0, atol=2e-3)


@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation"])
def test_colours_are_pil_s_up_to_its_rounding(pictures: Tensor, name: str) -> None:
    colour, draws = drawn(Colour.model_validate({"kind": "colour", name: 0.9}), pictures)
    number = ("brightness", "contrast", "saturation").index(name)
    enhance = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)[number]
    made = colour(pictures, *draws)
    assert draws[number].min() < 0.3
    assert draws[number].max() > 1.7
    for image, one, factor in zip(pictures, made, draws[number].tolist(), strict=True):
        expected = as_tensor(enhance(as_pil(image)).enhance(factor)).float()
        assert (one - expected).abs().max() <= 2


def test_grey_images_have_no_saturation(pictures: Tensor) -> None:
    single = pictures[:, :1]
    colour, draws = drawn(Colour(saturation=1.0), single)
    assert torch.equal(colour(single, *draws), single.float())
    assert torch.equal(grey(single.float()), single.float())


@given(st.sampled_from([0.1, 0.2, 1.0, 4.0]), st.integers(0, 3))
def test_weights_of_mixup_have_a_beta_distribution(alpha: float, seed: int) -> None:
    _, (weights,) = drawn(Mixup(alpha=alpha), torch.zeros(1, 3, 4, 4, dtype=torch.uint8), 500, seed)
    assert stats.kstest(weights.numpy(), stats.beta(alpha, alpha).cdf).pvalue > 1e-4


def mixed(pictures: Tensor, *settings: Augmentation) -> tuple[Any, Draws, Tensor]:
    images = Images(pictures, torch.arange(COUNT))
    epoch = draw_epoch(images, Augment(operations=settings), COUNT, seed=1, number=0)
    from connprune.data.batches import augmented

    return augmented(images, epoch.draws, epoch.operations), epoch.draws, pictures.float()


def test_mixup_is_the_weighted_mean_of_two_images(pictures: Tensor) -> None:
    batch, draws, images = mixed(pictures, Mixup(alpha=1.0))
    assert draws.other
    (weights,) = draws.mixings[0]
    for number, weight in enumerate(weights.tolist()):
        first, second = images[draws.order[number]], images[draws.other.order[number]]
        torch.testing.assert_close(batch.images[number], weight * first + (1 - weight) * second)
    torch.testing.assert_close(batch.share, weights)
    assert torch.equal(batch.labels, draws.order)
    assert torch.equal(batch.others, draws.other.order)
    assert sorted(draws.other.order.tolist()) == list(range(COUNT))
    assert (draws.other.order != draws.order).all()
    assert torch.equal(batch.likeliest, torch.where(weights >= 0.5, draws.order, draws.other.order))


def test_cutmix_puts_a_rectangle_of_another_image_into_each(pictures: Tensor) -> None:
    """The box and the share of its area, as torchvision's CutMix computes them."""
    batch, draws, images = mixed(pictures, CutMix())
    assert draws.other
    shares = []
    for number, (top, left, height, width) in enumerate(draws.mixings[0][0].tolist()):
        y1, x1, y2, x2 = max(0, top), max(0, left), min(16, top + height), min(12, left + width)
        expected = images[draws.order[number]].clone()
        expected[:, y1:y2, x1:x2] = images[draws.other.order[number], :, y1:y2, x1:x2]
        assert torch.equal(batch.images[number], expected)
        shares.append(1 - (y2 - y1) * (x2 - x1) / (16 * 12))
    assert batch.share.tolist() == pytest.approx(shares)
    assert min(shares) < 0.3
    assert max(shares) > 0.7


def test_with_two_mixings_each_image_has_one_of_them(pictures: Tensor) -> None:
    batch, draws, _ = mixed(pictures, Mixup(alpha=1e6), CutMix(probability=0.0))
    (chosen,) = draws.mixings[-1]
    assert 30 < int(chosen.sum()) < 70
    assert batch.share.tolist() == pytest.approx([1.0 if one else 0.5 for one in chosen.tolist()], abs=0.01)


@pytest.mark.parametrize("settings", ALL, ids=lambda settings: str(settings.kind))
def test_each_image_has_a_draw_of_its_own_and_the_same_again_for_the_same_seed(
    pictures: Tensor, settings: Augmentation
) -> None:
    images = Images(pictures, torch.arange(COUNT))
    first, again, other = (
        draw_epoch(images, Augment(operations=(settings,)), 32, seed=3, number=number) for number in (0, 0, 1)
    )
    for one, same in zip(first.draws.tensors(), again.draws.tensors(), strict=True):
        assert torch.equal(one, same)
    assert torch.equal(first.batch(2)[0], again.batch(2)[0])
    mine = (*first.draws.changes, *first.draws.mixings)[0]
    theirs = (*other.draws.changes, *other.draws.mixings)[0]
    assert not all(torch.equal(*pair) for pair in zip(mine, theirs, strict=True))
    assert len(torch.cat([one.view(COUNT, -1).float() for one in mine], 1).unique(dim=0)) > 10
    plain = draw_epoch(images, Augment(), 32, seed=3, number=0).draws
    assert torch.equal(first.draws.order, plain.order), "what is drawn before is not drawn anew"


def test_parts_of_a_batch_are_changed_as_the_batch_is(pictures: Tensor) -> None:
    """Wherever a batch is split, among processes or for accumulation, each image is what it would have been."""
    from connprune.data.batches import augmented

    images = Images(pictures, torch.arange(COUNT))
    epoch = draw_epoch(images, Augment(shift=0.1, flip=0.5, operations=tuple(ALL)), COUNT, seed=5, number=0)
    whole = augmented(images, epoch.draws, epoch.operations)
    for chosen in (slice(10, 30), slice(1, None, 3)):
        part = augmented(images, epoch.draws.of(chosen), epoch.operations)
        assert torch.equal(part.images, whole.images[chosen])
        assert whole.share is not None
        assert part.share is not None
        assert torch.equal(part.share, whole.share[chosen])


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("data.augment.operations=[{kind: crp}]", "the kind 'crp', expected one of crop, cutout, erase, colour"),
        ("data.augment.operations=[{kind: crop, pading: 2}]", "operations.0.pading: there is no such key"),
        ("data.augment.operations=[{kind: mixup, alpha: 0}]", "operations.0.alpha: found 0, expected greater than 0"),
        ("data.augment.operations={kind: crop}", "data.augment.operations"),
        ("data.augment.operations=[crop]", "a mapping with a kind, like kind: crop"),
    ],
)
def test_refusals(setting: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve("digits", settings=[Setting.read(setting)])
    assert told in str(caught.value)


def test_sequences_have_no_such_augmentations() -> None:
    with pytest.raises(UsageError, match="operations belong to images, but as_sequence is true"):
        resolve("sequence", assignments=["data.augment.operations=[{kind: crop}]"])


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (Crop(padding=13), "operations.1: crop: padding: found 13, expected at most 12, a side of these images"),
        (Cutout(fill=256.0), "operations.1: cutout: fill: found 256, expected a whole number from 0 to 255"),
        (Erase(fill=0.5), "operations.1: erase: fill: found 0.5, expected a whole number from 0 to 255"),
    ],
)
def test_what_does_not_suit_the_images_is_refused(pictures: Tensor, settings: Augmentation, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        Operations([Crop(), settings], pictures)


def test_values_that_are_no_pixels_have_no_colours_and_any_fill(pictures: Tensor) -> None:
    with pytest.raises(UsageError, match=r"operations.0: colour: found other values than pixels, expected images of 8"):
        Operations([Colour(brightness=0.1)], pictures.float())
    crop, draws = drawn(Crop(fill=-0.5), pictures / 255 + 1)
    assert crop(pictures / 255 + 1, *draws).min() == -0.5


def test_one_setting_of_a_list_can_be_changed() -> None:
    chosen = resolve(
        "digits",
        assignments=["data.augment.operations=[{kind: crop}, {kind: cutmix}]", "data.augment.operations.0.padding=2"],
    )
    assert chosen.data.augment.operations == (Crop(padding=2), CutMix())


def torchvision_s(image: Image.Image, operation: str, strength: float) -> Image.Image:
    """The same operation by torchvision's implementation of TrivialAugment, which is PIL's for an image of PIL."""
    name = {
        "saturation": "Color",
        "autocontrast": "AutoContrast",
        **{
            f"{kind}-{axis}": f"{kind}-{axis}".title().replace("-", "")
            for kind in ("shear", "translate")
            for axis in "xy"
        },
    }.get(operation, operation.title())
    fill = [7.0] * len(image.getbands())
    made: Image.Image = autoaugment._apply_op(image, name, strength, InterpolationMode.NEAREST, fill)
    return made


def source_is_between_pixels(operation: str, strength: float, height: int, width: int) -> Tensor:
    """Where a pixel comes from within a thousandth of the line between two others: PIL's places have 16 bits."""
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    turn = math.radians(strength) if operation == "rotate" else 0.0
    shear = [strength if operation == f"shear-{axis}" else 0.0 for axis in "xy"]
    columns = math.cos(turn) * (x - width / 2) - math.sin(turn) * (y - height / 2) + width / 2 + shear[0] * y
    rows = math.sin(turn) * (x - width / 2) + math.cos(turn) * (y - height / 2) + height / 2 + shear[1] * x
    near = [abs(place - place.round()) < 1e-3 for place in (columns, rows)]
    return torch.from_numpy(near[0] | near[1])


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("operation", get_args(TrivialOperation))
def test_each_operation_of_trivial_augment_is_pil_s(
    pictures: Tensor, operation: TrivialOperation, channels: int
) -> None:
    # Only of more pixels than values there are any that could be equally frequent.
    pictures = pictures[:, :channels].repeat_interleave(2, 2).repeat_interleave(2, 3)
    trivial, (chosen, strengths) = drawn(TrivialAugment(operations=(operation,), translate=9, fill=7.0), pictures)
    made = trivial(pictures, chosen, strengths)
    assert made.dtype == torch.uint8
    differing = 0
    for image, one, strength in zip(pictures, made, strengths.tolist(), strict=True):
        picture = Image.fromarray(image[0].numpy()) if channels == 1 else as_pil(image)
        array = np.array(torchvision_s(picture, operation, strength))
        expected = torch.from_numpy(array).view(32, 24, channels).permute(2, 0, 1)
        wrong = one != expected
        if operation in ("shear-x", "shear-y", "rotate"):
            wrong &= ~source_is_between_pixels(operation, strength, 32, 24)
        if operation == "autocontrast":
            # A whole number that PIL's floating point makes a little less than it is, it rounds down to the one below.
            flat = image.long().flatten(1)
            least, most = (bound.view(-1, 1, 1) for bound in torch.aminmax(flat, dim=1))
            wrong &= ~((one.int() - expected.int() == 1) & ((image - least) * 255 % (most - least).clamp(1) == 0))
        assert not wrong.any(), strength
        differing += bool((one != image).any())
    changes_none = operation == "identity" or (operation == "saturation" and channels == 1)
    assert differing == 0 if changes_none else differing > 50


def test_strengths_of_trivial_augment_are_torchvision_s(pictures: Tensor) -> None:
    trivial, (chosen, strengths) = drawn(TrivialAugment(), pictures, 8000)
    theirs = autoaugment.TrivialAugmentWide()._augmentation_space(31)
    names = {name.lower(): values for name, values in theirs.items()} | {"saturation": theirs["Color"]}
    for number, name in enumerate(trivial.settings.operations):
        values, both_ways = names[name.replace("-", "")]
        own = trivial.strengths(name)
        # Its 16 pixels are a little less, so that it takes 15.
        expected = (values.double() + 1e-4).trunc() if "translate" in name else values.double()
        torch.testing.assert_close(own.double(), expected.expand(31), atol=1e-4, rtol=0)
        of_this = strengths[chosen == number]
        assert len(of_this) / 8000 == pytest.approx(1 / 14, abs=0.015)
        assert set(of_this.tolist()) <= {
            sign * value for value in own.tolist() for sign in ((1, -1) if both_ways else (1,))
        }
        assert not both_ways or 0.4 < (of_this > 0).sum() / (of_this != 0).sum() < 0.6


def test_with_trivial_augment_each_image_has_the_operation_that_it_drew(pictures: Tensor) -> None:
    trivial, (chosen, strengths) = drawn(TrivialAugment(), pictures)
    made = trivial(pictures, chosen, strengths)
    assert len(chosen.unique()) == 14
    for number, name in enumerate(trivial.settings.operations):
        of_this = chosen == number
        alone = drawn(TrivialAugment(operations=(name,)), pictures)[0]
        assert torch.equal(made[of_this], alone(pictures, torch.zeros_like(chosen), strengths)[of_this])
    # What an operation before it left is rounded to pixels, and images of any number of channels do.
    assert torch.equal(trivial(pictures.float() + 0.2, chosen, strengths), made)
    assert trivial(pictures.repeat(1, 2, 1, 1), chosen, strengths).shape == (COUNT, 6, 16, 12)
    assert trivial(pictures[:, :, :2, :2], chosen, strengths).shape == (COUNT, 3, 2, 2)


def test_every_kind_is_tried_here() -> None:
    assert {settings.kind for settings in ALL} == set(AUGMENTATIONS)
    assert math.prod(settings.model_dump()["kind"] == settings.kind for settings in ALL)
