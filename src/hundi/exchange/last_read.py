"""What the ends of attempts are written with: documents and deliveries locked, exchanges closed.

PostgreSQL does it in one statement, for the reason of `first_read`: a round trip is what a batch pays
most for. Each part begins when the one before it holds all its rows, so locks are taken in the order of
everybody: documents, deliveries, exchanges.
"""

from collections.abc import Sequence

from hundi.exchange.closing import (
    Ending,
    close_exchanges,
    closing_exchanges,
    closing_rows,
    note_closed,
)
from hundi.exchange.document import COLUMNS, Document, from_row
from hundi.exchange.record import (
    LOCK_DOCUMENTS,
    RequestDelivery,
    lock_documents,
    lock_request_deliveries,
    locking_deliveries,
    request_delivery_from,
)
from hundi.exchange.tables import delivery, document
from hundi.exchange.writes import Writes
from hundi.ledger.model import Key
from hundi.store.engine import Transaction
from hundi.store.statement import Statement, encoded, listed, nulls

_DELIVERY_COLUMNS = ("webhook_id", "state", "lease_until", "reached")
_AFTER = " and (select count(*) from {part}) >= 0"
_SENT = locking_deliveries(parameter=2, after=_AFTER.format(part="held"))
_CLOSED = closing_exchanges(parameter=3, after=_AFTER.format(part="sent"))
_LOCKED_AND_CLOSED = Statement(
    postgresql=f"with held as materialized ({LOCK_DOCUMENTS.postgresql}), sent as materialized ({_SENT}),"
    f" closed as ({_CLOSED})"
    f" select null as closed, {nulls(delivery, _DELIVERY_COLUMNS)}, {listed(COLUMNS, 'h')} from held h"
    f" union all select null, {listed(_DELIVERY_COLUMNS, 's')}, {nulls(document, COLUMNS)} from sent s"
    f" union all select c.req_msg_id, {nulls(delivery, _DELIVERY_COLUMNS)}, {nulls(document, COLUMNS)}"
    " from closed c",
    sqlite="",
)

Locked = tuple[dict[Key, Document], dict[str, RequestDelivery], set[str]]


async def locked_and_closed(
    tx: Transaction, keys: set[Key], endings: Sequence[Ending], *, writes: Writes
) -> Locked:
    """Some documents, the deliveries of what ends, and the exchanges that left OPEN by it.

    For ends that come with an attempt: they wait for none. `writes` is told of those closed.
    """
    ids = sorted({e.req_msg_id for e in endings})
    if tx.dialect == "sqlite":
        documents = await lock_documents(tx, keys)
        deliveries = await lock_request_deliveries(tx, ids)
        return documents, deliveries, await close_exchanges(tx, endings, writes)
    found = await tx.fetch(
        _LOCKED_AND_CLOSED,
        encoded(sorted(keys)).decode(),
        ids,
        encoded(closing_rows(endings, tx.now)).decode(),
    )
    won = {row["closed"] for row in found if row["closed"] is not None}
    note_closed(writes, won, endings, now=tx.now)
    sent = [row for row in found if row["webhook_id"] is not None]
    held = [from_row(row) for row in found if row["object_id"] is not None]
    return (
        {one.key: one for one in held},
        {row["webhook_id"]: request_delivery_from(row, tx.now) for row in sent},
        won,
    )
