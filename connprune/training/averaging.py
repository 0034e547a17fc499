"""An exponential moving average of a network's weights, which is then the model."""

from copy import deepcopy

import torch

from connprune.network.network import Network

# Statistics of what the weights make of the images, so they are averaged with them; other buffers are shared.
_STATISTICS = ("running_mean", "running_var")


class WeightAverage:
    """The average of a network's weights over its steps (Polyak, Juditsky 1992), all of it on the device.

    Of the average after t steps, the weights of the next have the share 1 - min(decay, (1 + t) / (10 + t)): so it soon
    leaves the weights that the training began with, as TensorFlow's ExponentialMovingAverage with its `num_updates`.

    Args:
        network: under training, on its device.
        decay: how much of the average each step leaves, from 0 to below 1.

    Attributes:
        network: one with the averaged weights; what is no weight it shares with the other.
    """

    def __init__(self, network: Network, decay: float) -> None:
        own = network.state_dict(keep_vars=True)
        averaged = {name for name, _ in network.named_parameters()} | {
            name for name in own if name.endswith(_STATISTICS)
        }
        shared = {id(buffer): buffer for name, buffer in network.named_buffers() if name not in averaged}
        self.network = deepcopy(network, shared).requires_grad_(False).eval()
        kept = self.network.state_dict(keep_vars=True)
        self._pairs = [(kept[name], own[name]) for name in own if name in averaged]
        self._decay = decay
        self._share = torch.zeros((), device=network.mean.device)

    def before_step(self, step: int) -> None:
        """Says how many steps are done."""
        self._share.fill_(1 - min(self._decay, (1 + step) / (10 + step)))

    @torch.no_grad()
    def update(self) -> None:
        """Takes in the weights as they are now; reads tensors that keep their place, and never waits for the host."""
        for kept, now in self._pairs:
            kept.lerp_(now, self._share)
