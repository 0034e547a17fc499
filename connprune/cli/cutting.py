"""How a run is cut: what the rule options say, and the cut itself with what is told of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connprune.cli.output import Output
from connprune.cli.session import load_images

if TYPE_CHECKING:
    from connprune.architecture.gates import Gates
    from connprune.architecture.rules import Rule
    from connprune.data.images import Dataset
    from connprune.runs.directory import RunDirectory
    from connprune.training.configuration import Configuration
    from connprune.training.limited import Limited
    from connprune.training.pruning import Examined, Granularity, Pruned

RULE_OPTIONS = ("--threshold", "--keep", "--sparsity", "--keep-per-layer")
LIMIT_OPTIONS = ("--max-params", "--max-macs", "--max-latency", "--max-drop")


def rule_of(
    threshold: float | None,
    keep: int | None,
    sparsity: float | None,
    keep_per_layer: int | None,
    max_params: Any,
    max_macs: Any,
    max_latency: Any,
    max_drop: float | None,
) -> "Rule | Limited | None":
    """The rule that options name; None if they name none.

    Raises:
        UsageError: they name more than one.
    """
    from connprune.architecture.rules import Keep, KeepPerLayer, Rule, Sparsity, Threshold
    from connprune.errors import UsageError
    from connprune.training.limited import Limited

    limited = Limited(max_params, max_macs, max_latency, max_drop)
    given: list[Rule | Limited | None] = [
        None if threshold is None else Threshold(threshold),
        None if keep is None else Keep(keep),
        None if sparsity is None else Sparsity(sparsity),
        None if keep_per_layer is None else KeepPerLayer(keep_per_layer),
        None if limited == Limited() else limited,
    ]
    rules = [rule for rule in given if rule is not None]
    if len(rules) > 1:
        raise UsageError(_wanted(len(rules)))
    return rules[0] if rules else None


@dataclass(frozen=True)
class Cutting:
    """What to cut, and by what.

    Attributes:
        rule: None is the budget of the run's own gates.
        by: the importance criterion.
        granularity: `connection` or `feature-map`; None is as the run's gates are.
        layers_only: whether only whole layers are removed.
    """

    rule: "Rule | Limited | None"
    by: str
    granularity: "Granularity | None"
    layers_only: bool

    @classmethod
    def of(cls, rule: "Rule | Limited | None", by: str, granularity: str | None, layers_only: bool) -> "Cutting":
        """What the options of `prune` say.

        Raises:
            UsageError: the criterion or the granularity is unknown.
        """
        from connprune.errors import UsageError
        from connprune.names import unknown
        from connprune.training.importance import CRITERIA
        from connprune.training.pruning import GRANULARITIES

        if by not in CRITERIA:
            raise UsageError(unknown("--by", by, CRITERIA))
        if granularity not in (None, *GRANULARITIES):
            raise UsageError(f"--granularity: found {granularity!r}, expected {' or '.join(GRANULARITIES)}.")
        return cls(rule, by, granularity, layers_only)

    def require_rule(self, gates: "Gates | None") -> None:
        """Refuses, before anything is measured, to cut without a rule what has no budget of its own.

        Raises:
            UsageError: no rule was given, and the gates have no budget.
        """
        from connprune.errors import UsageError

        if self.rule is None and (gates is None or gates.budget is None):
            raise UsageError(_wanted(0))

    def rule_for(self, examined: "Examined") -> "Rule":
        """What chooses the units of a run.

        Raises:
            UsageError: as `require_rule` does.
        """
        from connprune.architecture.rules import WholeLayers
        from connprune.training.limited import Limited

        named = self.named_for(examined)
        rule = named.rule(examined) if isinstance(named, Limited) else named
        return WholeLayers(rule) if self.layers_only else rule

    def named_for(self, examined: "Examined") -> "Rule | Limited":
        """The rule that is named, or the budget of the run's own gates.

        Raises:
            UsageError: as `require_rule` does.
        """
        from connprune.architecture.rules import Budget

        gates = examined.network.architecture.gates
        self.require_rule(gates)
        return self.rule if self.rule is not None else Budget.of(gates.budget)  # type: ignore[union-attr, arg-type]

    def granularity_for(self, gates: "Gates | None") -> "Granularity":
        """Whether connections or feature maps are scored: as was named, or as a run's gates are."""
        natural: Granularity = "feature-map" if gates and gates.sharing == "per-feature-map" else "connection"
        return self.granularity or natural

    def examine(
        self,
        run: "RunDirectory",
        device: str,
        data: str | None,
        output: Output,
        load: "Callable[[Configuration], Dataset] | None" = None,
    ) -> "Examined":
        """Scores a run, and warns where its images are no longer those that it was trained on.

        Raises:
            UsageError: as `connprune.training.pruning.examine` does.
        """
        from connprune.training.device import choose_device
        from connprune.training.pruning import examine

        granularity = self.granularity_for(run.architecture().gates)
        load = load or (lambda wanted: load_images(wanted, output))
        found = examine(run, self.by, granularity, load, choose_device(device, output.warning), data)
        if not found.same_data:
            output.warning(
                "the images have changed since the run was trained: the validation images were drawn anew from those "
                "that are there, some of which it may have been trained on, and no accuracy is comparable with the "
                "run's"
            )
        return found

    def cut(self, examined: "Examined", output: Output) -> "Pruned":
        """Cuts a run, and says what is left and how well it does.

        Raises:
            UsageError: the rule asks for something that there is not.
            DisconnectedError: the cut would leave no path from the input to the head.
        """
        from connprune.training.limited import Limited

        is_timed = isinstance(self.rule, Limited) and self.rule.seconds is not None
        return told_cut(examined, self.rule_for(examined), is_timed, output)


def told_cut(examined: "Examined", rule: "Rule", is_timed: bool, output: Output) -> "Pruned":
    """Cuts a run by a rule, and says what is left and how well it does.

    Raises:
        UsageError: as `Cutting.cut` does.
        DisconnectedError: likewise.
    """
    from connprune.architecture.cutting import gentle_cut
    from connprune.report.tables import cut_table, where_scores_lie
    from connprune.training.limited import BATCH
    from connprune.training.pruning import prune

    pruned = prune(examined, rule, BATCH if is_timed else None)
    output.note(cut_table(pruned.document))
    if not pruned.document.chosen:
        architecture = examined.network.architecture
        advice = gentle_cut(architecture, examined.scores)
        output.note(where_scores_lie(examined.all_scores, examined.by, rule, architecture.gates, advice))
    return pruned


def _wanted(count: int) -> str:
    return (
        f"Give one of {', '.join(RULE_OPTIONS)}, or any of {', '.join(LIMIT_OPTIONS)}; found {count or 'none'} of them."
    )
