"""A paired difference as two columns of a table."""

from connprune.documents.statistics import Difference


def in_points(difference: Difference | None) -> tuple[str, str]:
    """Its mean and its interval, in points; a dash for what there is none of."""
    if difference is None:
        return "-", "-"
    mean = _points(difference.mean)
    if difference.low is None or difference.high is None:
        return mean, "-"
    return mean, f"{_points(difference.low)} to {_points(difference.high)}"


def _points(value: float) -> str:
    """A share of 1 as signed points."""
    return f"{value * 100:+.2f}"
