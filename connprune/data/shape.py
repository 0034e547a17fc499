"""How large the images of a source are and how many classes there are, found without torch."""

from pathlib import Path

from connprune.architecture.base import Shape
from connprune.data.named import SOURCES
from connprune.data.settings import DataSettings
from connprune.errors import ConnpruneError, UsageError
from connprune.files import absolute
from connprune.mistakes import Mistake
from connprune.names import nearest
from connprune.printable import printable

# Sizes do not depend on it.
_ANY_RANGE = (0, 65535)


def image_shape(settings: DataSettings) -> tuple[Shape, int]:
    """The shape of an image and the number of classes, without loading the images.

    Raises:
        UsageError: there is no such data set or folder, or none of its images can be read.
    """
    shape, classes = _shape_of_source(settings)
    if settings.as_sequence:
        shape = Shape(shape.feature_maps * shape.width, 1, shape.height)
    return shape, classes


def _shape_of_source(settings: DataSettings) -> tuple[Shape, int]:
    if settings.source in SOURCES:
        source = SOURCES[settings.source]
        return source.shape, source.classes
    # Imported here, as Pillow and NumPy take longer than all else that a configuration of a known data set needs.
    from connprune.data.decoding import bombs_refused
    from connprune.data.listing import list_folder

    folder = source_folder(settings)
    listing = list_folder(folder, settings.follow_links)
    with bombs_refused():
        for path in (path for files in listing.parts["train"].values() for path in files):
            shape = _shape_of_file(path, settings)
            if shape:
                return shape, len(listing.classes)
    raise UsageError(f"data.source: none of the training images in {printable(str(folder))} can be read.")


def _shape_of_file(path: Path, settings: DataSettings) -> Shape | None:
    """The shape of one image, decoded; None if it cannot be read."""
    from connprune.data.decoding import decode

    if not path.is_file():
        return None  # A pipe or a device would be waited for, or never end.
    try:
        with path.open("rb") as file:
            return Shape(*decode(file, settings.model_copy(update={"range": _ANY_RANGE})).pixels.shape)
    except (ConnpruneError, MemoryError):
        raise
    except Exception:  # Pillow's decoders raise whatever they stumble over.
        return None


def source_folder(settings: DataSettings) -> Path:
    """The folder that the source names.

    Raises:
        UsageError: there is none.
    """
    folder = Path(absolute(settings.source))
    try:
        exists = folder.is_dir()
    except OSError:
        exists = False
    if not exists:
        expected = f"one of {', '.join(SOURCES)}, or an existing folder"
        hint = nearest(folder.name, SOURCES) or "a data set of your own needs its plug-in"
        raise UsageError(Mistake(key="data.source", found=repr(settings.source[:200]), expected=expected, hint=hint))
    return folder
