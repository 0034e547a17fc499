"""A card for each gate kind, penalty, importance criterion and merge: the idea, where it is from, its settings.

The idea is the docstring of what computes it; a part without a card here is listed with that alone.
"""

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from connprune.architecture.aggregates import AGGREGATES
from connprune.architecture.gate_kinds import GATE_KINDS
from connprune.network.gate_kinds import module_of
from connprune.network.penalties import PENALTIES
from connprune.training.importance import CRITERIA

INTRODUCTION = """\
# Cards

One card for each part that a search is put together from: the idea in the words of the code that computes it, what
it is for, its settings, its source, and what it did here. [The concepts](concepts/README.md) are exact;
how to add one of your own, in [parts of your own](plugins.md). `docs/reference.py` writes this page from the
docstrings and the registries.
"""


@dataclass(frozen=True)
class Card:
    """What a docstring does not say.

    Attributes:
        source: where the idea comes from.
        settings: the keys of the configuration, or the options, that it has; each as it is written.
        when: what it is for.
        result: what was measured here, with a link.
    """

    source: str = ""
    settings: tuple[str, ...] = ()
    when: str = ""
    result: str = ""


_TEMPERATURE = ("gates.temperature.start", "gates.temperature.end")
_LOUIZOS = (
    "C. Louizos, M. Welling, D. P. Kingma, “Learning Sparse Neural Networks through L0 Regularization”, 2018 "
    "([arXiv:1712.01312](https://arxiv.org/abs/1712.01312))"
)
_DARTS = (
    "H. Liu, K. Simonyan, Y. Yang, “DARTS: Differentiable Architecture Search”, 2019 "
    "([arXiv:1806.09055](https://arxiv.org/abs/1806.09055))"
)
_POST = "R. Kotikalapudi, “Towards Differentiable Neural Architecture”, blog post, 2017"
_KINDS_RESULT = "`sigmoid` beside `linear`, plain and penalised: [results](experiments.md)"
GATES = {
    "sigmoid": Card(_POST, _TEMPERATURE, "The default. Falling temperatures make the gates decide.", _KINDS_RESULT),
    "linear": Card(
        _POST, (), "The ablation of the post. The penalty pulls in full however small the gate is.", _KINDS_RESULT
    ),
    "hard-concrete": Card(_LOUIZOS, (), "Exact zeros without a threshold; penalise it with `l0`.", ""),
    "bernoulli": Card(
        "Y. Bengio, N. Léonard, A. Courville, “Estimating or Propagating Gradients Through Stochastic Neurons for "
        "Conditional Computation”, 2013 ([arXiv:1308.3432](https://arxiv.org/abs/1308.3432))",
        _TEMPERATURE,
        "No half-open connections in training. Start the gates nearly open, or give a budget.",
        "",
    ),
    "reinforce": Card(
        "R. J. Williams, “Simple Statistical Gradient-Following Algorithms for Connectionist Reinforcement Learning”, "
        "Machine Learning 8, 1992",
        _TEMPERATURE,
        "An unbiased gradient through a draw, to compare with the biased one of `bernoulli`; noisy.",
        "",
    ),
    "top-k": Card(
        "M. Wortsman, A. Farhadi, M. Rastegari, “Discovering Neural Wirings”, 2019 "
        "([arXiv:1906.00586](https://arxiv.org/abs/1906.00586))",
        ("gates.open", *_TEMPERATURE),
        "A number of open connections that is known from the first step on; takes no penalty.",
        "",
    ),
    "softmax": Card(
        _DARTS,
        _TEMPERATURE,
        "Connections of a target compete. Penalise with `entropy` or `cost`, cut with `--keep-per-layer`.",
        "",
    ),
}
_PENALTY = ("gates.penalise", "gates.penalty", "gates.penalty_warmup")
PENALTY = {
    "gate": Card("", _PENALTY, "The default: closes as many connections as λ pays for.", "[λ by λ](experiments.md)"),
    "l0": Card(_LOUIZOS, _PENALTY, "Counts open gates instead of measuring them: for `hard-concrete`."),
    "entropy": Card("", _PENALTY, "Makes gates decide without saying which way."),
    "cost": Card("", _PENALTY, "Closes expensive connections first."),
}
EXPECTED_COST = Card(
    "dual ascent on one λ for each count, as in S. Boyd et al., “Distributed Optimization and Statistical Learning via "
    "the Alternating Direction Method of Multipliers”, 2011, section 2.1",
    ("gates.penalise", "gates.budget.parameters", "gates.budget.macs", "gates.penalty_warmup"),
    "Says what the network may cost, and lets the search find the λ. `prune` without a rule then cuts to it.",
)
_BY = ("--by", "--granularity")
CRITERION = {
    "gate": Card(_POST, _BY, "Costs nothing. A gate and the weights behind it trade scale, so it is a hint."),
    "strength": Card(
        "as magnitude pruning of filters (H. Li et al., “Pruning Filters for Efficient ConvNets”, 2017, "
        "[arXiv:1608.08710](https://arxiv.org/abs/1608.08710)), with the gate in front",
        _BY,
        "Not fooled by a scale that a gate and its weights trade.",
        "a cut by it: [results](experiments.md)",
    ),
    "saliency": Card(
        "P. Molchanov et al., “Pruning Convolutional Neural Networks for Resource Efficient Inference”, 2017 "
        "([arXiv:1611.06440](https://arxiv.org/abs/1611.06440))",
        _BY,
        "One pass over the validation images; right for small changes.",
    ),
    "ablation": Card("", _BY, "The honest one, and the slowest: one pass over the validation images for each gate."),
    "random": Card("", _BY, "The null hypothesis: what a cut is worth that knows nothing."),
}
_RESIZE = ("merge.aggregate", "merge.resize", "merge.interpolation")
MERGE = {
    "concat": Card(_POST, _RESIZE, "The default. Every source keeps its own weights; gates are folded into them."),
    "squeeze": Card(
        "bottlenecks as in G. Huang et al., “Densely Connected Convolutional Networks”, 2017 "
        "([arXiv:1608.06993](https://arxiv.org/abs/1608.06993))",
        (*_RESIZE, "merge.feature_maps", "merge.share"),
        "Keeps later layers cheap where many sources meet.",
    ),
    "sum": Card(
        "as in K. He et al., “Deep Residual Learning for Image Recognition”, 2016 "
        "([arXiv:1512.03385](https://arxiv.org/abs/1512.03385))",
        _RESIZE,
        "Costs no weights for a connection.",
    ),
    "mean": Card("", (*_RESIZE, "merge.denominator"), "A sum whose scale does not grow with the connections."),
    "max": Card("", _RESIZE, "The strongest source wins; a removed connection takes no part."),
}


def idea(part: object) -> str:
    """The first paragraph of a docstring, on one line."""
    return " ".join((inspect.getdoc(part) or "").split("\n\n")[0].split())


def card(name: str, text: str, more: Card, chosen_by: str) -> str:
    """A card: what it says, and a table of what there is to say."""
    settings = ", ".join(f"`{key}`" for key in more.settings)
    rows = (
        ("chosen by", f"`{chosen_by}`"),
        ("use", more.when),
        ("settings", settings),
        ("source", more.source),
        ("result", more.result),
    )
    body = [f"| {title} | {value} |" for title, value in rows if value]
    return "\n".join([f"### {name}", "", text, "", "| | |", "| --- | --- |", *body])


def cards(parts: Iterable[tuple[str, object]], more: Mapping[str, Card], chosen_by: str) -> list[str]:
    """The cards of all parts of a kind.

    Args:
        parts: each name with what has the docstring.
        more: what the docstrings do not say.
        chosen_by: how one is chosen, with NAME for its name.
    """
    return [card(name, idea(part), more.get(name, Card()), chosen_by.replace("NAME", name)) for name, part in parts]


def page() -> str:
    """The whole page."""
    sentence = "What the network is expected to cost, as a function of its gates, held to a budget."
    parts = [
        INTRODUCTION.rstrip(),
        "## Gate kinds",
        *cards(((name, module_of(kind)) for name, kind in GATE_KINDS.items()), GATES, "gates.kind: NAME"),
        "## Penalties",
        *cards(PENALTIES.items(), PENALTY, "gates.penalise: NAME"),
        card("expected-cost", sentence, EXPECTED_COST, "gates.penalise: expected-cost"),
        "## Importance criteria",
        *cards(CRITERIA.items(), CRITERION, "prune --by NAME"),
        "## Merges",
        *cards(AGGREGATES.items(), MERGE, "merge.aggregate: NAME"),
    ]
    return "\n\n".join(parts) + "\n"
