"""`connprune env`."""

from connprune.cli import options
from connprune.cli.output import Output


def env(runs: options.RunsOption = None, as_json: options.JsonOption = False) -> None:
    """Print what a bug report needs: versions, machine, devices, extras, variables and folders.

    Read it before you paste it: it names folders and what the environment variables that concern connprune, PyTorch and
    CUDA hold.

      connprune env
    """
    from connprune.data.cache import cache_folder
    from connprune.errors import UsageError
    from connprune.report.machine import machine_text
    from connprune.runs.find import runs_folder
    from connprune.runs.machine import machine

    try:
        cache = cache_folder()
    except UsageError:
        cache = None
    document = machine(runs_folder(runs), cache)
    Output(as_json).result(machine_text(document), document)
