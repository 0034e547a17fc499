"""The connectivity as plain, frozen, validated data. Nothing in this package imports torch.

Read in this order: `layers`, `gate_kinds`, `gates`, `architecture`, `merging`, `aggregates`, `shapes`, `rules`,
`reads`, `liveness`, `cutting`.
"""

from connprune.architecture.aggregates import Aggregate
from connprune.architecture.architecture import Architecture, Blueprint, Connection
from connprune.architecture.base import Shape
from connprune.architecture.cutting import Cut, CutReport, cut
from connprune.architecture.layers import Layer, LayerShapeError, register
from connprune.architecture.measured import Latency, MaxDrop
from connprune.architecture.rules import (
    Budget,
    FeatureMap,
    Keep,
    KeepPerLayer,
    Rule,
    Share,
    Sparsity,
    Threshold,
    WholeLayers,
)

__all__ = [
    "Aggregate",
    "Architecture",
    "Blueprint",
    "Budget",
    "Connection",
    "Cut",
    "CutReport",
    "FeatureMap",
    "Keep",
    "KeepPerLayer",
    "Latency",
    "Layer",
    "LayerShapeError",
    "MaxDrop",
    "Rule",
    "Shape",
    "Share",
    "Sparsity",
    "Threshold",
    "WholeLayers",
    "cut",
    "register",
]
