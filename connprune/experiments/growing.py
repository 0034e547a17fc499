"""Baselines that grow with a cut: their wirings as blocks, in the same stages, at as many MACs."""

from collections.abc import Callable, Sequence

from connprune.architecture.architecture import Architecture
from connprune.architecture.files import to_data
from connprune.architecture.growing import grown
from connprune.architecture.growth import Growth
from connprune.architecture.growth_budget import of_macs
from connprune.architecture.shapes import mac_count
from connprune.architecture.strict_yaml import dump
from connprune.documents.comparison import CUT
from connprune.errors import NoBaselineError, UsageError
from connprune.experiments.baselines import Baseline
from connprune.experiments.candidates import baseline_of
from connprune.experiments.compared import ComparedCut
from connprune.runs.directory import RunDirectory
from connprune.training.configuration import Configuration

# As many as a verdict takes; the file can say another number.
SEEDS = 3
# What differs between networks that grew from wirings of one parent.
_OWN = ("layers", "connections", "merges", "head")


def baselines(
    cut: RunDirectory, block: Architecture, growth: Growth, against: Sequence[str], warn: Callable[[str], None]
) -> dict[str, tuple[Growth, Architecture]]:
    """The baselines of a cut, each grown as the cut is, with the width at which its MACs are nearest to the cut's.

    Args:
        cut: whose baselines.
        block: what the cut's network grows from.
        growth: how.
        against: names of baselines that are wirings of the parent, with a number after a colon where there may be
            several.
        warn: is told which was left out and why, a sentence.

    Returns:
        By name how each grew, and to what.

    Raises:
        UsageError: a baseline is unknown, named twice, or no wiring; or none of those that are named can be made.
    """
    pair = ComparedCut.of(cut, None, None).pair
    macs = mac_count(grown(block, growth))
    made: dict[str, tuple[Growth, Architecture]] = {}
    left_out: list[str] = []
    for text in against:
        baseline = baseline_of(text)
        if type(baseline).architectures is Baseline.architectures:
            raise UsageError(f"baseline {text}: it is no wiring of the parent's, which could grow.")
        try:
            wirings = baseline.architectures(pair)
        except NoBaselineError as error:
            left_out.append(str(error))
            continue
        for number, wiring in enumerate(wirings, 1):
            name = baseline.row if len(wirings) == 1 else f"{baseline.row}-{number:0{len(str(len(wirings)))}}"
            if name in made:
                raise UsageError(f"baseline {text}: there is a {name!r} already; name it once.")
            theirs = of_macs(wiring, growth, macs)
            made[name] = theirs, grown(wiring, theirs)
    if left_out and not made:
        raise NoBaselineError("\n".join(left_out))
    for why in left_out:
        warn(f"left out: {why}")
    return made


def sweep_of(configuration: Configuration, ours: Architecture, others: dict[str, Architecture]) -> str:
    """The YAML of a sweep whose first label is the cut's network, so that each other one is compared with it.

    Args:
        configuration: data and recipe of all.
        ours: what the cut grew to.
        others: what the baselines grew to, by name.
    """
    labels: dict[str, dict[str, object]] = {CUT: {}}
    for name, architecture in others.items():
        data = {"merges": {}, **to_data(architecture)}
        labels[name] = {key: data[key] for key in _OWN}
    return dump({"base": configuration.to_data(ours), "seeds": SEEDS, "axes": {"network": labels}})
