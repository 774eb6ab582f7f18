"""When a failed delivery is tried again, and when the trying ends. Pure; times in microseconds.

failures   0        1    2     3      4       5    6    7    8     9 and more
next       at once  5 s  30 s  2 min  10 min  1 h  3 h  6 h  12 h  24 h

Who answers PENDING is asked again when he says, up to the tenth attempt at the webhook; after later
ones no sooner than in a minute, and after the hundredth no sooner than in ten. Each attempt is a row:
`Retry-After: 0` for ten days would be 860,000 of them, and is 1,500 so.
"""

from hundi.kernel.clock import DAY, HOUR, MINUTE, SECOND
from hundi.kernel.identity import RandomBytes

SCHEDULE = (
    5 * SECOND,
    30 * SECOND,
    2 * MINUTE,
    10 * MINUTE,
    HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
)
AFTERWARDS = DAY
ASKED_AT_LEAST = SECOND
ASKED_AT_MOST = DAY
GIVES_UP_AFTER = 10 * DAY
PATIENCE = ((100, 10 * MINUTE), (10, MINUTE))
"""After so many attempts, no sooner than in so long."""

_JITTER = 10  # a tenth, either way
_RANDOM_BYTES = 8


def jittered(planned: int, random: RandomBytes) -> int:
    """A time within a tenth of the planned one, so that what failed together returns apart."""
    spread = planned // _JITTER
    drawn = int.from_bytes(random(_RANDOM_BYTES), "big")
    return planned - spread + (drawn * (2 * spread + 1) >> 8 * _RANDOM_BYTES)


def delay(failures: int, random: RandomBytes) -> int:
    """Time from the latest of so many failed attempts to the next one."""
    if failures <= 0:
        return 0
    planned = SCHEDULE[failures - 1] if failures <= len(SCHEDULE) else AFTERWARDS
    return jittered(planned, random)


def next_attempt(
    failures: int, asked: int | None, *, failed: bool, random: RandomBytes, pending: int = 0
) -> int:
    """Time from the end of an attempt to the next one.

    `failures` are those before this attempt. `asked` is what the receiver wants, in seconds: a
    failed attempt waits for the later of it and the schedule, another one just for it. It counts
    as 1 s at least and 24 h at most. `pending` is the number of an attempt that was answered with
    PENDING: the later ones wait longer than was asked.
    """
    planned = delay(failures + 1, random) if failed else 0
    if asked is None:
        return planned
    least = next((least for count, least in PATIENCE if pending > count), ASKED_AT_LEAST)
    return max(planned, min(max(asked * SECOND, least), ASKED_AT_MOST))


def gives_up(created_at: int, now: int, *, until_exchange_ends: bool) -> bool:
    """Whether an attempt that was in vain just now was the last, until somebody redrives it.

    A proposal's request is tried as long as its exchange is open (`until_exchange_ends`), all else
    for 10 days.
    """
    return not until_exchange_ends and now - created_at >= GIVES_UP_AFTER
