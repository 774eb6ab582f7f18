"""A circuit breaker for each endpoint: a dead one is asked now and then, and costs nobody else.

Closed → open after five failures in a row → half-open, one attempt as a probe → closed by its
success, or open again for twice as long (1 s to 60 s). In memory, one of its own in each process.
Waiting here is no failed attempt: a delivery that is not tried keeps its place and its schedule.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hundi.delivery.retry import jittered
from hundi.kernel.clock import MINUTE, SECOND
from hundi.kernel.identity import RandomBytes

CONCURRENCY = 32
SWIFT_MILLISECONDS, SWIFT_TIMES = 250, 3
"""An endpoint that answers so soon holds no place for long: it may have so many times as much in flight."""
THRESHOLD = 5
FIRST_PAUSE = SECOND
LONGEST_PAUSE = MINUTE
REMEMBERED = 10_000


@dataclass(slots=True)
class _Trouble:
    """An endpoint whose latest attempt failed. `pause` and `open_until` are 0 while closed."""

    failures: int = 0
    pause: int = 0
    open_until: int = 0


class Breaker:
    """How many attempts each endpoint may have in flight.

    `concurrency` is the bound of a healthy endpoint; one whose last answer came soon has three times it.
    Only endpoints in trouble and swift ones are remembered, the latest 10,000 of each; a forgotten one
    counts as healthy until it fails five times again.
    """

    def __init__(self, *, random: RandomBytes, concurrency: int = CONCURRENCY) -> None:
        self._random = random
        self.concurrency = concurrency
        self._swift: dict[str, None] = {}
        self._troubles: dict[str, _Trouble] = {}

    def allows(self, client_id: str, now: int) -> int:
        """Attempts that may be in flight: 0 while open, 1 half-open, else the bound.

        Each failure in a row halves the bound, so that an endpoint that dies takes few of the
        dispatcher's places with it into its time-outs.
        """
        trouble = self._troubles.get(client_id)
        if trouble is None:
            return self.concurrency * (SWIFT_TIMES if client_id in self._swift else 1)
        if trouble.pause:
            return 0 if _is_open(trouble, now) else 1
        return max(1, self.concurrency >> trouble.failures)

    def room(self, flying: Mapping[str, int], now: int) -> dict[str, int]:
        """How many more attempts may begin, by client: of each in trouble and each that `flying` names.

        Of any other, `concurrency`: a swift one has its larger bound while it is named.
        """
        named = {*self._troubles, *flying}
        return {one: self.allows(one, now) - flying.get(one, 0) for one in named}

    def succeeded(self, client_id: str, milliseconds: int) -> None:
        """An attempt was answered after so long, whatever the answer decided: close."""
        self._troubles.pop(client_id, None)
        if milliseconds > SWIFT_MILLISECONDS:
            self._swift.pop(client_id, None)
        elif client_id not in self._swift:
            self._swift[client_id] = None
            _forget_the_oldest(self._swift)

    def failed(self, client_id: str, now: int) -> None:
        """An attempt failed: count it, open where it is the fifth in a row or the probe."""
        self._swift.pop(client_id, None)
        trouble = self._troubles.pop(client_id, None) or _Trouble()
        self._troubles[client_id] = trouble
        _forget_the_oldest(self._troubles)
        if _is_open(trouble, now):
            return  # it had started before the breaker opened, and tells nothing new
        trouble.failures += 1
        if trouble.failures >= THRESHOLD:
            trouble.pause = min(2 * trouble.pause, LONGEST_PAUSE) or FIRST_PAUSE
            trouble.open_until = now + jittered(trouble.pause, self._random)

    def open_until(self, client_id: str, now: int) -> int | None:
        """When the next probe may go out; None where the breaker is not open."""
        trouble = self._troubles.get(client_id)
        if trouble is None or not _is_open(trouble, now):
            return None
        return trouble.open_until

    def open_count(self, now: int) -> int:
        """How many endpoints are not tried at the moment, for the metrics."""
        return sum(_is_open(trouble, now) for trouble in self._troubles.values())


def _forget_the_oldest(known: dict[str, Any]) -> None:
    if len(known) > REMEMBERED:
        del known[next(iter(known))]


def _is_open(trouble: _Trouble, now: int) -> bool:
    # A clock that was set back must not keep a breaker open for longer than its pause.
    return 0 < trouble.open_until - now <= 2 * trouble.pause
