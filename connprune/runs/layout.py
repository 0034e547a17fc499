"""Which file of a run directory is called what."""

from pathlib import Path

# In a folder beside a cut what holds the rounds before it.
ROUNDS = "rounds.json"


class Layout:
    """The names in a run directory.

    Args:
        path: the directory.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.yaml"
        self.architecture_file = path / "architecture.yaml"
        self.summary_file = path / "summary.json"
        self.metrics = path / "metrics.jsonl"
        self.gates = path / "gates.safetensors"
        self.checkpoint = path / "checkpoint" / "latest.safetensors"
        self.previous_checkpoint = path / "checkpoint" / "previous.safetensors"
        self.environment = path / "environment.json"
        self.best = path / "best.safetensors"
        self.final = path / "final.safetensors"
        self.cut = path / "cut.json"
        self.comparison = path / "comparison.json"
        self.sweep = path / "sweep.json"
        self.parent = path / "parent.yaml"
        self.initial = path / "initial.safetensors"
        self.early = path / "early.safetensors"
        self.exports = path / "export"
        self.tensorboard = path / "tensorboard"
