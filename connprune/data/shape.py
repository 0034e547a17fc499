"""How large the images of a source are and how many classes there are, found without torch."""

from pathlib import Path

from connprune.architecture.base import Shape
from connprune.data.formats import FORMATS, DataFormat, format_of
from connprune.data.named import SOURCES
from connprune.data.settings import DECODING, DataSettings
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
    if settings.source not in SOURCES:
        path = source_path(settings)
        kind = format_of(path)
        if kind is not None:
            return kind.shape(path, require_suitable(settings, kind))
        require_no_layout(settings)
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

    folder = source_path(settings)
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


def source_path(settings: DataSettings) -> Path:
    """The folder that the source names, or the file of one of the formats.

    Raises:
        UsageError: there is none.
    """
    path = Path(absolute(settings.source))
    try:
        exists = path.is_dir() or format_of(path) is not None
    except OSError:
        exists = False
    if not exists:
        files = ", ".join(FORMATS[name].what for name in FORMATS)
        expected = f"one of {', '.join(SOURCES)}, or an existing folder of images, {files}"
        hint = nearest(path.name, SOURCES) or "a data set of your own needs its plug-in"
        raise UsageError(Mistake(key="data.source", found=repr(settings.source[:200]), expected=expected, hint=hint))
    return path


def require_suitable(settings: DataSettings, kind: DataFormat) -> DataSettings:
    """The settings, if what they say of the decoding of images is for this kind of file.

    Raises:
        UsageError: a key is for others.
    """
    if settings.layout and "layout" not in kind.takes:
        require_no_layout(settings)
    for name in DECODING:
        if name not in kind.takes and getattr(settings, name) != type(settings).model_fields[name].default:
            raise UsageError(
                Mistake(f"{name} belongs to a folder of images, but the source is {kind.what}.", key=f"data.{name}")
            )
    return settings


def require_no_layout(settings: DataSettings) -> None:
    """Refuses `data.layout` where there are no arrays.

    Raises:
        UsageError: it is set.
    """
    if settings.layout:
        raise UsageError(
            Mistake("layout belongs to a file of arrays, but the source is image files.", key="data.layout")
        )
