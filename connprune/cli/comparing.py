"""A comparison that is planned: it is trained, gathered, and its table shown."""

from typing import TYPE_CHECKING

from connprune.cli.execution import ExecutionOptions
from connprune.cli.experiment import run_experiment
from connprune.cli.output import Output

if TYPE_CHECKING:
    from connprune.documents.comparison import Comparison
    from connprune.documents.plan import ComparisonPlan
    from connprune.experiments.plan import Plan


def compare(plan: "Plan[ComparisonPlan]", execution: ExecutionOptions, output: Output) -> "Comparison":
    """Executes a comparison and says what came out; returns its document.

    Raises:
        ConnpruneError: trainings failed or are missing.
        InterruptedRunError: a signal came; what was under way is saved.
    """
    from connprune.experiments.search_results import collect
    from connprune.report.comparison import comparison_text
    from connprune.training.device import choose_device
    from connprune.training.latency import latencies

    return run_experiment(
        plan,
        execution,
        output,
        lambda: collect(
            plan, lambda architectures: latencies(architectures, choose_device(execution.device_here, output.warning))
        ),
        comparison_text,
        plan.run.comparison,
    )
