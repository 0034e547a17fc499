"""Random streams that depend on nothing but the seed and what they are for."""

import hashlib

import torch


def stream_seed(seed: int, *purpose: str | int) -> int:
    """A seed of its own for each purpose, from 0 to 2**63 - 1."""
    text = "/".join(str(part) for part in (seed, *purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) >> 1


def stream(seed: int, *purpose: str | int, device: torch.device | None = None) -> torch.Generator:
    """A generator for one purpose: `stream(1337, "epoch", 3)` gives the same numbers whatever else was drawn."""
    generator = torch.Generator(device or "cpu")
    generator.manual_seed(stream_seed(seed, *purpose))
    return generator
