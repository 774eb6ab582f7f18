"""When the next attempt is made, and when trying ends. Pure; microseconds throughout.

Protocol, section 6: at once, 5 s, 30 s, 2 min, 10 min, 1 h, 3 h, 6 h, 12 h, then every 24 h, each
± 10 %. A receiver's Retry-After moves an attempt later, never earlier, and by a day at most.
"""

from hundi.kernel.clock import DAY, HOUR, MINUTE, SECOND
from hundi.kernel.identity import RandomBytes

SCHEDULE = (
    0,
    5 * SECOND,
    30 * SECOND,
    2 * MINUTE,
    10 * MINUTE,
    HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    24 * HOUR,
)
TRIED_FOR = 10 * DAY
LONGEST_WAIT = DAY


def delay(failures: int, random: RandomBytes) -> int:
    """The wait before the next attempt after so many failed ones, jitter included."""
    span = SCHEDULE[min(failures, len(SCHEDULE) - 1)]
    tenth = span // 10
    if tenth == 0:
        return span
    return span - tenth + int.from_bytes(random(8), "big") % (2 * tenth + 1)


def next_attempt(
    failures_before: int, asked_seconds: int | None, *, failed: bool, random: RandomBytes
) -> int:
    """Microseconds until the next attempt.

    `failures_before` counts the failed attempts before this one; `asked_seconds` is what the
    receiver asked for. An answer that only asks to be asked again is no failure.
    """
    asked = min(max(asked_seconds or 0, 0) * SECOND, LONGEST_WAIT)
    if not failed:
        return max(asked, SECOND)
    return max(delay(failures_before + 1, random), asked)


def gives_up(created_at: int, now: int, *, until_exchange_ends: bool) -> bool:
    """Whether trying ends and the webhook is parked: never for the request of a proposal."""
    return not until_exchange_ends and now - created_at >= TRIED_FOR
