"""Tables as plain, aligned text."""

from collections.abc import Sequence

from connprune.architecture.advice import rounded_down
from connprune.architecture.gates import Gates
from connprune.architecture.rules import Rule, Threshold, milliseconds
from connprune.documents.cut import CutDocument, ThresholdRow
from connprune.documents.inspection import ConnectionGate, Target
from connprune.documents.run import ClassResults
from connprune.documents.size import Size
from connprune.report.aligned import aligned
from connprune.report.headings import SIZE

_CLASSES_SHOWN = 20
_SIZE = tuple(SIZE.values())


def connections_table(gates: Sequence[ConnectionGate]) -> str:
    """Every connection, its gate, and its share of what the target merges; of backward ones it says so."""
    header = ["source", "target", "gate", "start", "smallest", "largest", "share"]
    rows = [
        [
            f"{row.source} (backward)" if row.backward else row.source,
            row.target,
            *map(_gate, (row.gate, row.start, row.smallest, row.largest)),
            f"{row.share:.1%}",
        ]
        for row in gates
    ]
    return aligned(header, rows, left=2)


def targets_table(targets: Sequence[Target]) -> str:
    """What each layer and the head read and give; of an unrolled network also in how many passes."""
    is_unrolled = any(each.passes > 1 for each in targets)
    header = ["target", "kind", "sources", "reads", "gives", "parameters", "MACs", *["passes"] * is_unrolled]
    rows = [
        [
            each.target,
            each.kind,
            str(len(each.sources)),
            each.reads,
            each.gives,
            f"{each.parameters:,}",
            f"{each.macs:,}",
            *[str(each.passes)] * is_unrolled,
        ]
        for each in targets
    ]
    return aligned(header, rows, left=2)


def cut_table(document: CutDocument) -> str:
    """Parent and cut side by side, and what went."""
    rows = [
        [name, *_size(network), f"{network.validation_accuracy:.2%}", f"{network.test_accuracy:.2%}"]
        for name, network in (("parent", document.before), ("cut", document.after))
    ]
    units = "connections" if document.granularity == "connection" else "feature maps of connections"
    went = [f"layers removed: {', '.join(document.removed_layers)}"] if document.removed_layers else []
    went.append(f"{document.rule} by {document.by}: {len(document.chosen)} {units} cut")
    if document.followed:
        went.append(f"{len(document.followed)} more with nothing to read or nobody to read them")
    if document.latency:
        before, after = (document.latency.before_seconds, document.latency.after_seconds)
        of = f"batch {document.latency.batch} on {document.latency.device}"
        went.append(f"a forward pass takes {milliseconds(after)}, the parent's {milliseconds(before)} ({of})")
    return f"{aligned(['network', *_SIZE, 'validation', 'test'], rows)}\n{'; '.join(went)}"


def sweep_table(rows: Sequence[ThresholdRow]) -> str:
    """What each threshold would leave."""
    lines = [[rounded_down(row.threshold), *_size(row), f"{row.validation_accuracy:.2%}"] for row in rows]
    return aligned(["threshold", *_SIZE, "validation"], lines, left=0)


def _size(network: Size) -> list[str]:
    return [f"{getattr(network, key):,}" for key in SIZE]


def class_table(rows: Sequence[ClassResults]) -> str:
    """How many images each class has, and the accuracy on its test images; of many classes those that do worst."""
    shown = list(rows)
    if len(shown) > _CLASSES_SHOWN:
        known = [(row.test_accuracy, row) for row in rows if row.test_accuracy is not None]
        shown = [row for _, row in sorted(known, key=lambda pair: pair[0])[:_CLASSES_SHOWN]]
    cells = [
        [
            row.name,
            f"{row.train:,}",
            f"{row.validation:,}",
            f"{row.test:,}",
            "–" if row.test_accuracy is None else f"{row.test_accuracy:.2%}",
        ]
        for row in shown
    ]
    table = aligned(["class", "train", "validation", "test", "test accuracy"], cells)
    left = len(rows) - len(shown)
    return f"{table}\n{left:,} more classes did as well or better" if left else table


def where_scores_lie(scores: Sequence[float], by: str, rule: Rule, gates: Gates | None, advice: str) -> str:
    """What to say when a rule cuts nothing.

    Args:
        scores: by which it cut.
        by: what they are called.
        rule: the rule.
        gates: with which the network was trained.
        advice: which rules would cut some, a sentence.
    """
    ranked = sorted(scores)
    half = ranked[len(ranked) // 2]
    text = (
        f"This rule cuts nothing ({rule}): by {by}, the {len(ranked)} scores lie between {ranked[0]:.4g} and "
        f"{ranked[-1]:.4g}, half of them below {half:.4g}. The cut is its parent unchanged. {advice}"
    )
    # Gates that ended at zero need no more of what brings them there.
    is_penalised = isinstance(rule, Threshold) and by == "gate" and ranked[0] > 0
    return f"{text} {_penalty(gates)}" if is_penalised else text


def _penalty(gates: Gates | None) -> str:
    """What would make gates end near zero."""
    if gates is None or not gates.penalty:
        return "To make gates end near zero, train with a penalty: gates.penalty=0.001 and gates.rate=0.03."
    share = gates.penalty_warmup
    part = f"{share:.0%} of the" if isinstance(share, float) else share
    warmup = f", of which the first {part} epochs have less" if share else ""
    now = f"gates.penalty={gates.penalty:g}{warmup}"
    return f"Gates end nearer to zero after more epochs, or with a larger penalty than {now}."


def _gate(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
