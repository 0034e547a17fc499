"""`connprune grow`."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from connprune.cli import completion, numbers, options
from connprune.cli.output import Output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connprune.architecture.architecture import Architecture
    from connprune.architecture.growth import Growth
    from connprune.runs.directory import RunDirectory

# The panel of the options that say how large the network becomes.
SIZE = "Size"

PatternOption = Annotated[
    bool,
    options.switch("--pattern", help="Of the patterns of connections that recur in the cuts, which may be several."),
]
WidthOption = Annotated[
    Any,
    typer.Option(
        "--width",
        metavar="F",
        parser=numbers.factor,
        help="Multiply the feature maps of the block by F (default: 1).",
        rich_help_panel=SIZE,
    ),
]
RepeatOption = Annotated[
    int | None,
    typer.Option(
        "--repeat",
        metavar="N",
        parser=numbers.whole_number_from(1, 1_000),
        help="Put N copies of the block one behind the other (default: one for each stage).",
        rich_help_panel=SIZE,
    ),
]
StagesOption = Annotated[
    int | None,
    typer.Option(
        "--stages",
        metavar="N",
        parser=numbers.whole_number_from(1, 1_000),
        help="Halve height and width between N stages of copies (default: as many as leave the last one 7 rows).",
        rich_help_panel=SIZE,
    ),
]
MaxParamsOption = Annotated[
    int | None,
    typer.Option(
        "--max-params",
        metavar="N",
        parser=numbers.count,
        help="Find the width, and without --repeat the copies, for at most N parameters, like 5M.",
        rich_help_panel=SIZE,
    ),
]
MaxMacsOption = Annotated[
    int | None,
    typer.Option(
        "--max-macs",
        metavar="N",
        parser=numbers.count,
        help="The same for at most N MACs, like 600M.",
        rich_help_panel=SIZE,
    ),
]
ShapeOption = Annotated[
    Any,
    typer.Option(
        "--input",
        metavar="MAPSxHEIGHTxWIDTH",
        parser=numbers.image_shape,
        help="For images of this shape, like 3x224x224 (default: the cut's).",
        rich_help_panel=SIZE,
    ),
]
ClassesOption = Annotated[
    int | None,
    typer.Option(
        "--classes",
        metavar="N",
        parser=numbers.whole_number_from(2),
        help="For so many classes (default: the cut's).",
        rich_help_panel=SIZE,
    ),
]
AgainstOption = Annotated[
    list[str] | None,
    typer.Option(
        "--against",
        metavar="NAME,…",
        autocompletion=completion.baselines,
        help="Grow these baselines of the cut too, like dense,chain,random-cost:3, to as many MACs, and write a sweep.",
    ),
]
GatesOption = Annotated[bool, options.switch("--gates", help="With the gates of the search, to search once more.")]
OutOption = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="A new file (default: stdout).", rich_help_panel=options.PATHS),
]


def grow(
    cuts: options.CutsArgument = None,
    pattern: PatternOption = False,
    width: WidthOption = None,
    repeat: RepeatOption = None,
    stages: StagesOption = None,
    shape: ShapeOption = None,
    classes: ClassesOption = None,
    max_params: MaxParamsOption = None,
    max_macs: MaxMacsOption = None,
    against: AgainstOption = None,
    gates: GatesOption = False,
    data: options.DataOption = None,
    assignments: options.SetOption = None,
    out: OutOption = None,
    runs: options.RunsOption = None,
    plugins: options.PluginOption = None,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Make a larger network of a cut: its wiring as a block, repeated in stages.

    Prints the configuration, with the recipe of the cut, or with --out the path of the file. Nothing is trained.

      connprune grow --repeat 4 --width 2 --out grown.yaml

      connprune train --config grown.yaml

    Between two stages height and width are halved and feature maps doubled. With a budget it finds width and copies.

      connprune grow --input 3x224x224 --classes 1000 --max-macs 600M

    With --against the file is a sweep of the grown cut and of baselines that grew in the same way to as many MACs. With
    --pattern the block is what recurs in several cuts.

      connprune grow --repeat 2 --against dense,chain,random-cost:3 --out grown.yaml

      connprune sweep grown.yaml
    """
    from connprune.cli.retrain import named_baselines
    from connprune.errors import UsageError
    from connprune.runs.find import find, runs_folder

    options.load_plugins(plugins)
    output = Output(as_json, quiet)
    names = named_baselines(against)
    if gates and names:
        raise UsageError("--gates is for a search, --against for a comparison without gates; give one of them.")
    if out is not None and out.exists():
        raise UsageError(f"--out {out}: this is there already; name a new file.")
    folder = runs_folder(runs)
    sources = [find(name, folder, "cut", warn=output.warning) for name in cuts or (None,)]
    source, block = sources[0], _block(sources, pattern)
    growth = _growth(source, block, (shape, classes), (width, repeat, stages), (max_params, max_macs))
    _Growing(sources, block, growth, names, gates, assignments, data).write(out, output)


@dataclass(frozen=True)
class _Growing:
    """A block, and what is made of it.

    Attributes:
        sources: whose it is; the first has the recipe.
        block: its wiring.
        growth: how it grows.
        against: the names of the baselines that grow too.
        gates: whether it is to be searched again.
        assignments: of single keys.
        data: where the images are; None is where the cut's were.
    """

    sources: "Sequence[RunDirectory]"
    block: "Architecture"
    growth: "Growth"
    against: tuple[str, ...]
    gates: bool
    assignments: list[str] | None
    data: str | None

    def write(self, out: Path | None, output: Output) -> None:
        """Prints the YAML, or writes it to a file.

        Raises:
            UsageError: it cannot grow so.
        """
        from connprune.experiments.growing import baselines, sweep_of
        from connprune.files import write_text
        from connprune.report.growth import growth_document, growth_text
        from connprune.training.growing import grown_configuration

        source, block, growth = self.sources[0], self.block, self.growth
        settings = options.with_data(self.assignments, self.data)
        configuration, network = grown_configuration(source, block, growth, self.gates, settings)
        others = baselines(source, block, growth, self.against, output.warning) if self.against else {}
        text = configuration.to_yaml(network)
        if self.against:
            text = sweep_of(configuration, network, {name: made for name, (_, made) in others.items()})
        if out is not None:
            out.parent.mkdir(parents=True, exist_ok=True)
            write_text(out, text)
        networks = {"cut": (growth, network), **others}
        document = growth_document([str(each.path) for each in self.sources], networks, text, str(out) if out else None)
        output.note(growth_text(document))
        if self.data is None and (network.input, network.classes) != (block.input, block.classes):
            output.note(f"Note: data.source is {configuration.data.source}, as the cut's; name the images by --data.")
        output.result(str(out) if out else text.rstrip(), document)


def _block(sources: "Sequence[RunDirectory]", pattern: bool) -> "Architecture":
    """What is repeated: the wiring of a cut, or of the patterns that recur in cuts.

    Raises:
        UsageError: there are several cuts and no pattern is asked for, or one of them is no cut.
        DisconnectedError: what recurs leaves no path from the input to the head.
    """
    from connprune.analysis.patterns import block_of
    from connprune.errors import UsageError
    from connprune.training.first import first_architecture

    if pattern:
        return block_of([(first_architecture(each).without_gates(), each.architecture()) for each in sources])
    if len(sources) > 1:
        raise UsageError("Several cuts grow as one by the patterns that recur in them; give --pattern, or one cut.")
    return sources[0].architecture().without_gates()


def _growth(
    source: "RunDirectory",
    block: "Architecture",
    images: tuple[Any, int | None],
    wanted: tuple[Any, int | None, int | None],
    budget: tuple[int | None, int | None],
) -> "Growth":
    """How the block grows.

    Args:
        source: whose it is.
        block: its wiring.
        images: their shape and the number of classes; None is as the cut has it.
        wanted: width, copies and stages; None is to be found.
        budget: parameters and MACs at most; None is any number.

    Raises:
        UsageError: the options do not go together, or nothing meets the budget.
    """
    from fractions import Fraction

    from connprune.architecture.base import INPUT
    from connprune.architecture.growth import Growth
    from connprune.architecture.growth_budget import Most, balanced, fitted
    from connprune.errors import UsageError

    width, repeat, stages = wanted
    most = Most(*budget)
    if width is not None and most != Most():
        raise UsageError("--width is what a budget finds; give --width, or --max-params and --max-macs.")
    try:
        growth = Growth.of(
            images[0] or block.shapes.output[INPUT], images[1] or block.classes, repeat, stages, width or Fraction(1)
        )
        if most == Most():
            return growth
        return balanced(block, growth, most) if repeat is None else fitted(block, growth, most)
    except UsageError as error:
        raise UsageError(f"{source.path}: {error}") from None
