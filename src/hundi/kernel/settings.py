"""What `hundi serve` was asked to do, as the command line hands it on."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """One serving process. `role` is all, api or dispatcher; port 0 means any free one.

    `lapse_days` is how long requests for financing and bids wait for an answer. `dev` allows http and loopback endpoints, for two systems on one laptop.
    """

    database_url: str
    host: str
    port: int
    role: str
    dev: bool
    lapse_days: int = 10


class CannotServeError(Exception):
    """Why this process does not serve; the message says what to do about it."""
