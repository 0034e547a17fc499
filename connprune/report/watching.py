"""A training under way as a picture for a terminal."""

from collections.abc import Sequence

import numpy as np
from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from connprune.architecture.base import CLOSED
from connprune.printable import printable
from connprune.runs.following import Moment
from connprune.runs.gate_history import FloatArray, GateHistory

_LEVELS = "▁▂▃▄▅▆▇█"
# Epochs that a gate's line shows, the last ones.
_LINE = 10
# Lines that are not gates.
_AROUND = 9


def picture(moment: Moment, width: int, height: int) -> RenderableType:
    """Where a run stands, in at most `height` lines of `width` characters."""
    parts: list[RenderableType] = [
        Text(f"{moment.state}: {printable(str(moment.run.path))}", overflow="ellipsis", no_wrap=True)
    ]
    done, epochs = len(moment.metrics), moment.epochs
    if epochs is not None:
        bar = Table.grid(padding=(0, 1))
        left = moment.seconds_left
        rest = "" if left is None or moment.has_ended else f"{duration(left)} left"
        bar.add_row(f"epoch {done}/{epochs}", ProgressBar(epochs, done, width=max(10, width - 36)), rest)
        parts.append(bar)
    if moment.metrics:
        parts += _numbers(moment)
    if moment.gates:
        parts += _gates(moment.gates, width, max(1, height - _AROUND))
    return Group(*parts)


def duration(seconds: float) -> str:
    """A time in its two largest units: `45 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def spark(values: Sequence[float] | FloatArray, highest: float = 1.0) -> str:
    """A character for each value from 0 to `highest`, in eight heights."""
    shares = np.clip(np.abs(np.asarray(values, dtype=float)) / highest, 0, 1)
    return "".join(_LEVELS[round(share * (len(_LEVELS) - 1))] for share in shares.tolist())


def _numbers(moment: Moment) -> list[RenderableType]:
    last = moment.metrics[-1]
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for title in ("", "loss", "accuracy"):
        table.add_column(title, justify="right" if title else "left")
    table.add_row("train", f"{last.train_loss:.4f}", f"{last.train_accuracy:.2%}")
    table.add_row("validation", f"{last.validation_loss:.4f}", f"{last.validation_accuracy:.2%}")
    more = [f"learning rate {last.rate:.2g}"]
    if last.gate_rate is not None and last.penalty is not None:
        more.append(f"of the gates {last.gate_rate:.2g}, λ {last.penalty:.2g}")
    return [table, Text(", ".join(more))]


def _gates(gates: GateHistory, width: int, lines: int) -> list[RenderableType]:
    """A cell for each connection; of more than there is room for, those that moved most lately."""
    values = gates.by_connection()
    names = [f"{connection.source}→{connection.target}" for connection in gates.connections]
    widest = max(map(len, names))
    fitting = max(1, width // (widest + _LINE + 9)) * lines
    closed = int((np.abs(values[-1]) < CLOSED).sum())
    title = f"{len(names) - closed} gates open, {closed} closed"
    shown = list(range(len(names)))
    if len(names) > fitting:
        moved = np.ptp(values[-_LINE:], axis=0)
        shown = sorted(np.argsort(-moved, kind="stable")[:fitting].tolist())
        title += f"; the {fitting} that moved most:"
    highest = max(1.0, float(np.abs(values[:, shown]).max()))
    cells = [
        Text.assemble(
            (names[number].ljust(widest), "dim" if abs(values[-1, number]) < CLOSED else ""),
            f" {spark(values[-_LINE:, number], highest):>{_LINE}} {values[-1, number]:6.3f}",
        )
        for number in shown
    ]
    return [Text(""), Text(title), Columns(cells, padding=(0, 1))]
