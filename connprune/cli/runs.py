"""`connprune runs`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from connprune.cli import completion, options
from connprune.cli.output import Output

SortOption = Annotated[
    str | None,
    typer.Option(
        "--sort",
        metavar="KEY",
        help="Sort by a column or a key of the configuration, smallest first; -KEY is largest first.",
        autocompletion=completion.columns,
    ),
]
FilterOption = Annotated[
    list[str] | None,
    typer.Option(
        "--filter",
        metavar="EXPR",
        help="List only those of which KEY=VALUE or KEY>NUMBER holds (or !=, <, >=, <=); may be repeated.",
        autocompletion=completion.columns,
    ),
]


def runs(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(metavar="DIR", help="Folders of runs, or experiments, whose trainings are then listed."),
    ] = None,
    order: SortOption = None,
    conditions: FilterOption = None,
    runs: options.RunsOption = None,
    as_csv: options.CsvOption = False,
    as_json: options.JsonOption = False,
) -> None:
    """List runs, cuts and experiments, and the state of each.

    The most recently changed comes first: other commands take it if none is named. A connection counts as
    kept while its gate is not closed. A line says so where a folder is damaged or is not a run. The table
    has the columns that fit the terminal, or 80; --csv and --json have all.

      connprune runs

      connprune runs runs/compare-1a2b3c4d --json

    KEY is a column, by its heading or its name in --json, or a key of the configuration; quote < and > for the shell.

      connprune runs --filter status=done --filter data=digits --sort -training.optimizer.rate

    A folder that is called diff or rm is ./diff or ./rm.
    """
    from shutil import get_terminal_size

    from connprune.documents.lists import Runs
    from connprune.errors import UsageError
    from connprune.report.runs import runs_table
    from connprune.runs.find import runs_folder
    from connprune.runs.listing import rows
    from connprune.runs.selecting import Condition, selected

    options.require_one_format(as_csv, as_json)
    if folders and runs:
        raise UsageError("Give DIR or --runs, found both.")
    output = Output(as_json)
    folder = runs_folder(runs)
    wanted = [Condition.read(text) for text in conditions or ()]
    there = rows(folders or ([folder] if folder.exists() else []))
    listed = selected(there, wanted, order, _configuration_keys) if there else []
    document = Runs(runs=tuple(listed))
    if listed or as_json:
        output.table(
            runs_table(listed, datetime.now(UTC), get_terminal_size().columns),
            [row.plain() for row in listed],
            document,
            as_csv,
        )
    else:
        where = ", ".join(map(str, folders or [folder]))
        output.note(f"none of the {len(there)} in {where} is so" if there else f"there are no runs in {where}")
    damaged = [row.problem for row in there if row.status == "damaged"]
    if damaged:
        more = f" ({len(damaged) - 1} more are damaged)" if len(damaged) > 1 else ""
        output.warning(f"{damaged[0]}{more}")


def _configuration_keys() -> list[str]:
    from connprune.training.key_paths import configuration_keys

    return configuration_keys()
