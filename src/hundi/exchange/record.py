"""An exchange as the steps after its acceptance need it, and how it is read back."""

from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from contextlib import suppress
from enum import Enum

import msgspec

from hundi.exchange import visibility
from hundi.exchange.definition import Effect, MessageType
from hundi.exchange.document import COLUMNS, Document, PlannedMove, from_row
from hundi.exchange.writes import holds_from, moves_from
from hundi.ledger.model import Key, document_key
from hundi.store.engine import Row, Transaction
from hundi.store.statement import Bulk, Statement, rows


class State(Enum):
    """The states of an exchange. OPEN is left exactly once."""

    OPEN = "OPEN"
    SETTLED = "SETTLED"
    DECLINED = "DECLINED"
    EXPIRED = "EXPIRED"
    ABANDONED = "ABANDONED"


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """What never changes about an accepted exchange, with the sender's bytes until they are erased.

    `moves` are what it does to documents when it settles, `holds` the other documents that it draws
    amounts on, in the body's order; `booked` says whether the ledger has transfers of it. One of
    several exchanges of a call names their receipt; `leader_id` is the one that it waits for. `trace`
    is the context of its acceptance, for spans.
    """

    req_msg_id: str
    receipt_id: str | None
    leader_id: str | None
    message: MessageType
    effect: Effect
    client_id: str
    sender_b2b: str
    sender_mailbox: bool
    receiver_b2b: str
    receiver_client: str
    receiver_mailbox: bool
    moves: tuple[PlannedMove, ...]
    holds: tuple[Key, ...]
    booked: bool
    idempotency_key: str | None
    raw: bytes | None
    trace: str | None

    @property
    def keys(self) -> tuple[Key, ...]:
        """All documents that it concerns, the moved ones first."""
        return (*(move.key for move in self.moves), *self.holds)


class RequestDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """The delivery of an exchange's `req-X`, read under its lock.

    `leased` while an attempt holds it; `reached` by an attempt that has ended; `may_have_reached`
    counts an attempt whose end nobody has written, too: a crash must not make it forgotten.
    """

    leased: bool
    reached: bool
    may_have_reached: bool


LOCK_DOCUMENTS = Bulk.of(
    postgresql=f"select {', '.join('d.' + c for c in COLUMNS)} from document d"
    " join " + rows("a text, t text, o text") + " k"
    " on d.author_entity = k.a and d.type = k.t and d.object_id = k.o"
    " order by d.author_entity, d.type, d.object_id for update of d",
    sqlite=f"select {', '.join(COLUMNS)} from document"
    " where author_entity = $1 and type = $2 and object_id = $3",
    returns=True,
)
_SHOWN = Bulk.of(
    postgresql="select d.author_entity, d.type, d.object_id from document d"
    " join " + rows("a text, t text, o text") + " k"
    " on d.author_entity = k.a and d.type = k.t and d.object_id = k.o"
    f" where {visibility.BROUGHT}",
    sqlite="select d.author_entity, d.type, d.object_id from document d"
    " where d.author_entity = $1 and d.type = $2 and d.object_id = $3"
    f" and {visibility.BROUGHT}",
    returns=True,
)
OF_EXCHANGE = (
    "x.receipt_id, x.leader_id, x.message, x.client_id as sender_client, x.sender_b2b, x.receiver_b2b,"
    " x.receiver_client, x.mailbox, x.moves, x.holds, x.booked, x.idempotency_key as sender_key,"
    " x.trace as accepted_trace, coalesce(x.sender_mailbox, s.mailbox) as sender_mailbox"
)
"""What `exchange_from` reads of an exchange `x` and its sender's client `s`, beside `req_msg_id`, `effect`
and `bytes`."""
_EXCHANGES = Statement.both(
    f"select x.req_msg_id, x.effect, b.bytes, {OF_EXCHANGE}"
    " from exchange x left join body b on b.body_id = x.req_msg_id"
    " and x.req_msg_id = any($2::text[])"
    " join client s on s.client_id = x.client_id where x.req_msg_id = any($1::text[])"
)


def locking_deliveries(*, parameter: int = 1, after: str = "") -> str:
    """SQL that locks and reads deliveries by their ids, in the order of these.

    As a part of a larger statement it has another `parameter`, and begins when `after` can be told: a
    condition that is true.
    """
    return (
        "select webhook_id, state, lease_until, reached from delivery"
        f" where webhook_id = any(${parameter}::text[]){after} order by webhook_id for update"
    )


_LOCK_DELIVERIES = Statement.both(locking_deliveries())


async def lock_documents(tx: Transaction, keys: set[Key]) -> dict[Key, Document]:
    """The existing documents among some keys, locked in the order of their keys."""
    rows = await tx.bulk(LOCK_DOCUMENTS, sorted(keys))
    found = (from_row(row) for row in rows)
    return {document.key: document for document in found}


async def shown(tx: Transaction, keys: Collection[Key]) -> frozenset[Key]:
    """Those of some documents that an attempt may have brought to their counterparties."""
    found = await tx.bulk(_SHOWN, sorted(keys)) if keys else ()
    return frozenset(document_key(row) for row in found)


async def load_exchanges(
    tx: Transaction,
    ids: Sequence[str],
    messages: Mapping[str, MessageType],
    *,
    ending: Collection[str] | None = None,
) -> dict[str, Exchange]:
    """Exchanges by reqMsgId. `messages` maps the stored message name to its type.

    Of those that are not among the `ending` (None: all may end) the body is not read.
    """
    raw = list(ids) if ending is None else sorted(ending)
    rows = await tx.fetch(_EXCHANGES, list(ids), raw) if ids else ()
    return {row["req_msg_id"]: exchange_from(row, messages) for row in rows}


def exchange_from(row: Row, messages: Mapping[str, MessageType]) -> Exchange:
    """An exchange from a row with the columns of `OF_EXCHANGE`."""
    return Exchange(
        req_msg_id=row["req_msg_id"],
        receipt_id=row["receipt_id"],
        leader_id=row["leader_id"],
        message=messages[row["message"]],
        effect=Effect(row["effect"]),
        client_id=row["sender_client"],
        sender_b2b=row["sender_b2b"],
        sender_mailbox=bool(row["sender_mailbox"]),
        receiver_b2b=row["receiver_b2b"],
        receiver_client=row["receiver_client"],
        receiver_mailbox=bool(row["mailbox"]),
        moves=tuple(moves_from(row["moves"])),
        holds=holds_from(row["holds"]),
        booked=bool(row["booked"]),
        idempotency_key=row["sender_key"],
        raw=None if row["bytes"] is None else bytes(row["bytes"]),
        trace=row["accepted_trace"],
    )


def needed(row: Row) -> Iterator[Hashable]:
    """What of an exchange is locked when it ends: its receipt and its documents.

    Nothing but the receipt where a newer version wrote the row.
    """
    if row["receipt_id"] is not None:
        yield row["receipt_id"]
    with suppress(msgspec.MsgspecError):
        yield from (move.key for move in moves_from(row["moves"]))
        yield from holds_from(row["holds"])


async def lock_request_deliveries(
    tx: Transaction, ids: Sequence[str]
) -> dict[str, RequestDelivery]:
    """Deliveries of some exchanges' `req-X`, locked. A lease that ran out no longer holds."""
    rows = await tx.fetch(_LOCK_DELIVERIES, sorted(ids)) if ids else ()
    return {row["webhook_id"]: request_delivery_from(row, tx.now) for row in rows}


def request_delivery_from(row: Row, now: int) -> RequestDelivery:
    """What an exchange's `req-X` stands at, from its row."""
    return RequestDelivery(
        leased=row["state"] == "LEASED" and row["lease_until"] > now,
        reached=bool(row["reached"]),
        may_have_reached=bool(row["reached"]) or row["state"] == "LEASED",
    )


def stored_name(message: MessageType) -> str:
    """How a message is named in rows and in the journal: `purchase-order/req-send`."""
    return f"{message.document.name}/{message.name}"
