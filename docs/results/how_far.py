"""How far a parent can be cut before the accuracy on validation images falls, without retraining.

python docs/results/how_far.py FOLDER > docs/results/NAME.json

The folder holds what `prune --dry-run --sweep --json` printed, in files that are called PARENT-RULER-SEED.json.
"""

import json
import sys
from pathlib import Path
from typing import Any

from connprune.documents.base import SCHEMA

# Of accuracy, in shares of the images.
_MAY_FALL = 0.01


def furthest(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The last cut before the first that costs more than it may."""
    found = rows[0]
    for row in rows:
        if row["validation_accuracy"] < rows[0]["validation_accuracy"] - _MAY_FALL:
            break
        found = row
    return found


if __name__ == "__main__":
    results = []
    for path in sorted(Path(sys.argv[1]).glob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        row = furthest(document["rows"])
        parent, by, seed = path.stem.split("-")
        kept = {key: row[key] for key in ("threshold", "connections", "parameters", "macs", "validation_accuracy")}
        results.append({"parent": parent, "by": by, "seed": int(seed), **kept})
    print(json.dumps({"schema": SCHEMA, "kind": "how-far", "may_fall": _MAY_FALL, "rows": results}))
