"""What a user can do when the memory is too small."""

from collections.abc import Iterator
from contextlib import contextmanager

from connprune.architecture.architecture import Architecture
from connprune.architecture.shapes import parameter_count
from connprune.errors import NoMemoryError, lacks_memory
from connprune.training.recipe import Recipe

_BYTES = {"auto": 4, "float32": 4, "tf32": 4, "bfloat16": 2}
# Weights, gradients, Adam's two moments, and the best weights so far, all in float32.
_BYTES_OF_A_PARAMETER = 5 * 4


@contextmanager
def explained_memory(architecture: Architecture, recipe: Recipe, images: int) -> Iterator[None]:
    """Says what takes the memory, and what would help most, if it does not suffice for what is done in here.

    Args:
        architecture: of the network that is trained.
        recipe: how.
        images: the bytes of all images.

    Raises:
        NoMemoryError: it does not suffice.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if lacks_memory(error):
            raise NoMemoryError(_advice(architecture, recipe, images)) from error
        raise


def _advice(architecture: Architecture, recipe: Recipe, images: int) -> str:
    shapes, parameters = architecture.shapes, parameter_count(architecture)
    numbers = sum(shape.numel for shape in (*shapes.output.values(), *shapes.merged.values()))
    sizes = {
        _SMALLER_NETWORK: _BYTES_OF_A_PARAMETER * parameters,
        _smaller_batch(recipe): _BYTES[recipe.precision] * recipe.batch_size * numbers,
        _FEWER_IMAGES: images,
    }
    of_parameters, of_batch, of_images = map(_size, sizes.values())
    return (
        f"There is not enough memory: training takes about {of_parameters} for the {parameters:,} parameters, "
        f"{of_batch} for a batch of {recipe.batch_size}, and {of_images} for the images. "
        f"{max(sizes, key=sizes.__getitem__)}"
    )


_SMALLER_NETWORK = "Make the network smaller: head.hidden, head.reduce=average, or the feature maps of its layers."
_FEWER_IMAGES = "Take fewer images: data.train_images."


def _smaller_batch(recipe: Recipe) -> str:
    more = [f"{key}={value}" for key, value, is_set in (
        ("training.recompute", "true", recipe.recompute is True),
        ("training.precision", "bfloat16", recipe.precision == "bfloat16"),
    ) if not is_set]  # fmt: skip
    return "Lower training.batch_size" + (f", or try {' or '.join(more)}." if more else ".")


def _size(count: float) -> str:
    return f"{count / 2**20:,.0f} MiB"
