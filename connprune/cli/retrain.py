"""`connprune retrain`."""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from connprune import builtin
from connprune.cli import completion, options
from connprune.cli.comparing import compare
from connprune.cli.execution import ExecutionOptions
from connprune.cli.experiment import job_commands, show_commands
from connprune.cli.output import Output
from connprune.cli.report import Report
from connprune.cli.retraining import Recipe, Retraining, do_job, require_as_begun, train_alone
from connprune.cli.showing import show

if TYPE_CHECKING:
    from connprune.documents.plan import ComparisonPlan
    from connprune.documents.run import Start
    from connprune.experiments.plan import Plan
    from connprune.runs.directory import RunDirectory

AgainstOption = Annotated[
    list[str] | None,
    typer.Option(
        "--against",
        metavar="NAME,…",
        autocompletion=completion.baselines,
        help=f"Compare with {', '.join(builtin.BASELINES)}, of which the scaled ones have the cut's parameters, or "
        "with :macs its MACs; or with the path of another run or YAML.",
    ),
]

FromOption = Annotated[
    str,
    typer.Option(
        "--from",
        metavar="START",
        autocompletion=completion.starts,
        help="Start from scratch; from the weights of the cut, which is fine-tuning; or early, from those of the epoch "
        "that training.keep_early kept.",
    ),
]


def retrain(
    cuts: options.CutsArgument = None,
    start: FromOption = "scratch",
    against: AgainstOption = None,
    seeds: options.SeedsOption = None,
    assignments: options.RecipeOption = None,
    epochs: options.EpochsOption = None,
    seed: options.SeedOption = None,
    jobs: options.JobsOption = None,
    on: options.OnOption = None,
    list_jobs: options.ListOption = False,
    collect_only: options.CollectOption = False,
    figures: options.FiguresOption = None,
    data: options.PlaceOption = None,
    run: options.NewRunOption = None,
    runs: options.RunsOption = None,
    resume: options.ResumeOption = False,
    device: options.DeviceOption = "auto",
    threads: options.ThreadsOption = None,
    html: options.HtmlOption = None,
    redact: options.RedactOption = False,
    plugins: options.PluginOption = None,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Train a cut architecture, from scratch unless --from says otherwise, and compare it.

    Prints the path of the run. The network starts from fresh weights and has no gates; recipe, seed and data are its
    parent's. Another --seed changes the weights, the order and the augmentation, but not the validation images.

      connprune retrain --json

    With --from cut it is fine-tuned: it starts from the weights that the cut has, with its gates folded into them.

      connprune retrain --from cut --epochs 10 --set training.optimizer.rate=1e-4

    With --against or --seeds every network is trained with each seed, and one table gives the differences with their
    intervals. The same command resumes an interrupted comparison, with or without --resume. Otherwise --resume resumes
    the run in --run, or the newest; with CUT it begins one where there is none yet.

      connprune retrain --against parent,dense,chain,random:10 --seeds 5 --jobs 2

    With the cuts of several searches, each cut gets baselines of its own, and the interval is over the searches.

      connprune retrain runs/cut-1 runs/cut-2 runs/cut-3 --against random-cost:8,dense-scaled
    """
    from connprune.runs.find import runs_folder

    options.load_plugins(plugins)
    options.prepare_cpu(threads)
    output = Output(as_json, quiet)
    _require_together(list_jobs, html, figures)
    report = Report(html, output, data, redact)
    execution = ExecutionOptions(jobs, on, device, threads, plugins or [], list_jobs, collect_only, data)
    execution.check()
    names, repeated, folder = named_baselines(against), options.seed_numbers(seeds), runs_folder(runs)
    recipe = Recipe(start_named(start), tuple(options.assigned(assignments)), epochs, seed)
    wanted = _Wanted(cuts or [], names, repeated, recipe, run, folder, execution, figures, report, output)
    wanted.execute(resume)


def start_named(name: str) -> "Start":
    """What --from says.

    Raises:
        UsageError: it is no such name.
    """
    from connprune.documents.run import STARTS
    from connprune.errors import UsageError
    from connprune.names import unknown

    for start in STARTS:
        if name == start:
            return start
    raise UsageError(unknown("--from", name, STARTS))


def named_baselines(against: Sequence[str] | None) -> tuple[str, ...]:
    """The names in --against, which may be repeated and has commas."""
    return tuple(name.strip() for text in against or () for name in text.split(",") if name.strip())


def _require_together(list_jobs: bool, html: Path | None, figures: Path | None) -> None:
    """Refuses to show results where none are made."""
    from connprune.errors import UsageError

    if html and list_jobs:
        raise UsageError("--html shows what was trained, but --list trains nothing; give it to --collect afterwards.")
    if figures and list_jobs:
        raise UsageError("--figures draws results, but --list trains nothing; give one of them.")


@dataclass(frozen=True)
class _Wanted:
    """What the options say.

    Attributes:
        cuts: as they were named; none is the newest.
        against: the names of the baselines.
        seeds: gives the seeds of each network from the recipe's own; None is that one.
        recipe: of each training.
        run: where it goes; None is a new place, or of what is resumed the newest.
        folder: where runs are kept.
        execution: how trainings are executed.
        figures: where figures go; None is none.
        report: the page.
        output: where words go.
    """

    cuts: list[str]
    against: tuple[str, ...]
    seeds: Callable[[int], list[int]] | None
    recipe: Recipe
    run: Path | None
    folder: Path
    execution: ExecutionOptions
    figures: Path | None
    report: Report
    output: Output

    @property
    def is_comparison(self) -> bool:
        """Whether several trainings are asked for."""
        return bool(self.against or self.seeds)

    @property
    def is_plain(self) -> bool:
        """Whether this process trains, one run after the other."""
        execution = self.execution
        return not (execution.only_list or execution.only_collect or execution.on or execution.jobs not in (None, 1))

    def execute(self, resume: bool) -> None:
        """Resumes, retrains or compares.

        Raises:
            UsageError: the options do not go together, or something that they name is not there.
        """
        from connprune.errors import UsageError
        from connprune.runs.directory import RunDirectory
        from connprune.runs.find import find

        is_new = bool(self.run and self.cuts and not RunDirectory(self.run).summary_file.is_file())
        if len(self.cuts) > 1 and not self.against:
            raise UsageError("Several cuts are compared over their searches; name the baselines with --against.")
        if not self.is_comparison and ((resume and not is_new) or self.execution.only_collect):
            self._resume()
            return
        sources = [find(name, self.folder, "cut", warn=self.output.warning) for name in self.cuts or (None,)]
        if self.is_comparison:
            self._compare(sources)
        elif self.is_plain:
            self._retrain(*sources)
        else:
            raise UsageError("--jobs, --on, --list and --collect go with --against or --seeds.")

    def _resume(self) -> None:
        """Resumes a retraining, a comparison, or an evolution of one."""
        from connprune.documents.plan import ComparisonPlan
        from connprune.documents.run import EXPERIMENTS
        from connprune.errors import UsageError
        from connprune.experiments.plan import read
        from connprune.runs.directory import RunDirectory
        from connprune.runs.find import find

        for run in (RunDirectory(Path(name)) for name in self.cuts):
            if run.summary_file.is_file() and run.kind in EXPERIMENTS:
                resumed = f"--resume --run {shlex.quote(str(run.path))}"
                raise UsageError(
                    f"{run.path}: this is a {run.kind} and no cut; go on with it by `connprune retrain {resumed}`."
                )
        kinds = ("retrain", "comparison") if self.is_plain else ("comparison",)
        directory = find(str(self.run) if self.run else None, self.folder, *kinds)
        require_as_begun(directory, self.cuts[0] if self.cuts else None, self.recipe)
        device, data = self.execution.device, self.execution.data
        match directory.kind:
            case "comparison":
                self._execute_plan(read(directory.path, ComparisonPlan))
            case "retrain" if self.is_plain:
                retraining = Retraining.of(directory, data, self.output)
                train_alone(retraining, directory, device, self.figures, self.report, self.output)
            case "evolution" if self.is_plain:
                if self.figures:
                    raise UsageError(f"--figures: {directory.path} is a comparison's, which draws it.")
                do_job(directory, device, data, self.report, self.output)
            case other:
                raise UsageError(f"{directory.path}: expected {' or '.join(kinds)}, found a {other}.")

    def _retrain(self, source: "RunDirectory") -> None:
        """Trains one cut."""
        from connprune.runs.find import new_path, stem_of

        retraining = Retraining.new(source, self.recipe, self.execution.data, self.output)
        path = self.run or new_path(self.folder, f"{stem_of(source.path)}-retrain")
        directory = retraining.begin(source, path, self.recipe.start)
        train_alone(retraining, directory, self.execution.device, self.figures, self.report, self.output)

    def _compare(self, sources: "Sequence[RunDirectory]") -> None:
        """Compares cuts with their baselines."""
        from connprune.errors import UsageError
        from connprune.experiments.plan import begin
        from connprune.experiments.searches import gather

        recipe = self.recipe
        gathered = gather(
            sources, self.against, recipe.epochs, recipe.seed, self.output.warning, recipe.start, recipe.settings
        )
        numbers = self.seeds(gathered.seed) if self.seeds else [gathered.seed]
        planned = gathered.plan(numbers)
        path = self.run or self.folder / f"compare-{planned.identity}"
        if self.execution.only_collect and not path.exists():
            raise UsageError(f"{path}: there is no such comparison to collect.")
        self._execute_plan(begin(path, planned, gathered.candidates, gathered.images))

    def _execute_plan(self, plan: "Plan[ComparisonPlan]") -> None:
        """Executes a comparison and says what came out."""
        if self.execution.only_list:
            show_commands(plan.path, job_commands(plan, self.execution), self.output)
            return
        document = compare(plan, self.execution, self.output)
        show(document, lambda: self.report.of_comparison(document, plan), self.figures, self.output)
