"""Who is on the network, for its operator: clients and B2B IDs in pages, in the order of their ids.

No secret is read here, and no value of a static header.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from hundi.kernel.clock import to_text
from hundi.parties import tables
from hundi.store.engine import Row, Transaction

MOST = 1000
"""Rows of one page at most."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, and the id behind which the next ones stand; None at the end."""

    rows: Sequence[dict[str, object]]
    after: str | None


async def clients(tx: Transaction, *, after: str, limit: int) -> Page:
    """The systems that call the network, behind a clientId."""
    c = tables.client.c
    query = sa.select(
        c.client_id, c.name, c.mailbox, c.endpoint_url, c.disabled_at, c.barred_at, c.created_at
    ).where(c.client_id > after)
    found = await tx.select(query.order_by(c.client_id).limit(limit + 1))
    return _page([_client(row) for row in found], key="clientId", limit=limit)


async def parties(tx: Transaction, *, after: str, limit: int) -> Page:
    """The B2B IDs of the network with their owners and clients, behind a B2B ID."""
    mine, owner = tables.b2b_id.c, tables.entity.c
    query = (
        sa.select(
            mine.b2b_id,
            owner.name,
            owner.pan,
            mine.client_id,
            mine.active,
            mine.public,
            owner.level,
        )
        .join(tables.entity, owner.entity_id == mine.entity_id)
        .where(mine.b2b_id > after)
    )
    found = await tx.select(query.order_by(mine.b2b_id).limit(limit + 1))
    return _page([_party(row) for row in found], key="b2bId", limit=limit)


def _page(rows: Sequence[dict[str, object]], *, key: str, limit: int) -> Page:
    shown = rows[:limit]
    return Page(shown, str(shown[-1][key]) if len(rows) > limit else None)


def _client(row: Row) -> dict[str, object]:
    return {
        "clientId": row["client_id"],
        "name": row["name"],
        "mode": "mailbox" if row["mailbox"] else "endpoint",
        "url": row["endpoint_url"] or "",
        "endpointEnabled": row["disabled_at"] is None,
        "mayCall": row["barred_at"] is None,
        "createdAt": to_text(row["created_at"]),
    }


def _party(row: Row) -> dict[str, object]:
    return {
        "b2bId": row["b2b_id"],
        "name": row["name"],
        "pan": row["pan"],
        "clientId": row["client_id"],
        "active": bool(row["active"]),
        "public": bool(row["public"]),
        "level": row["level"],
    }
