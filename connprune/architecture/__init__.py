"""The connectivity as plain, frozen, validated data. Nothing in this package imports torch.

Read in this order: `layers`, `gates`, `architecture`, `shapes`, `cutting`.
"""

from connprune.architecture.architecture import Architecture, Blueprint, Connection
from connprune.architecture.cutting import Cut, CutReport, Keep, Rule, Sparsity, Threshold, cut

__all__ = [
    "Architecture",
    "Blueprint",
    "Connection",
    "Cut",
    "CutReport",
    "Keep",
    "Rule",
    "Sparsity",
    "Threshold",
    "cut",
]
