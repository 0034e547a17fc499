"""What an optimizer remembers, as a checkpoint holds it: tensors by the names of their parameters, and plain values."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from connprune.errors import ConnpruneError

# What the groups have anew when a training goes on: the schedule sets the rates.
_SET_ANEW = frozenset({"params", "lr", "initial_lr"})


class OptimizerState:
    """The state of an optimizer, and what it has changed in its parameter groups since this was made.

    Args:
        network: whose parameters it has.
        optimizer: of the interface of torch's; all that it remembers is in its `state`, by parameter, and its groups.
    """

    def __init__(self, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        self._optimizer = optimizer
        names = {id(parameter): name for name, parameter in network.named_parameters()}
        # The parameters in the order in which the optimizer numbers them.
        self._parameters = {
            names[id(parameter)]: parameter for group in optimizer.param_groups for parameter in group["params"]
        }
        self._first = [_settings(group) for group in optimizer.param_groups]

    def save(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Tensors and plain values, each by the name of its parameter, or the number of its group, and its own.

        Raises:
            ConnpruneError: the optimizer remembers something else.
        """
        owned: list[tuple[str, str, Any]] = []
        for name, parameter in self._parameters.items():
            owned += [(name, key, value) for key, value in self._optimizer.state.get(parameter, {}).items()]
        for number, (group, first) in enumerate(zip(self._optimizer.param_groups, self._first, strict=True)):
            owned += [
                (str(number), key, value)
                for key, value in _settings(group).items()
                if isinstance(value, Tensor) or key not in first or first[key] != value
            ]
        tensors: dict[str, Tensor] = {}
        plain: dict[str, Any] = {}
        for owner, key, value in owned:
            if "." in key or not (isinstance(value, Tensor) or _is_plain(value)):
                raise ConnpruneError(
                    f"training.optimizer: {type(self._optimizer).__name__} remembers {key!r}, of {type(value)}, "
                    "which no checkpoint can hold; expected tensors, numbers, text, and lists of them, by names "
                    "without a dot."
                )
            if isinstance(value, Tensor):
                tensors[f"{owner}.{key}"] = value
            else:
                plain[f"{owner}.{key}"] = value
        return tensors, plain

    def restore(self, tensors: Mapping[str, Tensor], plain: Mapping[str, Any]) -> None:
        """Takes back what `save` gave.

        Raises:
            ValueError: it belongs to another optimizer.
        """
        names = list(self._parameters)
        groups = [
            {**group, **deepcopy(first)}
            for group, first in zip(self._optimizer.state_dict()["param_groups"], self._first, strict=True)
        ]
        state: dict[int, dict[str, Any]] = {}
        for name, value in {**tensors, **plain}.items():
            owner, _, key = name.rpartition(".")
            if owner.isdecimal():
                groups[int(owner)][key] = value
            else:
                state.setdefault(names.index(owner), {})[key] = value
        self._optimizer.load_state_dict({"state": state, "param_groups": groups})
        for parameter, values in zip(self._parameters.values(), map(state.get, range(len(names))), strict=True):
            for key, value in (values or {}).items():
                restored = self._optimizer.state[parameter][key]
                # torch gives it the type of the parameter, which rounds what the optimizer keeps in another.
                if isinstance(value, Tensor) and restored.dtype != value.dtype:
                    self._optimizer.state[parameter][key] = value.to(restored.device)


def _settings(group: Mapping[str, Any]) -> dict[str, Any]:
    return {key: deepcopy(value) for key, value in group.items() if key not in _SET_ANEW}


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | float | str)
