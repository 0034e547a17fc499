"""A plug-in with optimizers: one that remembers all that a checkpoint can hold, and one that more."""

from typing import Any, Literal

import torch

from connprune.architecture.base import Fraction
from connprune.training.recipe import Optimizer


class Remembering(Optimizer):
    """Momentum that counts its steps by parameter and in its groups, and adds up in double precision."""

    kind: Literal["remembering"]
    momentum: Fraction = 0.5

    implementation = "tests.training.optimizers:Counting"


class Secretive(Optimizer):
    """One that remembers what no file can hold."""

    kind: Literal["secretive"]

    implementation = "tests.training.optimizers:WithASet"


class Counting(torch.optim.Optimizer):
    def __init__(self, params: Any, lr: float, momentum: float) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "calls": 0})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            group["calls"] += 1
            for parameter in group["params"]:
                state = self.state[parameter]
                if not state:
                    state.update(steps=0, sum=torch.zeros_like(parameter, dtype=torch.float64), recent=[], last=None)
                state["sum"].mul_(group["momentum"]).add_(parameter.grad)
                state["steps"] += 1
                state["recent"] = [*state["recent"], parameter.grad.norm().item()][-2:]
                factor = group["lr"] / (1 + 0.01 * (group["calls"] + state["steps"]) + sum(state["recent"]))
                parameter.sub_((factor * state["sum"]).to(parameter.dtype))


class WithASet(Counting):
    def __init__(self, params: Any, lr: float) -> None:
        super().__init__(params, lr, 0.0)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        super().step()
        for group in self.param_groups:
            for parameter in group["params"]:
                self.state[parameter]["seen"] = {1}


def nothing(groups: Any, lr: float) -> None:
    """No optimizer."""
