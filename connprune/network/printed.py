"""Modules that `print` shows on one line each."""

from torch import nn


class Printed(nn.Module):
    """A module that says in one line what it is; what it is made of is its own affair.

    Attributes:
        summary: the line.
    """

    summary: str = ""

    def extra_repr(self) -> str:
        return self.summary

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.extra_repr()})"
