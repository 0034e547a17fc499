"""The baselines of a cut by their names: each says which networks it is compared with."""

from typing import ClassVar

from connprune import builtin
from connprune.architecture import baselines, equal_cost
from connprune.architecture.architecture import Architecture
from connprune.architecture.baselines import Pair
from connprune.architecture.strict_yaml import shown
from connprune.documents.run import Start
from connprune.errors import NoBaselineError, UsageError
from connprune.experiments.compared import ComparedCut
from connprune.experiments.plan import Candidate, require_few
from connprune.mistakes import Mistake
from connprune.names import nearest
from connprune.registry import Registry


class Baseline:
    """A baseline as it was asked for.

    Args:
        text: its name, with what follows it after a colon.
        after: what follows; None if there is no colon.

    Raises:
        UsageError: what follows is not what the baseline takes.
    """

    # What it is asked for by; a class without a name is a base of others.
    name: ClassVar[str] = ""
    # What may follow the name after a colon, in a word; empty is nothing.
    takes: ClassVar[str] = ""

    def __init__(self, text: str, after: str | None = None) -> None:
        self.text = text

    @property
    def row(self) -> str:
        """Its row in the table of a comparison."""
        return self.name

    def architectures(self, pair: Pair) -> list[Architecture]:
        """The networks that the cut is compared with, without gates.

        Raises:
            NoBaselineError: there are none for this cut; the others are compared without it.
        """
        raise NotImplementedError(type(self).__name__)

    def candidates(self, compared: ComparedCut) -> list[Candidate]:
        """What is trained: the architectures, by the cut's recipe.

        Raises:
            NoBaselineError: as `architectures` does.
            UsageError: an architecture is for other images or classes than the cut.
        """
        architectures = self.architectures(compared.pair)
        width = len(str(len(architectures)))
        rows = (
            [self.row]
            if len(architectures) == 1
            else [f"{self.row}-{number:0{width}}" for number in range(1, len(architectures) + 1)]
        )
        for architecture in architectures:
            require_comparable(self.text, architecture, compared.pair)
        return [
            Candidate(self.row, name, architecture, compared.configuration)
            for name, architecture in zip(rows, architectures, strict=True)
        ]


class Counted(Baseline):
    """A baseline of which a number after the colon says how many there are, one without it."""

    takes = "N"

    def __init__(self, text: str, after: str | None = None) -> None:
        super().__init__(text, after)
        if after is not None and not (after.isdecimal() and len(after) <= 18 and int(after) > 0):
            raise UsageError(f"baseline {shown(text)}: expected a number from 1 upwards after the colon.")
        self.count = int(after) if after else 1
        require_few(f"baseline {text}", self.count)


def require_comparable(text: str, architecture: Architecture, pair: Pair) -> None:
    """Refuses an architecture that cannot be trained on the cut's images.

    Raises:
        UsageError: it is for other images or classes.
    """
    if (architecture.input, architecture.classes) != (pair.parent.input, pair.parent.classes):
        raise UsageError(f"baseline {text}: it is for other images or classes than the cut.")


class Parent(Baseline):
    """The network before the cut, with its gates and by its own recipe."""

    name = "parent"

    def candidates(self, compared: ComparedCut) -> list[Candidate]:
        architecture = compared.pair.parent.replace(gates=compared.parent.gates)
        return [Candidate(self.name, self.name, architecture, compared.parent)]


def of_cut(name: str, compared: ComparedCut, start: Start) -> Candidate:
    """The cut itself, trained from there.

    Raises:
        UsageError: its search has kept no early epoch.
    """
    # Here, since it needs torch.
    from connprune.training.start import started

    architecture, weights = started(compared.cut, start)
    return Candidate(name, name, architecture, compared.configuration, weights=weights, start=start)


class Scratch(Baseline):
    """The cut from fresh weights, beside one that starts elsewhere."""

    name = "scratch"
    start: ClassVar[Start] = "scratch"

    def candidates(self, compared: ComparedCut) -> list[Candidate]:
        if compared.start == self.start:
            raise UsageError(f"baseline {self.name}: the cut itself starts from there; name another one.")
        try:
            return [of_cut(self.name, compared, self.start)]
        except UsageError as error:
            raise NoBaselineError(f"baseline {self.name}: {error}") from None


class Finetune(Scratch):
    """The cut from its parent's weights, with the gates folded in."""

    name = "finetune"
    start = "cut"


class Rewind(Scratch):
    """The cut from the weights of the early epoch that its search kept."""

    name = "rewind"
    start = "early"


class Evolution(Counted):
    """The best wiring that regularised evolution finds in as many trainings as the number says."""

    name = "evolution"

    def __init__(self, text: str, after: str | None = None) -> None:
        super().__init__(text, after)
        if self.count < 2:
            raise UsageError(f"baseline {text}: expected how many trainings it may take, like evolution:50.")

    def candidates(self, compared: ComparedCut) -> list[Candidate]:
        parent = compared.pair.parent
        baselines.require_draws(compared.pair, self.text)
        return [Candidate(self.name, self.name, parent, compared.configuration, "evolution", self.count)]


class Dense(Baseline):
    """The parent's wiring without gates."""

    name = "dense"

    def architectures(self, pair: Pair) -> list[Architecture]:
        return [pair.parent]


class Chain(Baseline):
    """Each layer reads the one before it."""

    name = "chain"

    def architectures(self, pair: Pair) -> list[Architecture]:
        return [baselines.reference(pair, self.name)]


class Residual(Chain):
    """A chain in blocks of two layers with skips (He et al. 2016)."""

    name = "residual"


class All(Baseline):
    """Every wiring that the parent could have been cut down to."""

    name = "all"

    def architectures(self, pair: Pair) -> list[Architecture]:
        return baselines.every(pair)


class Random(Counted):
    """Random wirings of as many connections."""

    name = "random"

    def architectures(self, pair: Pair) -> list[Architecture]:
        return baselines.random(pair, self.count)


class RandomParams(Counted):
    """Random wirings of as many parameters."""

    name = "random-params"

    def architectures(self, pair: Pair) -> list[Architecture]:
        return baselines.random_params(pair, self.count)


class RandomCost(Counted):
    """Random wirings of as many parameters and MACs."""

    name = "random-cost"

    def architectures(self, pair: Pair) -> list[Architecture]:
        return equal_cost.random_cost(pair, self.count)


class DenseScaled(Baseline):
    """A reference wiring of other widths, of as many parameters or MACs."""

    name = "dense-scaled"
    takes = "params or macs"

    def __init__(self, text: str, after: str | None = None) -> None:
        super().__init__(text, after)
        self.fitted = "params" if after is None else after
        if self.fitted not in equal_cost.FITTED:
            expected = f"{' or '.join(equal_cost.FITTED)} after the colon"
            hint = nearest(self.fitted, equal_cost.FITTED)
            raise UsageError(Mistake(key=f"baseline {text}", expected=expected, hint=hint))

    @property
    def row(self) -> str:
        """Its row in the table of a comparison."""
        return f"{self.name}-{self.fitted}"

    def architectures(self, pair: Pair) -> list[Architecture]:
        return [equal_cost.scaled(pair, self.name.removesuffix("-scaled"), self.fitted)]


class ChainScaled(DenseScaled):
    """The same of a chain."""

    name = "chain-scaled"


class ResidualScaled(DenseScaled):
    """The same of a chain with skips."""

    name = "residual-scaled"


BASELINES: Registry[type[Baseline]] = Registry(
    "baseline",
    "connprune.baselines",
    lambda baseline: baseline.name or None,
    Baseline,
    {written.partition(":")[0]: where for written, where in builtin.BASELINES.items()},
)
