"""The optimizer, made from the recipe."""

import inspect
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import torch
from torch import nn

from connprune.errors import UsageError
from connprune.network.network import Network
from connprune.registry import imported
from connprune.training.recipe import Optimizer


@cache
def __getattr__(name: str) -> Any:
    """An optimizer of torch.optim by its name, for steps that are not compiled together with their network.

    No step of ours is. What torch puts around the methods for those that are would import the compiler at their first
    call, which takes as long as torch itself.

    Raises:
        AttributeError: there is none.
    """
    kind = getattr(torch.optim, name, None)
    if not (isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer)):
        raise AttributeError(f"torch.optim has no optimizer {name!r}")
    wrapped = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")
    methods = {method: inspect.unwrap(getattr(kind, method)) for method in wrapped}
    return type(name, (kind,), {**methods, "step": torch.no_grad()(inspect.unwrap(kind.step))})


# The key of a parameter group that says whether the schedule changes its learning rate; without it, it does.
_SCHEDULED = "scheduled"


def make_optimizer(network: Network, settings: Optimizer) -> torch.optim.Optimizer:
    """The optimizer, with a group for all that is treated alike, which is one launch; gates are in the last one.

    Biases and gates are not decayed, nor is anything without a key `weight_decay`. A learning rate that the gates have
    of their own is no part of the schedule, which is the weights'. On CUDA the rates of an optimizer that can be
    recorded are tensors, so that a recorded step reads them anew each time.

    Raises:
        UsageError: the class of the optimizer cannot be imported, refuses its arguments, is no optimizer, or evaluates
            the loss itself.
    """
    gates = network.gates.weight if network.gates else None
    weights = [parameter for parameter in network.parameters() if parameter is not gates]
    chosen = network.architecture.gates
    own = chosen.rate if chosen else None
    decay = float(getattr(settings, "weight_decay", 0.0))
    # With the learning rate, the decay, and whether the schedule changes the rate.
    kinds = [
        ([weight for weight in weights if weight.dim() > 1], (settings.rate, decay, True)),
        ([bias for bias in weights if bias.dim() <= 1], (settings.rate, 0.0, True)),
        ([gates] if gates is not None else [], (own or settings.rate, 0.0, own is None)),
    ]
    alike: dict[tuple[float, float, bool], list[nn.Parameter]] = {}
    for parameters, each in kinds:
        if parameters:
            alike.setdefault(each, []).extend(parameters)
    groups = [
        {"params": parameters, "lr": rate, "weight_decay": decay, _SCHEDULED: follows}
        for (rate, decay, follows), parameters in alike.items()
    ]
    kind = imported(settings.implementation, f"optimizer {settings.kind}")
    if _needs_closure(kind):
        raise UsageError(
            f"training.optimizer: {settings.implementation} evaluates the loss itself (its step needs a closure), "
            "which no step here lets it do."
        )
    try:
        made = kind(groups, lr=settings.rate, **settings.arguments())
    except (TypeError, ValueError) as error:
        raise UsageError(f"training.optimizer: {settings.implementation} refuses its arguments: {error}.") from None
    if not isinstance(made, torch.optim.Optimizer):
        raise UsageError(f"training.optimizer: {settings.implementation} makes no torch.optim.Optimizer.")
    optimizer: torch.optim.Optimizer = made
    device = weights[0].device
    if device.type == "cuda" and can_be_recorded(optimizer):
        for group in optimizer.param_groups:
            group.update(lr=torch.tensor(group["lr"], device=device))
            if "capturable" in group:
                group.update(capturable=True)
    return optimizer


def _needs_closure(kind: Any) -> bool:
    step = getattr(kind, "step", None)
    closure = inspect.signature(step).parameters.get("closure") if callable(step) else None
    return closure is not None and closure.default is closure.empty


def can_be_recorded(optimizer: torch.optim.Optimizer) -> bool:
    """Whether a step of it can be part of a CUDA graph: whether it has torch's argument `capturable`, or is fused."""
    return "capturable" in optimizer.defaults or bool(optimizer.defaults.get("fused"))


def rates(optimizer: torch.optim.Optimizer) -> list[float]:
    """The learning rate of each group."""
    return [float(f"{float(group['lr']):.7g}") for group in optimizer.param_groups]


def set_rates(optimizer: torch.optim.Optimizer, wanted: Sequence[float]) -> None:
    """Sets the learning rate of each group, in place where it is a tensor."""
    for group, rate in zip(optimizer.param_groups, wanted, strict=True):
        if isinstance(group["lr"], torch.Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def is_scheduled(group: Mapping[str, Any]) -> bool:
    """Whether the schedule changes the learning rate of a parameter group."""
    return bool(group.get(_SCHEDULED, True))
