"""How a wired module, or what was cut from one, came to be: enough to make it again from the module that it was."""

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Self

from torch import fx

from connprune.architecture.architecture import Connection
from connprune.architecture.gates import Constant
from connprune.errors import ArgumentError
from connprune.mistakes import Mistake
from connprune.wiring.parts import WiredGates

# The name of it in `GraphModule.meta` of a module without gates.
ORIGIN = "connprune.origin"


@dataclass(frozen=True)
class Origin:
    """How it came to be.

    Attributes:
        kind: as `wire` takes it.
        start: likewise.
        penalty: likewise.
        penalise: likewise.
        ungated: likewise.
        removed: the connections that were cut, `source->target`; None of a module that has its gates.
    """

    kind: str
    start: float
    penalty: float
    penalise: str | None
    ungated: tuple[str, ...]
    removed: tuple[str, ...] | None

    @classmethod
    def of(cls, gates: WiredGates, removed: Collection[Connection] | None = None) -> Self:
        """That of a module with these gates, or of what a cut left of it."""
        settings = gates.settings
        start = settings.initialisation.value if isinstance(settings.initialisation, Constant) else 0.0
        names = None if removed is None else tuple(map(str, removed))
        return cls(settings.kind, start, settings.penalty, settings.penalise, gates.ungated, names)

    @classmethod
    def read(cls, graph_module: fx.GraphModule) -> Self:
        """That of a module.

        Raises:
            ArgumentError: it is neither wired nor cut from a wired one.
        """
        gates = next((part for part in graph_module.modules() if isinstance(part, WiredGates)), None)
        found = graph_module.meta.get(ORIGIN) if gates is None else cls.of(gates)
        if not isinstance(found, cls):
            expected = "what connprune.wire or connprune.shrink gave"
            raise ArgumentError(Mistake(key="module", found=type(graph_module).__name__, expected=expected))
        return found

    @classmethod
    def from_text(cls, text: str) -> Self:
        """What `text` gave.

        Raises:
            ValueError: it is something else.
        """
        try:
            data = json.loads(text)
            listed = {key: None if data[key] is None else tuple(data[key]) for key in ("ungated", "removed")}
            return cls(**{**data, **listed})
        except (TypeError, KeyError) as error:
            raise ValueError(str(error)) from error

    def text(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self))
