"""Hooks, which may do anything to what a layer takes, gives or holds."""

from torch import nn


def has_hooks(module: nn.Module) -> bool:
    """Whether something else runs with the module.

    So `torch.nn.utils.prune` and `spectral_norm` make the weight anew before each call, whatever it was set to.
    """
    return bool(module._forward_hooks or module._forward_pre_hooks or module._backward_hooks)
