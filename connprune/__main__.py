"""`python -m connprune` is the command line; `connprune`, or `python -P -m connprune`, is the way to start it."""

import os
import sys

if not sys.flags.safe_path and sys.path[0] == os.getcwd():  # noqa: PTH109
    # Python has put the current folder first, where a file may be called like a library; none is imported yet.
    del sys.path[0]

from connprune.cli import main

if __name__ == "__main__":
    main()
