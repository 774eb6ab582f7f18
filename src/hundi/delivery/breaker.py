"""A circuit breaker for each endpoint, so that a dead one costs nobody else anything.

    closed ──5 failures in a row──► open ──time is over──► half open ──success──► closed
                                      ▲                        │
                                      └──────── failure ───────┘   (the wait doubles, 60 s at most)

In memory, one per dispatcher. Waiting for the breaker is no failed attempt.
"""

from collections import OrderedDict
from dataclasses import dataclass

from hundi.kernel.clock import SECOND
from hundi.kernel.identity import RandomBytes

FAILURES_TO_OPEN = 5
FIRST_WAIT = SECOND
LONGEST_WAIT = 60 * SECOND
CONCURRENT_PER_ENDPOINT = 32
REMEMBERED_ENDPOINTS = 100_000


@dataclass(slots=True)
class _Line:
    failures: int = 0
    open_until: int = 0
    wait: int = 0


class Breaker:
    """The breakers of all endpoints that have failed lately. `now` is an argument."""

    def __init__(self, *, random: RandomBytes, concurrent: int = CONCURRENT_PER_ENDPOINT) -> None:
        self._random = random
        self._concurrent = concurrent
        self._lines: OrderedDict[str, _Line] = OrderedDict()

    def allows(self, client_id: str, now: int) -> int:
        """How many attempts may be under way: none while open, one to probe, else the bound."""
        line = self._lines.get(client_id)
        if line is None or line.wait == 0:
            return self._concurrent
        return 0 if now < line.open_until else 1

    def succeeded(self, client_id: str, now: int) -> None:  # noqa: ARG002 (the twin of `failed`)
        """An attempt got an answer that the endpoint meant: all is well again."""
        self._lines.pop(client_id, None)

    def failed(self, client_id: str, now: int) -> None:
        """An attempt failed; five in a row open the breaker."""
        line = self._lines.setdefault(client_id, _Line())
        self._lines.move_to_end(client_id)
        if len(self._lines) > REMEMBERED_ENDPOINTS:
            self._lines.popitem(last=False)
        line.failures += 1
        if line.failures < FAILURES_TO_OPEN or now < line.open_until:
            return
        line.wait = min(line.wait * 2, LONGEST_WAIT) if line.wait else FIRST_WAIT
        jitter = int.from_bytes(self._random(4), "big") % (line.wait // 10 + 1)
        line.open_until = now + line.wait + jitter

    def open_count(self, now: int) -> int:
        """How many breakers are open, for the metrics."""
        return sum(1 for line in self._lines.values() if line.open_until > now)
