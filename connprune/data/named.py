"""The data sets that have a name: what each one's images are like, and how they are got. Nothing here imports torch."""

from typing import TYPE_CHECKING, ClassVar

from connprune import builtin
from connprune.architecture.base import Shape
from connprune.data.progress import Progress
from connprune.registry import Registry

if TYPE_CHECKING:
    from connprune.data.images import Dataset
    from connprune.data.settings import DataSettings


class Source:
    """A data set with a name, for `data.source`."""

    # A class without a name is a base of others.
    name: ClassVar[str] = ""
    # Of one image, and the number of classes: known before anything is loaded.
    shape: ClassVar[Shape]
    classes: ClassVar[int]
    # Whether all classes have as many images; then parts are drawn from all alike, and no class is told of by itself.
    balanced: ClassVar[bool] = False

    def load(self, settings: "DataSettings", progress: Progress) -> "Dataset":
        """The images: the same for the same settings, or a run can neither be resumed nor cut.

        Args:
            settings: the section `data`; `connprune.data.cache.cache_folder(settings.cache)` is a folder to keep
                things in.
            progress: takes a long loop.

        Returns:
            Training and test images, and perhaps validation images: (count, feature maps, height, width), uint8, of
            `shape`, with labels (count,), int64, below `classes`.
        """
        raise NotImplementedError(type(self).__name__)

    def download(self, settings: "DataSettings", progress: Progress) -> None:
        """Gets what `load` needs into the cache, where `connprune data` asks for it; here nothing."""


class Digits(Source):
    """The test images of the handwritten digits of NIST in 8×8 pixels, which come with the package."""

    name = "digits"
    shape = Shape(1, 8, 8)
    classes = 10
    balanced = True

    def load(self, settings: "DataSettings", progress: Progress) -> "Dataset":
        from connprune.data.digits import load_digits

        return load_digits()


class Cifar10(Source):
    """Photographs of ten kinds of things (Krizhevsky 2009)."""

    name = "cifar10"
    shape = Shape(3, 32, 32)
    classes = 10
    balanced = True

    def load(self, settings: "DataSettings", progress: Progress) -> "Dataset":
        from connprune.data.cache import cache_folder
        from connprune.data.cifar import load_cifar

        return load_cifar(self.name, cache_folder(settings.cache))

    def download(self, settings: "DataSettings", progress: Progress) -> None:
        from connprune.data.cache import cache_folder
        from connprune.data.cifar import download_cifar

        download_cifar(self.name, cache_folder(settings.cache), progress)


class Cifar100(Cifar10):
    """Photographs of a hundred kinds of things (Krizhevsky 2009)."""

    name = "cifar100"
    classes = 100


class Mnist(Source):
    """Handwritten digits (LeCun, Cortes, Burges 1998)."""

    name = "mnist"
    shape = Shape(1, 28, 28)
    classes = 10
    torchvision: ClassVar[str] = "MNIST"

    def load(self, settings: "DataSettings", progress: Progress) -> "Dataset":
        from connprune.data.cache import cache_folder
        from connprune.data.torchvision_sets import load_idx

        return load_idx(self.name, self.torchvision, cache_folder(settings.cache))

    def download(self, settings: "DataSettings", progress: Progress) -> None:
        from connprune.data.cache import cache_folder
        from connprune.data.torchvision_sets import download_idx

        download_idx(self.torchvision, cache_folder(settings.cache), progress)


class FashionMnist(Mnist):
    """Photographs of clothes (Xiao, Rasul, Vollgraf 2017)."""

    name = "fashion-mnist"
    torchvision = "FashionMNIST"


class Svhn(Source):
    """Digits of house numbers in photographs of streets (Netzer et al. 2011)."""

    name = "svhn"
    shape = Shape(3, 32, 32)
    classes = 10

    def load(self, settings: "DataSettings", progress: Progress) -> "Dataset":
        from connprune.data.cache import cache_folder
        from connprune.data.torchvision_sets import load_svhn

        return load_svhn(self.name, cache_folder(settings.cache))

    def download(self, settings: "DataSettings", progress: Progress) -> None:
        from connprune.data.cache import cache_folder
        from connprune.data.torchvision_sets import download_svhn

        download_svhn(cache_folder(settings.cache), progress)


class Stl10(Source):
    """Photographs of ten kinds of things, larger and fewer (Coates, Lee, Ng 2011); those with labels."""

    name = "stl10"
    shape = Shape(3, 96, 96)
    classes = 10

    def load(self, settings: "DataSettings", progress: Progress) -> "Dataset":
        from connprune.data.cache import cache_folder
        from connprune.data.torchvision_sets import load_stl10

        return load_stl10(self.name, cache_folder(settings.cache))

    def download(self, settings: "DataSettings", progress: Progress) -> None:
        from connprune.data.cache import cache_folder
        from connprune.data.torchvision_sets import download_stl10

        download_stl10(cache_folder(settings.cache), progress)


SOURCES: Registry[type[Source]] = Registry(
    "data source", "connprune.sources", lambda source: source.name or None, Source, builtin.SOURCES
)


def is_balanced(source: str) -> bool:
    """Whether `data.source` is a named data set whose classes have as many images each."""
    return source in SOURCES and SOURCES[source].balanced
