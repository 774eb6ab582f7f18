"""What attempts said of clients' endpoints, written down; disabling and enabling."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from hundi.kernel.clock import HOUR
from hundi.parties.tables import client
from hundi.store.engine import Row, Transaction
from hundi.store.statement import Statement

DISABLED_AFTER = 24 * HOUR
WARNED_AFTER = 12 * HOUR
FAILED_EXCHANGES = 10
WARNED, DISABLED = "endpoint-warned", "endpoint-disabled"
_GONE = "the endpoint answered 410 Gone"
_FAILING = "12 hours without a success"
_DEAD = "24 hours without a success and at least 10 failed exchanges"

# A late answer of an endpoint that was replaced meanwhile says nothing of the new one.
_DISABLE = Statement.both(
    "update client set disabled_at = $2, disabled_reason = $3"
    " where client_id = $1 and disabled_at is null and endpoint_url = $4 returning client_id"
)
# Over all clients: one whose row others keep has its turn at the next look.
_WARN = Statement.both(
    "update client set warned_at = $1 where client_id in (select client_id from client"
    " where failing_since <= $2 and warned_at is null and disabled_at is null for update skip locked)"
    " returning client_id"
)
_DISABLE_THE_DEAD = Statement.both(
    "update client set disabled_at = $1, disabled_reason = $3 where client_id in (select client_id"
    f" from client where failing_since <= $2 and failed_exchanges >= {FAILED_EXCHANGES}"
    " and disabled_at is null for update skip locked) returning client_id"
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What one process saw of an endpoint since it last wrote; times in microseconds.

    The success came before the failures that are counted beside it: they are since then. `gone` is the
    URL that answered 410, if one did.
    """

    success_at: int | None
    failed_exchanges: int
    failing_since: int | None
    gone: str | None = None

    def then(self, later: "Seen") -> "Seen":
        """The same with what was seen later. A 410 stays: no success takes it back."""
        gone = later.gone or self.gone
        if later.success_at is not None:
            return replace(later, gone=gone)
        since = later.failing_since if self.failing_since is None else self.failing_since
        return Seen(
            success_at=self.success_at,
            failed_exchanges=self.failed_exchanges + later.failed_exchanges,
            failing_since=since,
            gone=gone,
        )


@dataclass(frozen=True, slots=True)
class Change:
    """An endpoint that was warned or disabled now, and why."""

    client_id: str
    what: str
    reason: str


async def record(tx: Transaction, seen: Mapping[str, Seen]) -> Sequence[Change]:
    """Write what was seen, warn and disable where it is time; whom that befell."""
    changes: list[Change] = []
    for client_id, one in sorted(seen.items()):
        if one.success_at is not None:
            await tx.execute(_succeeded(client_id, one.success_at))
        if one.failing_since is not None:
            await tx.execute(_failed(client_id, one))
        if one.gone:
            rows = await tx.fetch(_DISABLE, client_id, tx.now, _GONE, one.gone)
            changes += _changes(rows, DISABLED, _GONE)
    rows = await tx.fetch(_WARN, tx.now, tx.now - WARNED_AFTER)
    changes += _changes(rows, WARNED, _FAILING)
    rows = await tx.fetch(_DISABLE_THE_DEAD, tx.now, tx.now - DISABLED_AFTER, _DEAD)
    return [*changes, *_changes(rows, DISABLED, _DEAD)]


def _changes(rows: Sequence[Row], what: str, reason: str) -> list[Change]:
    return [Change(row["client_id"], what, reason) for row in rows]


def _succeeded(client_id: str, at: int) -> sa.Update:
    return (
        sa.update(client)
        .where(client.c.client_id == client_id)
        .values(last_success_at=at, failing_since=None, failed_exchanges=0, warned_at=None)
    )


def _failed(client_id: str, one: Seen) -> sa.Update:
    return (
        sa.update(client)
        .where(client.c.client_id == client_id)
        .values(
            failing_since=sa.func.coalesce(client.c.failing_since, one.failing_since),
            failed_exchanges=client.c.failed_exchanges + one.failed_exchanges,
        )
    )


NOTHING_KNOWN = {
    "disabled_at": None,
    "disabled_reason": None,
    "failing_since": None,
    "failed_exchanges": 0,
    "warned_at": None,
}
"""Columns of a client whose endpoint begins anew."""


async def enable(tx: Transaction, client_id: str) -> None:
    """Switch an endpoint on again; the caller makes what is still valid due."""
    anew = sa.update(client).where(client.c.client_id == client_id).values(**NOTHING_KNOWN)
    await tx.execute(anew)
