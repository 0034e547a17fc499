"""Makes a comparison's or a sweep's JSON small enough to keep: what a table is made of, without paths and spaces.

python docs/results/shrink.py COMPARISON.json > docs/results/NAME.json
"""

import json
import sys
from pathlib import Path
from typing import Any

_ROUNDED = 6


def shrunk(value: Any) -> Any:
    """The same with numbers to six digits after the point, and without paths."""
    if isinstance(value, dict):
        return {key: shrunk(each) for key, each in value.items() if key not in ("path", "cut")}
    if isinstance(value, list):
        return [shrunk(each) for each in value]
    return round(value, _ROUNDED) if isinstance(value, float) else value


if __name__ == "__main__":
    document = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    for row in document.get("rows", ()):
        for member in row.get("members", ()):
            # A run: seed, held-out accuracy, test accuracy, seconds.
            member["runs"] = [list(run.values()) for run in member["runs"]]
    print(json.dumps(shrunk(document), separators=(",", ":")))
