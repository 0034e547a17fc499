"""What time it is."""

from datetime import UTC, datetime


def now() -> str:
    """This moment, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="microseconds")
