"""The optimizer and its schedule, made from the recipe."""

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR, ReduceLROnPlateau

from connprune.errors import UsageError
from connprune.network.network import Network
from connprune.registry import imported
from connprune.training.recipe import Cosine, Fixed, Optimizer, Plateau, Recipe


def _never_compiled(kind: type[torch.optim.Adam]) -> type[torch.optim.Adam]:
    """The optimizer without what torch puts around its methods for networks that are compiled together with their step.

    No step of ours is, and the first call of each would import the compiler, which takes as long as torch itself.
    """
    wrapped = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")
    methods = {name: inspect.unwrap(getattr(kind, name)) for name in wrapped}
    return type(kind.__name__, (kind,), {**methods, "step": torch.no_grad()(inspect.unwrap(kind.step))})


Adam, AdamW = _never_compiled(torch.optim.Adam), _never_compiled(torch.optim.AdamW)
# Keras, whose rule the post's recipe names, calls a loss better when it is lower by more than this.
_BETTER_BY = 1e-4
# The key of a parameter group that says whether the schedule changes its learning rate; without it, it does.
_SCHEDULED = "scheduled"


class Scheduler(Protocol):
    """Sets the learning rates after each epoch."""

    def after_epoch(self, validation_loss: float) -> None:
        """Sets the rates for the next epoch."""

    def halve(self) -> None:
        """Halves the rates, now and for the rest of the schedule."""

    def state_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes back what `state_dict` gave."""


def make_optimizer(network: Network, settings: Optimizer) -> torch.optim.Optimizer:
    """The optimizer, with a group for all that is treated alike, which is one launch; gates are in the last one.

    Biases and gates are not decayed, nor is anything without a key `weight_decay`. A learning rate that the gates have
    of their own is no part of the schedule, which is the weights'. On CUDA the rates of an optimizer that can be
    recorded are tensors, so that a recorded step reads them anew each time.

    Raises:
        UsageError: the class of the optimizer cannot be imported, refuses its arguments, or is no optimizer.
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
        {"params": parameters, "lr": rate, "weight_decay": decay, _SCHEDULED: is_scheduled}
        for (rate, decay, is_scheduled), parameters in alike.items()
    ]
    kind = imported(settings.implementation, f"optimizer {settings.kind}")
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
            group.update(lr=torch.tensor(group["lr"], device=device), capturable=True)
    return optimizer


def can_be_recorded(optimizer: torch.optim.Optimizer) -> bool:
    """Whether a step of it can be part of a CUDA graph: whether it has torch's argument `capturable`."""
    return "capturable" in optimizer.defaults


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


def make_scheduler(optimizer: torch.optim.Optimizer, recipe: Recipe) -> Scheduler:
    """The scheduler of a recipe."""
    match recipe.schedule:
        case Plateau() as plateau:
            return _OnPlateau(optimizer, plateau)
        case Cosine():
            return _by_epoch(optimizer, lambda epoch: 0.5 * (1 + math.cos(math.pi * epoch / recipe.epochs)))
        case Fixed():
            return _by_epoch(optimizer, _constant)


def _constant(epoch: int) -> float:
    return 1.0


def _is_scheduled(group: Mapping[str, Any]) -> bool:
    return bool(group.get(_SCHEDULED, True))


def _by_epoch(optimizer: torch.optim.Optimizer, factor: Callable[[int], float]) -> "_ByEpoch":
    return _ByEpoch(optimizer, [factor if _is_scheduled(group) else _constant for group in optimizer.param_groups])


class _ByEpoch(LambdaLR):
    def after_epoch(self, validation_loss: float) -> None:
        self.step()

    def halve(self) -> None:
        state = self.state_dict()
        self.load_state_dict({**state, "bases": [base / 2 for base in state["bases"]]})

    def state_dict(self) -> dict[str, Any]:
        return {"last_epoch": self.last_epoch, "bases": [float(base) for base in self.base_lrs]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        bases: list[float] = state["bases"]
        self.last_epoch, self.base_lrs = state["last_epoch"], list(bases)
        factors = [factor(self.last_epoch) for factor in self.lr_lambdas]
        set_rates(self.optimizer, [base * factor for base, factor in zip(bases, factors, strict=True)])


class _OnPlateau(ReduceLROnPlateau):
    def __init__(self, optimizer: torch.optim.Optimizer, plateau: Plateau) -> None:
        # torch lowers the rates once more than `patience` epochs were no better, Keras once it is as many.
        super().__init__(
            optimizer,
            factor=plateau.factor,
            patience=plateau.patience - 1,
            threshold=_BETTER_BY,
            threshold_mode="abs",
            min_lr=plateau.floor,
            eps=0.0,
        )

    def after_epoch(self, validation_loss: float) -> None:
        before = [float(group["lr"]) for group in self.optimizer.param_groups]
        self.step(validation_loss)
        pairs = zip(self.optimizer.param_groups, before, strict=True)
        set_rates(self.optimizer, [float(group["lr"]) if _is_scheduled(group) else rate for group, rate in pairs])

    def halve(self) -> None:
        set_rates(self.optimizer, [float(group["lr"]) / 2 for group in self.optimizer.param_groups])

    def state_dict(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in ("best", "num_bad_epochs", "last_epoch")}
        return {**plain, "rates": [float(group["lr"]) for group in self.optimizer.param_groups]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.best, self.num_bad_epochs = state["best"], state["num_bad_epochs"]
        self.last_epoch = state["last_epoch"]
        set_rates(self.optimizer, state["rates"])
