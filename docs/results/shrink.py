"""Makes a comparison's or a sweep's JSON small enough to keep: no long numbers, of paths the last part, no spaces.

python docs/results/shrink.py COMPARISON.json > docs/results/NAME.json
"""

import json
import sys
from pathlib import Path
from typing import Any

_ROUNDED = 6
_PATHS = ("path", "cuts")


def shrunk(value: Any) -> Any:
    """The same with numbers to six digits after the point, and of paths the last part."""
    if isinstance(value, dict):
        return {key: _last(each) if key in _PATHS else shrunk(each) for key, each in value.items()}
    if isinstance(value, list):
        return [shrunk(each) for each in value]
    return round(value, _ROUNDED) if isinstance(value, float) else value


def _last(path: Any) -> Any:
    return list(map(_last, path)) if isinstance(path, list) else Path(path).resolve().name


if __name__ == "__main__":
    file = Path(sys.argv[1])
    document = json.loads(file.read_text(encoding="utf-8"))
    # A file's seal is of all its digits.
    document.pop("digest", None)
    print(json.dumps(shrunk(document), separators=(",", ":")))
