"""`connprune inspect`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from connprune.cli import options
from connprune.cli.output import Output


def inspect(
    run: options.RunArgument = None,
    preset: options.PresetOption = None,
    config: options.ConfigOption = None,
    assignments: options.SetOption = None,
    history: Annotated[bool, typer.Option("--history", help="Every gate at every epoch.")] = False,
    as_csv: options.CsvOption = False,
    plugins: options.PluginOption = None,
    as_json: options.JsonOption = False,
    runs: options.RunsOption = None,
) -> None:
    """Show an architecture, its connections and their gates.

    Works on runs that are under way, interrupted or finished, on cuts, and with --preset or --config on an
    architecture that has not been trained.

      connprune inspect --preset blog
    """
    from connprune.analysis.evolution import as_rows, by_epoch, evolutions
    from connprune.errors import UsageError
    from connprune.report.document import describe
    from connprune.report.tables import aligned, connections_table, shapes_table

    options.load_plugins(plugins)
    if as_csv and as_json:
        raise UsageError("Give one of --csv and --json, found both.")
    if run and (preset or config or assignments):
        raise UsageError("Give a run, or --preset, --config and --set, found both.")
    directory, architecture = _subject(run, preset, config, assignments or [], runs)
    gates = directory.read_gates() if directory and directory.gates.exists() else None
    if history and gates is None:
        raise UsageError("--history: there are no gates recorded here.")
    found = evolutions(architecture, gates)
    document = describe(architecture, gates, directory.summary if directory else None)
    document["path"] = str(directory.path) if directory else None
    if history and gates is not None:
        document["history"] = by_epoch(gates)
    output = Output(as_json)
    if history:
        epochs = document["history"]
        table = aligned(list(epochs[0]), [[_cell(value) for value in row.values()] for row in epochs])
        output.table(table, epochs, document, as_csv)
    else:
        tables = f"{shapes_table(document['shapes'])}\n\n{connections_table(found)}\n\n{_summary(document)}"
        output.table(tables, as_rows(found), document, as_csv)


def _subject(
    run: str | None, preset: str | None, config: Path | None, assignments: list[str], runs: Path | None
) -> Any:
    """What to inspect: a run directory, or None, and an architecture."""
    from connprune.runs.find import find, runs_folder
    from connprune.training.configuration import design, resolve

    if preset or config or assignments:
        configuration = resolve(preset=preset, config=config, assignments=assignments)
        return None, design(configuration)
    directory = find(run, runs_folder(runs), "train", "cut", "retrain")
    return directory, directory.architecture()


def _cell(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.4f}"


def _summary(document: dict[str, Any]) -> str:
    lines = []
    if document["path"]:
        lines.append(f"{document['path']}: {document['kind']}, {document['status']}")
    lines.append(
        f"{len(document['connections'])} connections, {document['gated_connections']} gated; "
        f"{document['parameters']:,} parameters; {document['macs']:,} MACs an image"
    )
    gates = document["gates"]
    if gates:
        lines.append(
            f"gates below 0.01: {gates['below_0.01']}, below 0.1: {gates['below_0.1']}, above 0.9: {gates['above_0.9']}"
        )
    return "\n".join(lines)
