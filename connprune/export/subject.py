"""What is exported: a finished run, and what travels with its network wherever it goes."""

import json
from dataclasses import dataclass
from functools import cached_property

import connprune
from connprune.architecture.architecture import Architecture
from connprune.architecture.files import to_yaml
from connprune.documents.export import Preprocessing
from connprune.documents.run import EpochResults
from connprune.documents.size import Evaluated
from connprune.errors import UsageError
from connprune.runs.cut import read_cut
from connprune.runs.directory import RunDirectory
from connprune.training.configuration import Configuration, read_configuration
from connprune.training.redaction import gates_without_paths, without_paths

# What the input and the output of an exported graph are called.
INPUT_NAME, OUTPUT_NAME = "images", "scores"
# Images are what decoders give. A runtime refuses another type, so nobody feeds values from 0 to 1 unnoticed.
PIXELS = "uint8"
_COLOURS = {1: "grey", 3: "RGB"}


@dataclass(frozen=True)
class Subject:
    """A finished run and what is known of it.

    Attributes:
        run: the run.
        architecture: its network's.
        configuration: what it was made with.
        classes: their names, by number.
        results: of a training those after the last epoch.
        rule: of a cut, what was cut and by what, in words; else None.
    """

    run: RunDirectory
    architecture: Architecture
    configuration: Configuration
    classes: tuple[str, ...]
    results: Evaluated | EpochResults
    rule: str | None

    @classmethod
    def of(cls, run: RunDirectory, redact: bool = True) -> "Subject":
        """Reads a run.

        Args:
            run: a finished run.
            redact: whether the folders of images and runs are called by their last part instead of their paths.

        Raises:
            UsageError: it has not ended, or its files are damaged.
        """
        run.require_finished()
        summary, architecture = run.summary, run.architecture()
        cut = read_cut(run) if run.kind == "cut" else None
        results = cut.after if cut else summary.final
        if results is None or summary.classes is None:
            raise UsageError(f"{run.path}: this run is damaged: its accuracies or its classes are missing.")
        rule = f"{cut.rule} by {cut.by}" if cut else None
        configuration = read_configuration(run)
        if redact:
            configuration = without_paths(configuration)
            architecture = architecture.replace(gates=gates_without_paths(architecture.gates))
        return cls(run, architecture, configuration, summary.classes, results, rule)

    @property
    def task(self) -> str:
        """What the network is for."""
        return "sequence-classification" if self.configuration.data.as_sequence else "image-classification"

    @property
    def input_type(self) -> str:
        """The type of the values that the network takes: those that it was trained on."""
        return self.run.summary.values or PIXELS

    @property
    def preprocessing(self) -> Preprocessing:
        """What has to happen to an image before the network reads it."""
        given, data = self.architecture.input, self.configuration.data
        return Preprocessing(
            type=self.input_type,
            values=(0, 255) if self.input_type == PIXELS else None,
            shape=(given.feature_maps, given.height, given.width),
            channels=None if data.as_sequence else _COLOURS.get(given.feature_maps),
            resize=data.size,
            rows_become_steps=data.as_sequence,
        )

    @cached_property
    def weights_digest(self) -> str:
        """SHA-256 of the run's final weights."""
        return self.run.digest()

    def metadata(self) -> dict[str, str]:
        """What is written into the file, as text by key; the values of `classes` and `preprocessing` are JSON."""
        return {
            "connprune": connprune.__version__,
            "task": self.task,
            "classes": json.dumps(self.classes),
            "preprocessing": json.dumps(self.preprocessing.plain()),
            "architecture": to_yaml(self.architecture),
            "weights_sha256": self.weights_digest,
        }
