"""How many calls a second a client may make: read from a setting, judged by a token bucket each.

`messages=200/400, reads=100`: of each kind so many a second and, after a slash, so many at once
(twice as many as a second, where it is not said). `off` is no limit.
"""

import re
from dataclasses import dataclass
from enum import Enum

from hundi.kernel.clock import SECOND

VARIABLE = "HUNDI_RATE_LIMITS"
OFF = "off"
MOST = 100_000
_RATE = re.compile(r"([1-9][0-9]{0,5})(?:/([1-9][0-9]{0,5}))?")
_CLIENTS_AT_MOST = 20_000

LATE_AT_MOST = 10 * SECOND
"""How far a call's time may lie before the last one seen: looking its token up can delay it."""


class Use(Enum):
    """What a call is, as limits tell them apart: a message under /api/v0, or a call of our own."""

    MESSAGES = "messages"
    READS = "reads"


class BadRateError(ValueError):
    """A rate that cannot be read; the message says what to give instead."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many calls a second, and so many at once after a rest. Zero a second is no limit."""

    a_second: int
    at_once: int


NO_LIMIT = Rate(0, 0)


@dataclass(frozen=True, slots=True)
class Rates:
    """The limits of one client, by the use of a call."""

    messages: Rate = NO_LIMIT
    reads: Rate = NO_LIMIT

    def of(self, use: Use) -> Rate:
        """The limit of a use."""
        return self.messages if use is Use.MESSAGES else self.reads


USUAL = Rates(messages=Rate(200, 400), reads=Rate(100, 200))
"""Where nothing is set, outside development."""


def rates_from(text: str, *, usual: Rates) -> Rates:
    """Read the setting over what is usual; "" leaves it. Raises BadRateError."""
    if text.strip() == OFF:
        return Rates()
    found = {use: usual.of(use) for use in Use}
    for part in text.split(",") if text.strip() else ():
        name, _, rate = part.partition("=")
        if name.strip() not in {use.value for use in Use}:
            detail = f"{part.strip()!r} is no limit. Give such as messages=200/400, reads=100."
            raise BadRateError(f"{VARIABLE}: {detail}")
        try:
            found[Use(name.strip())] = rate_from(rate.strip())
        except BadRateError as error:  # a client's own limit is named by nobody's variable
            raise BadRateError(f"{VARIABLE}: {error}") from error
    return Rates(found[Use.MESSAGES], found[Use.READS])


def rate_from(text: str) -> Rate:
    """Read one rate: `200`, `200/400` or `off`. Raises BadRateError."""
    if text == OFF:
        return NO_LIMIT
    read = _RATE.fullmatch(text)
    a_second = int(read[1]) if read else 0
    at_once = int(read[2]) if read and read[2] else min(2 * a_second, MOST)
    if not (1 <= a_second <= MOST and 1 <= at_once <= MOST):
        detail = f"Give calls a second, and at once after a slash, from 1 to {MOST}, or off."
        raise BadRateError(f"{text!r} is no rate. {detail}")
    return Rate(a_second, at_once)


class Buckets:
    """What the clients of one process have used of one limit: one number for each.

    It is the moment at which a bucket will be full again; a call moves it on by its share of a
    second. Numbers of clients that have rested are forgotten.
    """

    def __init__(self) -> None:
        self._full_at: dict[str, int] = {}

    def take(self, client_id: str, rate: Rate, now: int) -> int:
        """Let a call in (0), or say how many microseconds it comes too early."""
        if not rate.a_second:
            return 0
        share = SECOND // rate.a_second
        ahead = max(self._full_at.get(client_id, 0) - now, 0)
        # So far ahead of a whole bucket: the clock was set back, or the limit was raised.
        ahead = 0 if ahead > share * rate.at_once + LATE_AT_MOST else ahead
        early = ahead - share * (rate.at_once - 1)
        if early > 0:
            return early
        if len(self._full_at) >= _CLIENTS_AT_MOST:
            self._full_at = {one: at for one, at in self._full_at.items() if at > now}
        self._full_at[client_id] = now + ahead + share
        return 0
