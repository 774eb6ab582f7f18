"""Gauges of what stands in the database: the feed, the ledger, endpoints. The same in every process."""

from typing import Any

from prometheus_client import CollectorRegistry, Gauge

from hundi.kernel.clock import SECOND
from hundi.store.engine import Database, Row, Transaction
from hundi.store.statement import Statement

# Each is answered from an index of those rows alone.
_QUESTIONS = (
    "select (select count(*) from event where position is null) as unnumbered,"
    " (select min(at) from event where position is null) as oldest_event,"
    " (select count(*) from ledger_transfer where phase = 'PENDING') as pending,"
    " (select min(booked_at) from ledger_transfer where phase = 'PENDING') as oldest_transfer,"
    " (select count(*) from client where disabled_at is not null) as disabled,"
    " (select count(*) from client where failing_since is not null and disabled_at is null)"
    " as failing,"
    " (select min(failing_since) from client where failing_since is not null"
    " and disabled_at is null) as failing_since"
)
# By itself SQLite would count in the index of all positions.
_STANDING = Statement.both(
    _QUESTIONS, sqlite=_QUESTIONS.replace("from event", "from event indexed by event_unnumbered")
)


class DatabaseGauges:
    """What is asked of the database beside the outbox, and whether it answered."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, text: str) -> Gauge:
            return Gauge(f"hundi_{name}", f"{text}.", registry=registry)

        self._up = gauge("database_up", "Whether the database has answered the last question")
        self._unnumbered = gauge("feed_unnumbered_events", "Events that no reader sees yet")
        self._feed = gauge("feed_lag_seconds", "Age of the oldest event that no reader sees yet")
        self._pending = gauge("ledger_pending_transfers", "Amounts reserved, not posted nor void")
        self._reserved = gauge("ledger_oldest_pending_seconds", "Age of the oldest reservation")
        self._disabled = gauge("endpoints_disabled", "Endpoints that are switched off")
        self._failing = gauge("endpoints_failing", "Endpoints without a success of late")

        self._failing_for = gauge("endpoints_failing_seconds", "How long one fails, the longest")

    async def ask(self, database: Database) -> None:
        """Ask anew. Raises StoreError where there is no answer."""
        now, row = await database.read(_ask)
        self._unnumbered.set(row["unnumbered"])
        self._feed.set(_age(now, row["oldest_event"]))
        self._pending.set(row["pending"])
        self._reserved.set(_age(now, row["oldest_transfer"]))
        self._disabled.set(row["disabled"])
        self._failing.set(row["failing"])
        self._failing_for.set(_age(now, row["failing_since"]))

    def answered(self, *, yes: bool) -> None:
        """Tell whether the database has answered."""
        self._up.set(yes)


async def _ask(tx: Transaction) -> tuple[int, Row]:
    [row] = await tx.fetch(_STANDING)
    return tx.now, row


def _age(now: int, since: Any) -> float:
    return 0 if since is None else max(0, now - since) / SECOND
