"""What a wiring grew to, as a document and as text."""

from collections.abc import Mapping, Sequence

from connprune.architecture.architecture import Architecture
from connprune.architecture.growth import Growth
from connprune.architecture.shapes import size_of
from connprune.documents.growth import GrownNetwork
from connprune.documents.growth import Growth as Document
from connprune.report.aligned import aligned


def growth_document(
    cuts: Sequence[str], networks: Mapping[str, tuple[Growth, Architecture]], text: str, path: str | None
) -> Document:
    """The document of a growth.

    Args:
        cuts: where the block is from.
        networks: by name how each grew, and to what; the cut's comes first.
        text: the YAML.
        path: where it was written; None is nowhere.
    """
    growth = next(iter(networks.values()))[0]
    return Document(
        path=path,
        cuts=tuple(cuts),
        input=growth.shape,
        classes=growth.classes,
        repeat=growth.repeat,
        sizes=growth.sizes,
        networks=tuple(_network(name, *made) for name, made in networks.items()),
        text=text,
    )


def _network(name: str, growth: Growth, architecture: Architecture) -> GrownNetwork:
    size = size_of(architecture).model_dump(exclude={"feature_maps"})
    return GrownNetwork(network=name, width=float(growth.width), **size)


def growth_text(document: Document) -> str:
    """A row for each network, and the stages."""
    rows = [
        [
            each.network,
            f"{each.width:.4g}",
            *map("{:,}".format, (each.layers, each.connections, each.parameters, each.macs)),
        ]
        for each in document.networks
    ]
    sides = [str(height) if height == width else f"{height}×{width}" for height, width in document.sizes]
    copies = f"{document.repeat} {'copy' if document.repeat == 1 else 'copies'}"
    table = aligned(["network", "width", "layers", "connections", "parameters", "MACs"], rows)
    return f"{table}\n{copies} in {len(sides)} {'stage' if len(sides) == 1 else 'stages'}: {', '.join(sides)}"
