"""What a page shows of a run and takes its weights and images to know."""

from collections.abc import Callable

import torch

from connprune.data.images import Dataset
from connprune.report.html.thresholds import COUNT, Measured
from connprune.runs.directory import RunDirectory
from connprune.training.configuration import Configuration
from connprune.training.criteria import Evidence, by_strength
from connprune.training.pruning import Granularity, examine, sweep


def measure(
    run: RunDirectory, load: Callable[[Configuration], Dataset], device: torch.device, data: str | None = None
) -> Measured:
    """Tries thresholds on a run's gates, as `prune` does where it is only asked what they would leave.

    Args:
        run: a finished run with gates, or a cut of one.
        load: loads the images of a configuration.
        device: where to evaluate.
        data: where the images are now; None is where they were, or $CONNPRUNE_DATA.

    Raises:
        UsageError: the run has not ended, its files are damaged, or its images are not there.
    """
    gates = run.architecture().gates
    natural: Granularity = "feature-map" if gates and gates.sharing == "per-feature-map" else "connection"
    examined = examine(run, "gate", natural, load, device, data)
    evidence = Evidence(examined.network, examined.splits.validation, 0)
    strengths = [float(strength.max()) for strength in by_strength(evidence)]
    return Measured(sweep(examined, COUNT), examined.scores, strengths, examined.same_data)
