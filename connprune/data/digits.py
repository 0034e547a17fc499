"""The digits that come with the package."""

from importlib.resources import as_file, files

from connprune.data.images import Dataset, Images
from connprune.tensor_files import read_tensors


def load_digits() -> Dataset:
    """Loads them from the package."""
    with as_file(files("connprune.data") / "embedded" / "digits.safetensors") as path:
        tensors, _ = read_tensors(path)
    train = Images(tensors["train.images"], tensors["train.labels"])
    test = Images(tensors["test.images"], tensors["test.labels"])
    return Dataset(tuple("0123456789"), train, test)
