"""How long proposals wait for an answer: of any message, and of some by name. Read from a setting.

`10d, purchase-order/req-send=3d, invoice/req-confirm-invoice=36h`: one time for all, times of
messages by the name that `/network/v1/exchanges` shows; m, h and d are minutes, hours and days.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from hundi.kernel.clock import DAY, HOUR, MINUTE

VARIABLE = "HUNDI_TIME_TO_LIVE"
LEAST, MOST = MINUTE, 90 * DAY

_UNITS = {"m": MINUTE, "h": HOUR, "d": DAY}
_TIME = re.compile(r"([0-9]{1,9})([mhd])")


class BadLifetimeError(ValueError):
    """The setting cannot be read; the message says what to give instead."""


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Times to live in microseconds: `usual`, and `named` ones by the message's stored name."""

    usual: int = 10 * DAY
    named: Mapping[str, int] = field(default_factory=dict)

    def of(self, message: str) -> int:
        """The time to live of a message."""
        return self.named.get(message, self.usual)


def lifetimes_from(text: str) -> Lifetimes:
    """Read the setting; "" leaves everything as it is. Raises BadLifetimeError."""
    found: dict[str, int] = {}
    for part in text.split(",") if text.strip() else ():
        name, named, text_of_time = part.rpartition("=")
        name, time = name.strip(), _time(text_of_time.strip())
        if named and not name:
            raise BadLifetimeError(f"{VARIABLE}: no message is named in {part.strip()!r}.")
        if name in found:
            raise BadLifetimeError(f"{VARIABLE}: {name or 'the time of all'} is given twice.")
        found[name] = time
    usual = found.pop("", Lifetimes().usual)
    return Lifetimes(usual, found)


def _time(text: str) -> int:
    read = _TIME.fullmatch(text)
    time = int(read[1]) * _UNITS[read[2]] if read else 0
    if not LEAST <= time <= MOST:
        detail = "is no time to live. Give a number and m, h or d, such as 36h, from 1m to 90d."
        raise BadLifetimeError(f"{VARIABLE}: {text!r} {detail}")
    return time
