"""`connprune runs`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from connprune.cli import options
from connprune.cli.output import Output


def runs(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(metavar="DIR", help="Folders of runs, or experiments, whose trainings are then listed."),
    ] = None,
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
    """
    from shutil import get_terminal_size

    from connprune.documents.lists import Runs
    from connprune.errors import UsageError
    from connprune.report.runs import runs_table
    from connprune.runs.find import runs_folder
    from connprune.runs.listing import rows

    options.require_one_format(as_csv, as_json)
    if folders and runs:
        raise UsageError("Give DIR or --runs, found both.")
    output = Output(as_json)
    folder = runs_folder(runs)
    listed = rows(folders or ([folder] if folder.exists() else []))
    document = Runs(runs=tuple(listed))
    if listed or as_json:
        output.table(
            runs_table(listed, datetime.now(UTC), get_terminal_size().columns),
            [row.plain() for row in listed],
            document,
            as_csv,
        )
    else:
        output.note(f"there are no runs in {', '.join(map(str, folders or [folder]))}")
    damaged = [row.problem for row in listed if row.status == "damaged"]
    if damaged:
        more = f" ({len(damaged) - 1} more are damaged)" if len(damaged) > 1 else ""
        output.warning(f"{damaged[0]}{more}")
