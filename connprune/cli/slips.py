"""What was meant by a word that a command takes as an option's value, or not at all."""

import re
from pathlib import Path

from connprune.printable import printable

# The options that take such a word, by command; `train` goes on with a run.
_TAKES = {
    "train": ("--preset", "--config", "--data", "--resume --run"),
    "bench": ("--preset", "--config"),
    "inspect": ("--preset", "--config"),
}


def meant(word: str, command: str) -> str | None:
    """The option that a word belongs to; None if it is none that the command has, or no word of any option.

    Args:
        word: what the user wrote without an option.
        command: the command that they gave it to.
    """
    from connprune.data.formats import format_of
    from connprune.data.named import SOURCES
    from connprune.preset_names import preset_names

    path = Path(word)
    try:
        is_file, is_folder, is_run = path.is_file(), path.is_dir(), (path / "summary.json").is_file()
    except (OSError, ValueError):
        is_file = is_folder = is_run = False
    is_data = is_file and format_of(path) is not None
    # A preset comes before the data set of its name.
    fits = {
        "--preset": word in preset_names(),
        "--config": is_file and not is_data,
        "--resume --run": is_run,
        "--data": is_folder or is_data or word in SOURCES,
    }
    return next((option for option, does in fits.items() if does and option in _TAKES.get(command, ())), None)


def explained(message: str, arguments: list[str]) -> str:
    """A message of the command line's parser, with what was meant by a word that it did not expect.

    Args:
        message: what the parser says.
        arguments: what the process was started with, without its own name.
    """
    extra = re.search(r"unexpected extra argument.*\((.*)\)", message)
    if not extra or not arguments:
        return message
    for word in arguments[1:]:
        option = meant(word, arguments[0]) if word in extra[1] else None
        if option:
            return f"{message}; did you mean {option} {printable(word)}?"
    return message


def require_no_slip(word: str | None, command: str) -> None:
    """Refuses a word where a run belongs, if there is no such run and an option takes the word.

    Raises:
        UsageError: so it is; the message names the option.
    """
    from connprune.errors import UsageError

    option = meant(word, command) if word and not Path(word).is_dir() else None
    if option:
        raise UsageError(f"{word}: there is no such run; did you mean {option} {word}?")
