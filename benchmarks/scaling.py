"""How a training step grows with the batch and with the width, with gates and without, everything in turns.

The preset blog; widths are factors on the feature maps of its convolutions.

    python benchmarks/scaling.py [--rounds 7] [--device cpu]
"""

import argparse
import warnings

import torch

from connprune.architecture.architecture import Architecture
from connprune.architecture.convolutions import Convolution
from connprune.architecture.shapes import mac_count
from connprune.bench.run import Ours, random_splits
from connprune.data.shape import image_shape
from connprune.training.configuration import Configuration, design, resolve
from connprune.training.memory import keep_freed_memory
from connprune.training.timing import in_turns

BATCHES = (8, 32, 128)
WIDTHS = (0.5, 1.0, 2.0)


def configured(batch: int, width: float) -> tuple[Configuration, Architecture]:
    """The preset with another batch size and other widths."""
    convolutions = {
        number: layer.feature_maps
        for number, layer in enumerate(resolve("blog").layers)
        if isinstance(layer, Convolution)
    }
    widths = [f"layers.{number}.feature_maps={round(maps * width)}" for number, maps in convolutions.items()]
    configuration = resolve("blog", assignments=[f"training.batch_size={batch}", *widths])
    return configuration, design(configuration)


def main() -> None:
    """Prints a row for each batch size and width."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    keep_freed_memory()
    device = torch.device(arguments.device)
    print(f"{'batch':>5} {'width':>5} {'ms':>9} {'images/s':>9} {'GFLOP/s':>8} {'gates / none':>12}")
    for batch, width in [*((batch, 1.0) for batch in BATCHES), *((32, width) for width in WIDTHS if width != 1)]:
        configuration, architecture = configured(batch, width)
        splits = random_splits(*image_shape(configuration.data)).to(device)
        given = (configuration, architecture, splits, warnings.warn)
        plain = (configuration, architecture.without_gates(), splits, warnings.warn)
        steps = {"gates": Ours(*given).step, "none": Ours(*plain).step}
        taken = in_turns(steps, device, arguments.rounds, warm_up=4)
        rate = 6 * mac_count(architecture) * batch / taken["gates"] / 1e9
        print(
            f"{batch:>5} {width:>5.1f} {1000 * taken['gates']:>9.1f} {batch / taken['gates']:>9.0f} {rate:>8.0f} "
            f"{taken['gates'] / taken['none']:>12.2f}"
        )


if __name__ == "__main__":
    main()
