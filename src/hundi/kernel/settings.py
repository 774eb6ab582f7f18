"""What `hundi serve` was asked to do, as the command line hands it on."""

import re
from dataclasses import dataclass, field

from hundi.kernel.clock import DAY, HOUR, MINUTE, SECOND
from hundi.kernel.lifetimes import Lifetimes
from hundi.kernel.rates import Rates
from hundi.kernel.sealing import Keyring


@dataclass(frozen=True, slots=True)
class Keeping:
    """What is kept under watch.

    `invariants_every` is how often the promises are checked, in microseconds (0: never), and
    `journal_key` signs the checkpoints of the journals (empty: none are made).
    """

    invariants_every: int = MINUTE
    journal_key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """What is served. `role` is all, api or dispatcher.

    Port 0 means any free one, None that a dispatcher listens nowhere. One process does what the role
    says; of `workers` above 1 each is a process of its own.

    `dev` allows http and loopback endpoints, for two systems on one laptop, and simulates contacts.
    `lifetimes` say how long proposals and bids wait for an answer. `contact_rail` is where ownership
    codes are posted, with `contact_token`; empty: nowhere. `keyring` opens the secrets at rest.
    `rates` limit the calls of a client; `proxies` are addresses whose X-Forwarded-For is believed;
    `log` and `log_format` as in `observing.logs`.
    """

    database_url: str
    host: str
    port: int | None
    role: str
    dev: bool
    lifetimes: Lifetimes
    contact_rail: str = ""
    contact_token: str = ""
    keeping: Keeping = Keeping()
    keyring: Keyring = field(default_factory=Keyring)
    rates: Rates = field(default_factory=Rates)
    proxies: str = ""
    workers: int = 1
    log: str = ""
    log_format: str = ""


class CannotServeError(Exception):
    """Why this process does not serve; the message says what to do about it."""


INVARIANTS_VARIABLE = "HUNDI_INVARIANTS_EVERY"
_INTERVAL = re.compile(r"([0-9]{1,5})([smhd])")
_UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}


def invariants_interval(text: str) -> int:
    """Read how often promises are checked: `30s`, `5m`, `off`; "" is every minute.

    Raises CannotServeError.
    """
    if not text:
        return Keeping().invariants_every
    if text == "off":
        return 0
    read = _INTERVAL.fullmatch(text)
    interval = int(read[1]) * _UNITS[read[2]] if read else 0
    if not 10 * SECOND <= interval <= DAY:
        detail = f"{text!r} is no interval. Give a number and s, m, h or d, from 10s to 1d, or off."
        raise CannotServeError(f"{INVARIANTS_VARIABLE}: {detail}")
    return interval
