"""The log of refused requests: bounded in memory and on disk, written beside the traffic.

A refusal costs the road nothing: it is remembered in memory and written a moment later. What a
crash or a flood loses of it was refused anyway.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from hundi.exchange import tables
from hundi.kernel.faults import Fault
from hundi.store.engine import Database, Row, StoreError, Transaction
from hundi.store.statement import Statement, insert

KEPT = 10_000
WAITING = 2_000
FAULTS_KEPT = 20
PATH_KEPT = 200
NEWEST = 2**63 - 1

_INSERT = insert(tables.refusal, ("client_id", "path", "status", "faults", "at"))
_TRIM = Statement.both(
    "delete from refusal where refusal_id < (select min(refusal_id) from"
    f" (select refusal_id from refusal order by refusal_id desc limit {KEPT}) as kept)"
)
_OF_CLIENT = Statement.both(
    "select refusal_id, path, status, faults, at from refusal"
    " where client_id = $1 and refusal_id < $2 order by refusal_id desc limit $3"
)


@dataclass(frozen=True, slots=True)
class _Refused:
    client_id: str
    path: str
    status: int
    faults: str
    at: int

    def row(self) -> tuple[object, ...]:
        return self.client_id, self.path, self.status, self.faults, self.at


class RefusalLog:
    """Remembers refusals of one process until `flush` writes them; the oldest fall out first."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: deque[_Refused] = deque(maxlen=WAITING)

    def add(
        self, client_id: str, path: str, *, status: int, faults: Sequence[Fault], at: int
    ) -> None:
        """Remember a refused request of a known client. Of its faults the first 20 are kept."""
        told = msgspec.json.encode([fault.as_json() for fault in faults[:FAULTS_KEPT]]).decode()
        self._waiting.append(_Refused(client_id, _printable(path), status, told, at))

    async def flush(self) -> None:
        """Write what waits, in one transaction, and keep the newest 10,000 of all.

        Raises StoreError; then everything waits for the next time.
        """
        if not self._waiting:
            return
        taken = list(self._waiting)
        self._waiting.clear()
        try:
            await self._database.write(lambda tx: _store(tx, taken))
        except StoreError:
            self._waiting = deque([*taken, *self._waiting], maxlen=WAITING)
            raise


async def _store(tx: Transaction, taken: Sequence[_Refused]) -> None:
    await tx.bulk(_INSERT, [one.row() for one in taken])
    await tx.fetch(_TRIM)


def _printable(path: str) -> str:
    """A path as any database takes it: callers may send NUL or half a surrogate pair in it."""
    return "".join(c if c.isprintable() else "\ufffd" for c in path[:PATH_KEPT])


async def refusals(tx: Transaction, client_id: str, *, before: int, limit: int) -> list[Row]:
    """A client's refusals older than an id (`NEWEST` for all), the newest first.

    Rows hold refusal_id, path, status, faults (a JSON array as text) and at.
    """
    return list(await tx.fetch(_OF_CLIENT, client_id, before, limit))
