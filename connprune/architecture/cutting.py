"""The cut: an architecture, the gates it ended with and a rule give a smaller architecture and a report."""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from connprune.architecture.advice import LeavesPath, gentle, instead, largest_safe
from connprune.architecture.aggregates import AGGREGATES
from connprune.architecture.allowed import allowed
from connprune.architecture.architecture import Architecture, Connection
from connprune.architecture.base import HEAD, Shape
from connprune.architecture.explain import explain
from connprune.architecture.gates import CostBudget
from connprune.architecture.liveness import Live, propagate
from connprune.architecture.merging import MergeOverride, Selection
from connprune.architecture.rules import Counts, FeatureMap, Rule, Scores, Unit, require_rule
from connprune.architecture.shapes import head_counts, mac_count, size_of
from connprune.architecture.strict_yaml import Document, shown
from connprune.architecture.unrolling import backward, schedule
from connprune.arguments import require
from connprune.documents.size import Size
from connprune.errors import ArgumentError, DisconnectedError, UsageError
from connprune.mistakes import Mistake

# For each gated connection its score, or one for each feature map that it carries.
GateValues = Mapping[Connection, float | Sequence[float]] | Mapping[str, float | Sequence[float]]

_UNFIT = "What this cut would leave does not fit together"


@dataclass(frozen=True)
class CutReport:
    """What a cut took away.

    Attributes:
        rule: the rule, in words.
        chosen: the connections, or feature maps of connections, that the rule chose.
        followed: whole connections that went because nothing reached them or nothing read them any more.
        removed_layers: layers that went.
        before: the size of the parent.
        after: the size of what is left.
    """

    rule: str
    chosen: tuple[Unit, ...]
    followed: tuple[Connection, ...]
    removed_layers: tuple[str, ...]
    before: Size
    after: Size


@dataclass(frozen=True)
class Cut:
    """The smaller architecture, still with its gates; what of the parent is left in it; and the report."""

    architecture: Architecture
    kept: Live
    report: CutReport


def cut(architecture: Architecture, gates: GateValues, rule: Rule) -> Cut:
    """Cuts by the magnitude of gates; see `cut_by_scores`.

    Args:
        architecture: the parent.
        gates: for every gated connection, by `Connection` or by its text `source->target`, its gate, or one for each
            feature map that it carries.
        rule: what to cut.

    Raises:
        UsageError: see `cut_by_scores`; or an argument is of another type.
        DisconnectedError: see `cut_by_scores`.
    """
    require("architecture", architecture, Architecture, "an Architecture")
    require("gates", gates, Mapping, "a mapping from connections to their gates")
    require_rule(rule)
    return cut_by_scores(architecture, _magnitudes(gates), rule)


def cut_by_scores(architecture: Architecture, scores_of_each: GateValues, rule: Rule) -> Cut:
    """Removes what the rule chooses, and all that no longer lies between the input and the head.

    The cut network computes what its parent computes with the gates of everything that was removed at zero, and, where
    merges take the maximum, without the removed connections. This holds where zeros stay zeros up to the weights that
    read them; a normalisation before these weights, a sigmoid and the bias of a depthwise layer make a constant of
    them, which the parent's next layer reads and the cut's does not. A merge keeps its height and width, even where
    its smallest input has gone.

    Args:
        architecture: the parent.
        scores_of_each: for every gated connection, by `Connection` or by its text `source->target`, its score, or one
            for each feature map that it carries: then feature maps are cut one by one.
        rule: what to cut.

    Raises:
        UsageError: the architecture has no gates, a connection lacks a score, the rule asks for too much, or a layer
            does not suit what is left of its input.
        DisconnectedError: no path from the input to the head would be left.
    """
    scores = _scores(architecture, scores_of_each)
    chosen = rule.chosen(scores, _Left(architecture))
    kept = propagate(architecture, _places(architecture, chosen))
    if kept is None:
        raise DisconnectedError(
            f"The cut ({rule}) would leave no path from the input to the head; nothing was written. "
            f"{instead(scores, _leaves_path(architecture))}"
        )
    return _cut(architecture, kept, str(rule), [unit for unit in scores if unit in chosen])


def _cut(architecture: Architecture, kept: Live, rule: str, chosen: Collection[Unit]) -> Cut:
    """The cut that leaves this."""
    smaller = _rebuilt(architecture, kept)
    removed = [connection for connection in architecture.all_connections if connection not in smaller.all_connections]
    report = CutReport(
        rule=rule,
        chosen=tuple(chosen),
        followed=tuple(connection for connection in removed if connection not in chosen),
        removed_layers=tuple(layer.name for layer in architecture.layers if layer.name not in kept.connections),
        before=size_of(architecture),
        after=size_of(smaller),
    )
    return Cut(smaller, kept, report)


def cut_connections(architecture: Architecture, scores: Scores, rule: Rule) -> Architecture:
    """What a cut by scores leaves, of an architecture whose connections need no gates.

    Args:
        architecture: the parent.
        scores: of the connections, or feature maps of them, that can be cut.
        rule: what to cut.

    Raises:
        UsageError: the rule asks for something that there is not, or a layer does not suit what is left of its input.
        DisconnectedError: no path from the input to the head would be left.
    """
    chosen = rule.chosen(scores, _Left(architecture))
    kept = propagate(architecture, _places(architecture, chosen))
    if kept is None:
        raise DisconnectedError(f"The cut ({rule}) would leave no path from the input to the head.")
    return _rebuilt(architecture, kept)


def restricted(architecture: Architecture, wiring: Mapping[str, Collection[str]]) -> Architecture:
    """An architecture with only these of its connections, by the same rules as a cut that leaves them.

    Args:
        architecture: the parent.
        wiring: for each target that stays, the sources that it reads.

    Raises:
        UsageError: the parent lacks one of the connections, some of them lead nowhere, or a layer does not suit what is
            left of its input.
    """
    wanted = [Connection(source, target) for target, sources in wiring.items() for source in sources]
    lacking = next((connection for connection in wanted if connection not in architecture.all_connections), None)
    if lacking:
        raise UsageError(f"The connection {lacking} is not one of the parent's.")
    removed = frozenset(architecture.all_connections) - frozenset(wanted)
    kept = propagate(architecture, _places(architecture, removed))
    if kept is None:
        raise UsageError("This wiring has no path from the input to the head.")
    found = _rebuilt(architecture, kept)
    lost = next((connection for connection in wanted if connection not in found.all_connections), None)
    if lost:
        raise UsageError(f"The connection {lost} lies on no path from the input to the head in this wiring.")
    return found


def macs_of_each(architecture: Architecture) -> list[int]:
    """The MACs that each gated connection brings: by how much they fall when it alone is cut."""
    whole = mac_count(architecture)
    brought = []
    for connection in architecture.gated_connections:
        kept = propagate(architecture, _places(architecture, frozenset({connection})))
        brought.append(whole - (_counts(architecture, kept).macs if kept else 0))
    return brought


def safe_threshold(architecture: Architecture, scores_of_each: GateValues) -> float:
    """The largest threshold on scores that still leaves a path from the input to the head; infinity if all do."""
    return largest_safe(_scores(architecture, scores_of_each), _leaves_path(architecture))


def gentle_cut(architecture: Architecture, scores_of_each: GateValues) -> str:
    """Which rules would cut about a quarter of the scores and leave a path from the input to the head: a sentence."""
    return gentle(_scores(architecture, scores_of_each), _leaves_path(architecture))


def telling_thresholds(architecture: Architecture, scores_of_each: GateValues, count: int) -> list[float]:
    """Thresholds on scores that leave different cuts: 0 and some of the scores, evenly chosen in their order.

    Args:
        architecture: the parent.
        scores_of_each: as `cut_by_scores` takes them.
        count: at most so many, at least two.

    Returns:
        In rising order; the last is the largest that still leaves a path from the input to the head.
    """
    scores = _scores(architecture, scores_of_each)
    safe = largest_safe(scores, _leaves_path(architecture))
    marks = sorted({0.0, *(score for score in scores.values() if 0 < score <= safe)})
    return list(dict.fromkeys(marks[round(number * (len(marks) - 1) / (count - 1))] for number in range(count)))


def _magnitudes(gates: GateValues) -> dict[str, float | Sequence[float]]:
    return {str(connection): _magnitude(str(connection), gate) for connection, gate in gates.items()}


def _magnitude(connection: str, gate: float | Sequence[float]) -> float | list[float]:
    try:
        is_list = isinstance(gate, Sequence) and not isinstance(gate, str | bytes)
        values = [abs(float(value)) for value in (gate if is_list else (gate,))]  # type: ignore[union-attr, arg-type]
    except (TypeError, ValueError, OverflowError, RuntimeError):
        expected = "a number, or a list of one for each feature map that the connection carries"
        raise ArgumentError(Mistake(key=f"gates[{shown(connection)!r}]", expected=expected)) from None
    for value in values:
        if math.isnan(value):
            raise ArgumentError(Mistake(key=f"gates[{shown(connection)!r}]", found="nan", expected="a number"))
    return values if is_list else values[0]


def _leaves_path(architecture: Architecture) -> LeavesPath:
    """`propagate` decides, since feature maps have paths of their own."""
    return lambda removed: propagate(architecture, _places(architecture, removed)) is not None


def _scores(architecture: Architecture, gates: GateValues) -> dict[Unit, float]:
    if not architecture.gated_connections:
        raise UsageError("This architecture has no gates, so there is nothing to cut by.")
    by_text = {str(connection): value for connection, value in gates.items()}
    missing = [str(connection) for connection in architecture.gated_connections if str(connection) not in by_text]
    if missing:
        raise UsageError(f"The gates lack {len(missing)} of the connections, the first is {missing[0]}.")
    scores: dict[Unit, float] = {}
    for connection in architecture.gated_connections:
        value = by_text[str(connection)]
        if not isinstance(value, Sequence):
            scores[connection] = float(value)
            continue
        maps = architecture.read[connection].maps
        if len(value) != maps:
            raise UsageError(f"{connection} carries {maps} feature maps, but has {len(value)} gates.")
        for number, gate in enumerate(value):
            scores[FeatureMap(*connection, number)] = float(gate)
    return scores


def _places(architecture: Architecture, removed: frozenset[Unit]) -> dict[Connection, frozenset[int]]:
    """For each connection, the places of its feature maps that are removed."""
    numbers: dict[Connection, set[int]] = {}
    for unit in removed:
        connection = Connection(unit.source, unit.target)
        here = numbers.setdefault(connection, set())
        if isinstance(unit, FeatureMap):
            here.add(unit.number)
        else:
            here.update(range(architecture.read[connection].maps))
    return {connection: frozenset(found) for connection, found in numbers.items()}


@dataclass(frozen=True)
class _Left:
    """What is left of an architecture once units are removed."""

    architecture: Architecture

    def __call__(self, removed: frozenset[Unit], /) -> Counts | None:
        kept = propagate(self.architecture, _places(self.architecture, removed))
        return _counts(self.architecture, kept) if kept else None

    def network(self, removed: frozenset[Unit], /) -> Cut:
        kept = propagate(self.architecture, _places(self.architecture, removed))
        if kept is None:
            raise DisconnectedError("This would leave no path from the input to the head.")
        return _cut(self.architecture, kept, "on trial", removed)


def _counts(architecture: Architecture, kept: Live) -> Counts:
    """What the network that is left costs; a rule asks for many, so the smaller architecture is not made for it."""
    parameters = macs = 0
    live = {target: tuple(sources) for target, sources in kept.connections.items()}
    passes = Counter(schedule(live, architecture.unroll))
    for target, sources in kept.connections.items():
        merged = Shape(len(kept.merged[target]), *architecture.shapes.merged[target].size)
        brought = sum(map(len, sources.values()))
        gates = architecture.gates
        if gates is not None and target not in (gates.ungated or ()):
            parameters += brought if gates.sharing == "per-feature-map" else len(sources)
        aggregate = architecture.aggregate[target]
        parameters += aggregate.parameters(brought, merged)
        merging = aggregate.macs(brought, merged)
        if target == HEAD:
            own = head_counts(architecture, merged)
        else:
            layer = architecture.layer[target].with_feature_maps(len(kept.output[target]))
            own = layer.parameters(merged), layer.macs(merged)
        parameters, macs = parameters + own[0], macs + (own[1] + merging) * passes[target]
    return Counts(parameters, macs)


def _rebuilt(architecture: Architecture, kept: Live) -> Architecture:
    """What is left, as an architecture of its own.

    Raises:
        UsageError: a layer does not suit what is left of its input.
    """
    live = {target: tuple(sources) for target, sources in kept.connections.items()}
    selections = {
        target: {
            source: selection for source in sources if (selection := _selection(architecture, kept, target, source))
        }
        for target, sources in live.items()
    }
    layers = tuple(
        layer.with_feature_maps(len(kept.output[layer.name])) for layer in architecture.layers if layer.name in live
    )
    gates = architecture.gates
    if gates is not None:
        changes: dict[str, object] = {"ungated": tuple(name for name in gates.ungated or () if name in live)}
        if gates.budget is not None:
            # A percentage is of the network that was searched, not of what a cut left of it.
            changes["budget"] = CostBudget(**allowed(architecture))
        gates = gates.model_copy(update=changes).of_a_cut()
    try:
        smaller = architecture.replace(
            layers=layers,
            unroll=architecture.unroll if backward(live) else 1,
            connections=live,
            merges=_merges(architecture, kept),
            selections={target: sources for target, sources in selections.items() if sources},
            gates=gates,
        )
    except ValidationError as error:
        raise UsageError(f"{_UNFIT}: {explain(error, Architecture, Document({}))[0]}") from None
    for name, maps in kept.output.items():
        given = smaller.shapes.output[name].feature_maps
        if given != len(maps):
            raise UsageError(f"{_UNFIT}: {name!r} is to give {len(maps)} feature maps, but would give {given}.")
    return smaller


def _selection(architecture: Architecture, kept: Live, target: str, source: str) -> Selection | None:
    """What a connection of the cut carries, in the numbers of the cut; None if that is all of its source in order."""
    numbers = kept.connections[target][source]
    read = architecture.read[Connection(source, target)]
    take = tuple(kept.output[source].index(read.take[number]) for number in numbers)
    in_order = tuple(range(len(kept.output[source])))
    at = None
    if not architecture.aggregate[target].stacks:
        at = tuple(kept.merged[target].index(read.at[number]) for number in numbers)
    if take == in_order and at in (None, in_order):
        # Around a cycle of layers that give as many as they read, several numbers agree; so these are stated.
        return Selection(take=take) if _leaves_width_open(architecture, read.connection) else None
    return Selection(take=take, at=at)


def _leaves_width_open(architecture: Architecture, connection: Connection) -> bool:
    """Whether how many feature maps a connection brings depends on what is computed after its target."""
    if connection not in architecture.backward_connections:
        return False
    return getattr(architecture.layer[connection.source], "feature_maps", None) is None


def _merges(architecture: Architecture, kept: Live) -> dict[str, MergeOverride]:
    """The parent's overrides, and new ones where a merge would otherwise change what it does to what is left."""
    merges: dict[str, MergeOverride] = {}
    for target, sources in kept.connections.items():
        merge, merged = architecture.merge_of(target), architecture.shapes.merged[target]
        changes: dict[str, object] = {}
        of_this_pass = [name for name in architecture.forward_sources(target) if name in sources]
        if merge.merged_size([architecture.shapes.output[source] for source in of_this_pass]) != merged.size:
            changes["size"] = merged.size
        before, left = [read.maps for read in architecture.reads[target]], list(map(len, sources.values()))
        changes |= architecture.aggregate[target].after_cut(before, left, len(kept.merged[target]))
        if AGGREGATES[architecture.merge.aggregate].mixes and not merges:
            # Without a word the first layer would do without its merge.
            changes["aggregate"] = merge.aggregate
        if changes or target in architecture.merges:
            merges[target] = architecture.merges.get(target, MergeOverride()).model_copy(update=changes)
    return merges
