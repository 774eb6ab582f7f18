"""What `hundi serve` was asked to do, as the command line hands it on."""

from dataclasses import dataclass, field

from hundi.kernel.lifetimes import Lifetimes
from hundi.kernel.rates import Rates
from hundi.kernel.sealing import Keyring


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """What is served. `role` is all, api or dispatcher; port 0 means any free one.

    One process does what the role says; of `workers` above 1 each is a process of its own.

    `dev` allows http and loopback endpoints, for two systems on one laptop, and simulates contacts.
    `lifetimes` say how long proposals and bids wait for an answer. `contact_rail` is where ownership
    codes are posted, with `contact_token`; empty: nowhere. `keyring` opens the secrets at rest.
    `rates` limit the calls of a client; `proxies` are addresses whose X-Forwarded-For is believed;
    `log` and `log_format` as in `observing.logs`.
    """

    database_url: str
    host: str
    port: int
    role: str
    dev: bool
    lifetimes: Lifetimes
    contact_rail: str = ""
    contact_token: str = ""
    keyring: Keyring = field(default_factory=Keyring)
    rates: Rates = field(default_factory=Rates)
    proxies: str = ""
    workers: int = 1
    log: str = ""
    log_format: str = ""


class CannotServeError(Exception):
    """Why this process does not serve; the message says what to do about it."""
