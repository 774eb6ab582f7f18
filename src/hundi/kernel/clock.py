"""Time as the network keeps it: integer microseconds since 1970-01-01 UTC.

`now` is an argument everywhere below the edge; only the edge reads a clock.
"""

import time
from datetime import UTC, date, datetime, timedelta, timezone

MILLISECOND = 1_000
SECOND = 1_000 * MILLISECOND
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_AHEAD = 5 * HOUR + 30 * MINUTE
IST = timezone(timedelta(microseconds=_AHEAD))
"""Indian Standard Time: dates on documents and financial years are told in it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_DAY = _EPOCH.toordinal()


def wall_clock() -> int:
    """Microseconds now by this machine's clock. Called at the edge only."""
    return time.time_ns() // 1000


def to_text(instant: int) -> str:
    """RFC 3339 in UTC with microseconds, for people and answers: `2026-01-05T10:30:00.000000Z`."""
    moment = _EPOCH + timedelta(microseconds=instant)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def to_text_if(instant: int | None) -> str | None:
    """The same of a moment that may not have come."""
    return None if instant is None else to_text(instant)


def indian_date(instant: int) -> date:
    """The calendar date in India at that moment."""
    return date.fromordinal(_FIRST_DAY + (instant + _AHEAD) // DAY)


def financial_year(day: date) -> str:
    """The Indian financial year (April to March) of a date, as `2025-26`."""
    first = day.year if day.month >= 4 else day.year - 1
    return f"{first}-{(first + 1) % 100:02d}"
