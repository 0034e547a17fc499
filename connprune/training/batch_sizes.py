"""How few images a step may have: a batch normalisation cannot learn from a single value of a feature map."""

from connprune.architecture.architecture import Architecture
from connprune.errors import UsageError
from connprune.mistakes import Mistake


def single_valued(architecture: Architecture) -> str | None:
    """The first layer, or the head, whose batch normalisation sees each feature map at one position only."""
    for target in architecture.connections:
        for norm, shape in architecture.norms(target):
            if norm.kind == "batch" and shape.size == (1, 1):
                return target
    return None


def fewest_images(architecture: Architecture) -> int:
    """How many images a step must have; an epoch's last step that would have fewer joins the one before it."""
    return 1 if single_valued(architecture) is None else 2


def require_enough(architecture: Architecture, batch_size: int, images: int | None = None, processes: int = 1) -> None:
    """Refuses batches that a batch normalisation cannot learn from.

    Args:
        architecture: of the network.
        batch_size: images a step.
        images: to train on; None is not known yet, and enough.
        processes: that share a batch out and normalise each its own part.

    Raises:
        UsageError: some step has a single image in a process.
    """
    target, fewest = single_valued(architecture), 2 * processes
    if target is None:
        return
    what = (
        f"the batch normalisation of {target!r} sees one value of each feature map (1×1), so every step needs at least "
        f"{fewest} images{f', 2 for each of {processes} processes' if processes > 1 else ''}"
    )
    if batch_size < fewest:
        raise UsageError(Mistake(what, key="training.batch_size", found=str(batch_size)))
    left = images % batch_size if images is not None else 0
    # One that is left over joins the step before.
    if images is not None and (images < fewest or 1 < left < fewest):
        leaves = f"{batch_size}, which leaves {left or images} of {images:,} training images for the last step"
        raise UsageError(Mistake(what, key="training.batch_size", found=leaves, hint="take another size"))
