"""What the cache holds of a data set, mapped into memory: images stay on the disk until a batch is made of them."""

import json
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from connprune.data.images import NO_IMAGES, Dataset, Images
from connprune.data.settings import DataSettings
from connprune.errors import UsageError
from connprune.tensor_stream import mapped, text_of

# A divisor is out of proportion if what is left after it has a standard deviation beyond these.
_LEAST, _MOST = 0.05, 20


def read_decoded(path: Path, settings: DataSettings, classes: Sequence[str] = ()) -> Dataset | None:
    """The data set in a file of the cache; None if it is damaged or not there.

    Args:
        path: of the file.
        settings: what it will be divided by.
        classes: their names, where the file may be of a version that did not write them.
    """
    try:
        arrays = mapped(path)
        noted = json.loads(text_of(arrays["notes"]))
        train, test, validation = (_images(arrays, part) for part in ("train", "test", "validation"))
        std, span = noted.get("std"), noted.get("range")
        return Dataset(
            tuple(map(str, classes or noted["classes"])),
            train,
            test,
            validation,
            damaged=tuple(map(str, noted.get("damaged", ()))),
            notes=(*map(str, noted["notes"]), *_on_divisor(None if std is None else float(std), settings)),
            range=span and (int(span[0]), int(span[1])),
        )
    except (UsageError, KeyError, IndexError, TypeError, ValueError):
        return None


def _images(arrays: dict[str, np.ndarray], part: str) -> Images:
    if f"{part}.images" not in arrays:
        return NO_IMAGES
    labels = _tensor(arrays[f"{part}.labels"]).clone()
    return Images(_tensor(arrays[f"{part}.images"]), labels, torch.arange(len(labels)))


def _tensor(array: np.ndarray) -> Tensor:
    with warnings.catch_warnings():
        # That it must not be written into: nothing is.
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(array)


def _on_divisor(std: float | None, settings: DataSettings) -> tuple[str, ...]:
    divide = settings.normalise.divide
    if std is None:
        return ()
    if isinstance(divide, str):
        by = f" (data.normalise.divide: {divide})"
        return (f"they are divided by the standard deviation of each channel of the training images{by}.",)
    if not std or _LEAST <= std / divide <= _MOST:
        return ()
    return (
        f"data.normalise.divide is {divide:g}, but the standard deviation of the training values is {std:.3g}: what "
        f"the network reads is {'small' if std < divide else 'large'}; data.normalise.divide=auto divides by that of "
        "each channel.",
    )
