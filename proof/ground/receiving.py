"""The systems of both businesses: what came, how often, under which ids. They answer at once.

Now and then, where `slow` says so, an answer takes up to a third of a second: attempts are under way
when something dies.
"""

import asyncio
from collections import Counter
from random import Random
from typing import TYPE_CHECKING

from bench.receiver import Headers, Receiver

if TYPE_CHECKING:
    from collections.abc import Callable


def _believing(_transport: asyncio.Transport, _head: bytes, _body: bytes) -> bool:
    return True


class Systems(Receiver):
    """Counts every webhook by its id. `came` has each id's arrivals.

    `judge` may answer a webhook itself and say False: it is not looked at then.

    `renamed` are messages that came under a second id, `altered` repeats with another body.
    """

    def __init__(self, chance: Random, *, slow: float = 0.0) -> None:
        super().__init__(one_way=False)
        self.came: Counter[bytes] = Counter()
        self.renamed = 0
        self.altered = 0
        self.judge: Callable[[asyncio.Transport, bytes, bytes], bool] = _believing
        self._chance = chance
        self._slow = slow
        self._bodies: dict[bytes, int] = {}
        self._names: dict[tuple[bytes, bytes], bytes] = {}

    @property
    def repeated(self) -> int:
        """Arrivals beyond the first of each id."""
        return self.came.total() - len(self.came)

    def took(self, transport: asyncio.Transport, head: bytes, body: bytes) -> None:
        """Count it, then answer as the benchmark's receiver does."""
        if not self.judge(transport, head, body):
            return
        headers = Headers(head)
        name, exchange = headers.value(b"webhook-id"), headers.value(b"hundi-exchange")
        path = head[5 : head.index(b" ", 5)]
        self.came[name] += 1
        self.renamed += self._names.setdefault((exchange, path), name) != name
        self.altered += self._bodies.setdefault(name, hash(body)) != hash(body)
        if self._chance.random() < self._slow:
            wait = self._chance.uniform(0, 0.3)
            asyncio.get_running_loop().call_later(wait, self._later, (transport, head, body))
        else:
            super().took(transport, head, body)

    def _later(self, held: tuple[asyncio.Transport, bytes, bytes]) -> None:
        if not held[0].is_closing():
            super().took(*held)
