"""Parts for torch modules of one's own: what makes one tensor of several, with a learned gate for each.

They stand where `torch.cat` and `+` would, and learn in any loop, as `connprune.wire` describes.
"""

from connprune.wiring.gated import GatedConcat, GatedSum

__all__ = ["GatedConcat", "GatedSum"]
