"""An architecture as a torch module: gates, merges, layers, and the one builder for full and cut networks."""

from connprune.network.network import Network, build

__all__ = ["Network", "build"]
