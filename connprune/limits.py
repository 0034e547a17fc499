"""How much a file may ask for. What goes beyond a limit is refused before any memory is taken for it.

A user raises a limit by an environment variable: a key would let the file that a limit guards against lift it, and the
workers of an experiment inherit variables.
"""

import os
from typing import NamedTuple

from connprune.errors import UsageError


class Limit(NamedTuple):
    """The most of something that is taken from a file.

    Attributes:
        default: how much, where the user says nothing.
        variable: the environment variable that says otherwise.
        unit: what is counted, in words.
    """

    default: int
    variable: str
    unit: str

    @property
    def most(self) -> int:
        """How much is allowed.

        Raises:
            UsageError: the variable holds no whole number from 1 upwards.
        """
        text = os.environ.get(self.variable)
        if not text:
            return self.default
        if not (text.isdecimal() and len(text) <= 18 and int(text)):
            raise UsageError(f"{self.variable}: found {text!r}, expected a whole number of 1 to 18 digits.")
        return int(text)

    def __str__(self) -> str:
        return f"more than {self.most:,} {self.unit}; {self.variable} sets this limit"


TEXT = Limit(64 * 2**20, "CONNPRUNE_MAX_TEXT", "characters")
# Some hundred megabytes as Python's objects.
JSON_VALUES = Limit(2_000_000, "CONNPRUNE_MAX_JSON_VALUES", "values in JSON")
YAML_TEXT = Limit(4 * 2**20, "CONNPRUNE_MAX_YAML_TEXT", "characters")
# About five seconds of work.
YAML_VALUES = Limit(200_000, "CONNPRUNE_MAX_YAML_VALUES", "values, each alias counted as what it stands for")
LAYERS = Limit(1_000, "CONNPRUNE_MAX_LAYERS", "layers")
CONNECTIONS = Limit(100_000, "CONNPRUNE_MAX_CONNECTIONS", "connections")
# 8 GB of weights, and 32 GB in training with their gradients and Adam's two moments.
PARAMETERS = Limit(2 * 10**9, "CONNPRUNE_MAX_PARAMETERS", "parameters")
# 8 GB for a batch of one.
ACTIVATIONS = Limit(2 * 10**9, "CONNPRUNE_MAX_ACTIVATIONS", "activations for one image")
# More are more likely a slip than a wish.
TRAININGS = Limit(10_000, "CONNPRUNE_MAX_TRAININGS", "trainings in an experiment")
