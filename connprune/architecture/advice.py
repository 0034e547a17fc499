"""Which rules of a cut would work, to be named where one cuts nothing or too much."""

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping
from decimal import ROUND_DOWN, Context

from connprune.architecture.rules import Unit

# Whether a path from the input to the head is left without these.
LeavesPath = Callable[[frozenset[Unit]], bool]

# As many as any float needs to be told from its neighbours.
_MOST_DIGITS = 17
_SHARE = 0.25


def instead(scores: Mapping[Unit, float], leaves_path: LeavesPath) -> str:
    """What to cut by where a rule leaves no path: a sentence.

    Args:
        scores: of all that can be cut.
        leaves_path: see `LeavesPath`.
    """
    safe = largest_safe(scores, leaves_path)
    told = _between(_below(scores, safe), safe)
    if told is not None:
        return f"The largest threshold that keeps one is {told}."
    fewest = _fewest_kept(scores, leaves_path)
    if fewest == len(scores):
        return "By these scores nothing can be cut."
    return f"No threshold that cuts anything keeps one; keeping {fewest} does, and no smaller number."


def gentle(scores: Mapping[Unit, float], leaves_path: LeavesPath) -> str:
    """What to cut about a quarter by, or the most that can be cut if that is less: a sentence.

    Args:
        scores: of all that can be cut.
        leaves_path: see `LeavesPath`.
    """
    ranked = sorted(scores.values())
    quarter, safe = ranked[int(_SHARE * len(ranked))], largest_safe(scores, leaves_path)
    upper = min((score for score in ranked if score > quarter), default=math.inf)
    # Of equal scores a threshold cuts all.
    lower = quarter if upper <= safe else _below(scores, safe)
    told = _between(lower, min(upper, safe))
    examples = []
    if told is not None:
        examples.append(f"a threshold of {told} would cut {sum(score < float(told) for score in ranked)}")
    kept = len(ranked) - round(_SHARE * len(ranked))
    fewest = _fewest_kept(scores, leaves_path)
    if fewest <= kept < len(ranked):
        examples.append(f"a sparsity of {_SHARE:g} would cut {len(ranked) - kept}")
    elif fewest < len(ranked):
        examples.append(f"keeping {fewest} would cut {len(ranked) - fewest}")
    if not examples:
        return "Whatever is cut by these scores, no path from the input to the head would be left."
    return f"{', '.join(examples)} of them."


def largest_safe(scores: Mapping[Unit, float], leaves_path: LeavesPath) -> float:
    """The largest threshold that leaves a path; infinity if all do."""
    values = sorted(set(scores.values()))

    def cuts_all_paths(value: float) -> bool:
        return not leaves_path(frozenset(unit for unit, score in scores.items() if score <= value))

    first = bisect_left(values, True, key=cuts_all_paths)
    return values[first] if first < len(values) else math.inf


def rounded_down(value: float, digits: int = 6) -> str:
    """Some significant digits that are never more than the value, so that a user can pass them on as they are."""
    return f"{Context(prec=digits, rounding=ROUND_DOWN).create_decimal(repr(value)):g}"


def _below(scores: Mapping[Unit, float], limit: float) -> float | None:
    """The largest score below a limit."""
    return max((score for score in scores.values() if score < limit), default=None)


def _between(lower: float | None, upper: float) -> str | None:
    """A threshold above one score and at most another, in few digits; None if there is none."""
    if lower is None or upper < 0:
        return None
    if upper == math.inf:
        return f"{max(0, math.floor(lower) + 1)}"
    texts = (rounded_down(upper, digits) for digits in range(6, _MOST_DIGITS + 1))
    return next((text for text in texts if float(text) > lower), repr(upper))


def _fewest_kept(scores: Mapping[Unit, float], leaves_path: LeavesPath) -> int:
    """The smallest number of highest scores that leaves a path when they alone are kept."""
    ranked = sorted(scores, key=lambda unit: -scores[unit])
    return bisect_left(range(len(ranked)), True, key=lambda kept: leaves_path(frozenset(ranked[kept:])))
