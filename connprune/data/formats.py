"""The kinds of files that a data set may be in besides folders of images. Nothing here imports torch."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from connprune import builtin
from connprune.architecture.base import Shape
from connprune.data.progress import Progress
from connprune.registry import Registry

if TYPE_CHECKING:
    from connprune.data.images import Dataset
    from connprune.data.settings import DataSettings


class DataFormat:
    """A kind of file, or of folder of files, for the path in `data.source`."""

    # A class without a name is a base of others.
    name: ClassVar[str] = ""
    # What a sentence calls such a file.
    what: ClassVar[str] = ""
    # The keys of `data` that say how images are decoded and that this kind has a use for.
    takes: ClassVar[tuple[str, ...]] = ()

    def suits(self, path: Path) -> bool:
        """Whether a file or a folder is of this kind, by its name or by the names in it."""
        raise NotImplementedError(type(self).__name__)

    def shape(self, path: Path, settings: "DataSettings") -> tuple[Shape, int]:
        """The shape of one image or sequence, and the number of classes, without loading the others or torch.

        Raises:
            UsageError: they are not what they must be.
        """
        raise NotImplementedError(type(self).__name__)

    def load(self, path: Path, settings: "DataSettings", progress: Progress) -> "Dataset":
        """The images or sequences: the same for the same bytes of the files, wherever they are.

        Args:
            path: of the file or folder.
            settings: the section `data`; `connprune.data.cache.cache_folder(settings.cache)` is a folder to keep
                things in.
            progress: takes a long loop.

        Returns:
            Images and labels as of `connprune.data.named.Source`, in uint8 or float32; if `settings.as_sequence`, with
            the steps last: (count, features, 1, steps).

        Raises:
            UsageError: they are not what they must be.
        """
        raise NotImplementedError(type(self).__name__)


FORMATS: Registry[type[DataFormat]] = Registry(
    "data format", "connprune.formats", lambda kind: kind.name or None, DataFormat, builtin.DATA_FORMATS
)


def format_of(path: Path) -> DataFormat | None:
    """The kind of a file or folder; None if it is none of these."""
    return next((kind for kind in (FORMATS[name]() for name in FORMATS) if kind.suits(path)), None)
