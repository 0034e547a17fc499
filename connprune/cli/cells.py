"""Values in the cells of a CSV file."""

from typing import Any

from connprune.printable import printable

# What a spreadsheet takes for the beginning of a formula, also in the full width of East Asian input.
_FORMULA = tuple("=+-@＝＋－＠")


def cell(value: Any) -> Any:
    """A value as a spreadsheet shows it: text on one line, and a formula from elsewhere as text, after an apostrophe.

    Numbers stay numbers, also those that are text.
    """
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.isascii() and text[-1] in "0123456789."
