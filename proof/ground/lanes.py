"""Many receivers behind one port, by the first part of the path: what order came in, and trouble."""

import asyncio
from collections import Counter
from random import Random
from time import perf_counter
from typing import TYPE_CHECKING

from bench.receiver import Headers
from proof.ground.receiving import Systems

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

_OBJECT = b'"PUR'
_VERSION = b'"newVersion": '
Lane = tuple[bytes, bytes]
"""A receiver, and a document."""
SPOILT_AT_MOST = 3
"""Attempts at one webhook: after a fourth the network would wait for ten minutes, and the part for it."""


def nothing(_lane: Lane, _webhook: bytes) -> None:
    """Nobody listens."""


def _lane_of(head: bytes, body: bytes) -> Lane:
    at = body.index(_OBJECT) + 1
    return head[6 : head.index(b"/", 6)], body[at : at + 35]


class Lanes(Systems):
    """Notes each document's sequence and version at each receiver; both must rise without an end.

    `bad` receivers answer with 500, reset the connection, stay silent for good, or take two seconds,
    at so many of a hundred webhooks as `trouble` says. `heard` is told of each webhook that is taken.
    """

    def __init__(self, chance: Random) -> None:
        super().__init__(chance)
        self.bad: Collection[bytes] = ()
        self.trouble = 10
        self.heard: Callable[[Lane, bytes], None] = nothing
        self.sequences: dict[Lane, tuple[int, bytes]] = {}
        self.versions: dict[Lane, tuple[int, bytes]] = {}
        self.backwards = 0
        self.standing = 0
        self.spoilt: Counter[bytes] = Counter()
        self.arrived: dict[bytes, float] = {}

    def took(self, transport: asyncio.Transport, head: bytes, body: bytes) -> None:
        """Note it, then answer or misbehave."""
        headers, lane = Headers(head), _lane_of(head, body)
        webhook, receiver = headers.value(b"webhook-id"), lane[0]
        self.arrived.setdefault(headers.value(b"hundi-exchange") + receiver, perf_counter())
        self._order(lane, int(headers.value(b"hundi-sequence")), webhook)
        if receiver in self.bad and self._spoils(webhook):
            self._misbehave(transport, head, body)
        else:
            self._take(transport, head, body)

    def _take(self, transport: asyncio.Transport, head: bytes, body: bytes) -> None:
        lane, webhook = _lane_of(head, body), Headers(head).value(b"webhook-id")
        if b"/req-" in head[: head.index(b"\r")]:
            self._version(lane, body, webhook)
        super().took(transport, head, body)
        self.heard(lane, webhook)

    def _later(self, held: tuple[asyncio.Transport, bytes, bytes]) -> None:
        """What is answered late is taken, too."""
        if not held[0].is_closing():
            self._take(*held)

    def _spoils(self, webhook: bytes) -> bool:
        if self._chance.randrange(100) >= self.trouble or self.spoilt[webhook] >= SPOILT_AT_MOST:
            return False
        self.spoilt[webhook] += 1
        return True

    def _order(self, lane: Lane, sequence: int, webhook: bytes) -> None:
        last, name = self.sequences.get(lane, (0, b""))
        if name == webhook:
            self.standing += sequence != last
            return
        self.backwards += sequence <= last
        self.sequences[lane] = (sequence, webhook)

    def _version(self, lane: Lane, body: bytes, webhook: bytes) -> None:
        at = body.index(_VERSION) + len(_VERSION)
        version = int(body[at : body.index(b"}", at)])
        last, name = self.versions.get(lane, (0, b""))
        self.backwards += version < last if name == webhook else version <= last
        self.versions[lane] = (version, webhook)

    def _misbehave(self, transport: asyncio.Transport, head: bytes, body: bytes) -> None:
        way = self._chance.randrange(20)
        if way < 8:
            transport.write(b"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n")
        elif way < 16:
            transport.abort()
        elif way < 18:
            asyncio.get_running_loop().call_later(2, self._later, (transport, head, body))
        # else never
