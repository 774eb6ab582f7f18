"""How many connections a server lets in, and the seconds by which each of them is judged.

A second is one sweep over all of them. Beyond the usual number there is a spare room, for who asks how
the server is.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from hundi.web.reserve import Reserve

CONNECTIONS = 4096
SPARE = 64
OTHER_FILES = 400  # the database's connections, 256 webhooks under way, files and what listens
FEWEST = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a server grants. All but the first two are seconds.

    Beyond `connections`, `spare` more are let in to ask for /healthz and /metrics, and are told 503
    for all else; so are those that come while no file handle is left.
    `head` and `request` are how long one may take to arrive, counted from its first byte; `rest` is
    how long a connection may lie idle, `last` the same once the server is to stop; `unsent` how long
    a peer may leave answers untaken.
    """

    connections: int
    spare: int
    head: int
    request: int
    rest: int
    last: int
    unsent: int


def limits(files: int) -> Limits:
    """The limits of a process that may open so many files."""
    room = room_for(files)
    return Limits(connections=room, spare=SPARE, head=20, request=60, rest=75, last=1, unsent=60)


def room_for(files: int) -> int:
    """How many connections leave enough of the files that a process may open to everything else."""
    return max(FEWEST, min(CONNECTIONS, files - OTHER_FILES - SPARE))


class Connected(Protocol):
    """A connection as it is counted: once a second it says whether its peer has been too slow."""

    def judge(self) -> None:
        """End, if its peer has kept us waiting for too long."""


class Connections:
    """All open connections of one server, and the seconds that they count.

    While it is `draining` each gets one more answer at most. `turned_away` hears of every call that
    is sent away before anybody has read it, and why.
    """

    def __init__(
        self, limits: Limits, *, turned_away: Callable[[str], None] = lambda _why: None
    ) -> None:
        self.limits = limits
        self.turned_away = turned_away
        self.second = 0
        self.draining = False
        self.reserve = Reserve()
        self._open: set[Connected] = set()

    def __len__(self) -> int:
        return len(self._open)

    def sizes(self) -> Mapping[str, int]:
        """How many there are, and how many are let in for all that is served."""
        return {"open": len(self._open), "most": self.limits.connections}

    def enter(self, connection: Connected) -> bool:
        """Let a connection in, unless even the spare room is full."""
        if len(self._open) >= self.limits.connections + self.limits.spare:
            return False
        self._open.add(connection)
        return True

    def leave(self, connection: Connected) -> None:
        """Forget a connection that has ended."""
        self._open.discard(connection)

    async def run(self) -> None:
        """Sweep once a second until cancelled."""
        while True:
            await asyncio.sleep(1)
            self.sweep()

    def sweep(self) -> None:
        """Count a second, and end what has taken too long."""
        self.second += 1
        self.reserve.look()
        for connection in tuple(self._open):
            connection.judge()
