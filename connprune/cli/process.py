"""What a command needs of its process: signals that end it, and standard streams. Nothing slow is imported before."""

import os
import sys

from connprune.cli.streams import open_all
from connprune.errors import InterruptedRunError
from connprune.signals import Interrupts


def run() -> int:
    """Runs the command that the process was started with, and returns its exit code."""
    interrupts = Interrupts()
    interrupts.begin()
    # Nothing here uses what packages may add to pydantic, and to look for it is to read the metadata of all of them.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")
    try:
        open_all()
        from connprune.cli.call import call

        code = call()
        # In here: until it is done a signal is still raised.
        interrupts.end()
    except InterruptedRunError as error:
        interrupts.end()
        from connprune.cli.output import tell
        from connprune.cli.resuming import advised

        if os.environ.get("CONNPRUNE_TRACEBACK"):
            sys.excepthook(*sys.exc_info())
        code = error.exit_code
        tell(advised(error))
    # One that was lost on its way counts too.
    return code if interrupts.came is None else 128 + interrupts.came
