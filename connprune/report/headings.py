"""What counts are called in tables, figures and the page, by their keys."""

SIZE = {
    "connections": "connections",
    "feature_maps": "feature maps",
    "layers": "layers",
    "parameters": "parameters",
    "macs": "MACs",
}
# What networks of a comparison are set against; the first is shown first.
COSTS = {"macs": "MACs per image", "parameters": "parameters", "connections": "connections"}
