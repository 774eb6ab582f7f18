"""Stored bodies for reads that look into several: by reqMsgId, no more bytes than may be read."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from hundi.exchange.definition import MessageType
from hundi.kernel.reading import read
from hundi.store.engine import Transaction
from hundi.store.statement import Statement

MOST_BYTES = 16 * 1024 * 1024

_SIZES = Statement.both(
    "select body_id, octet_length(bytes) as size from body where body_id = any($1::text[])",
    sqlite="select body_id, length(bytes) as size from body where body_id = any($1::text[])",
)
_STORED = Statement.both(
    "select x.req_msg_id, x.message, b.bytes from exchange x"
    " join body b on b.body_id = x.req_msg_id where x.req_msg_id = any($1::text[])"
)

Stored = dict[str, tuple[str, bytes]]
"""Messages' stored names and their bytes, by reqMsgId."""


async def sizes(tx: Transaction, ids: Collection[str]) -> dict[str, int]:
    """How many bytes some stored bodies have, by id; erased ones are left out."""
    rows = await tx.fetch(_SIZES, sorted(ids))
    return {row["body_id"]: row["size"] for row in rows}


async def stored(tx: Transaction, ids: Sequence[str]) -> Stored:
    """The bodies of some exchanges; of those in front as many as fit, without erased ones."""
    known = await sizes(tx, set(ids))
    wanted, total = [], 0
    for id_ in ids:
        total += known.get(id_, 0)
        if total > MOST_BYTES:
            break
        wanted.append(id_)
    rows = await tx.fetch(_STORED, wanted) if wanted else ()
    return {row["req_msg_id"]: (row["message"], bytes(row["bytes"])) for row in rows}


def typed(found: Stored, messages: Mapping[str, MessageType]) -> dict[str, Any]:
    """Stored bodies typed anew. It takes its time: for a thread, not for the loop."""
    return {id_: read(raw, messages[message].body) for id_, (message, raw) in found.items()}
