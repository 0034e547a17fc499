"""`python -m connprune` is the command line."""

from connprune.cli import main

if __name__ == "__main__":
    main()
