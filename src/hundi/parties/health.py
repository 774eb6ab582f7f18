"""What attempts said of clients' endpoints, written down; disabling and enabling."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import sqlalchemy as sa

from hundi.kernel.clock import HOUR
from hundi.parties.tables import client
from hundi.store.engine import Transaction

DISABLED_AFTER = 24 * HOUR
WARNED_AFTER = 12 * HOUR
FAILED_EXCHANGES = 10


@dataclass(frozen=True, slots=True)
class Seen:
    """What one process saw of an endpoint since it last wrote; times in microseconds.

    The success came before the failures that are counted beside it: they are since then.
    """

    success_at: int | None
    failed_exchanges: int
    failing_since: int | None
    gone: bool = False

    def then(self, later: "Seen") -> "Seen":
        """The same with what was seen later. A 410 stays: no success takes it back."""
        gone = self.gone or later.gone
        if later.success_at is not None:
            return replace(later, gone=gone)
        since = later.failing_since if self.failing_since is None else self.failing_since
        return Seen(
            success_at=self.success_at,
            failed_exchanges=self.failed_exchanges + later.failed_exchanges,
            failing_since=since,
            gone=gone,
        )


async def record(tx: Transaction, seen: Mapping[str, Seen]) -> None:
    """Write what was seen, warn and disable where it is time."""
    for client_id, one in sorted(seen.items()):
        if one.success_at is not None:
            await tx.execute(_succeeded(client_id, one.success_at))
        if one.failing_since is not None:
            await tx.execute(_failed(client_id, one))
        if one.gone:
            await tx.execute(_disabled(client_id, tx.now, "the endpoint answered 410 Gone"))
    await tx.execute(_warn_the_failing(tx.now))
    await tx.execute(_disable_the_dead(tx.now))


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


def _disabled(client_id: str, at: int, reason: str) -> sa.Update:
    return (
        sa.update(client)
        .where(client.c.client_id == client_id, client.c.disabled_at.is_(None))
        .values(disabled_at=at, disabled_reason=reason)
    )


def _warn_the_failing(now: int) -> sa.Update:
    return (
        sa.update(client)
        .where(
            client.c.failing_since <= now - WARNED_AFTER,
            client.c.warned_at.is_(None),
            client.c.disabled_at.is_(None),
        )
        .values(warned_at=now)
    )


def _disable_the_dead(now: int) -> sa.Update:
    return (
        sa.update(client)
        .where(
            client.c.failing_since <= now - DISABLED_AFTER,
            client.c.failed_exchanges >= FAILED_EXCHANGES,
            client.c.disabled_at.is_(None),
        )
        .values(
            disabled_at=now,
            disabled_reason="24 hours without a success and at least 10 failed exchanges",
        )
    )


async def enable(tx: Transaction, client_id: str) -> None:
    """Switch an endpoint on again; the caller makes what is still valid due."""
    await tx.execute(
        sa.update(client)
        .where(client.c.client_id == client_id)
        .values(
            disabled_at=None,
            disabled_reason=None,
            failing_since=None,
            failed_exchanges=0,
            warned_at=None,
        )
    )
