"""The rows that one batch will write, and the statements that write them.

Members of a batch add rows; `flush` sends one statement a table, in one fixed order, so that two
batches can never wait for each other in a circle.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter, itemgetter
from typing import Any

import msgspec

from hundi.exchange import journal, tables
from hundi.exchange.document import CHANGING, KEY_COLUMNS, Document, PlannedMove
from hundi.exchange.verdict import Kind
from hundi.kernel.faults import Fault
from hundi.ledger import operations as ledger
from hundi.ledger.model import Books, Key
from hundi.store.engine import Transaction
from hundi.store.statement import Bulk, insert, rows, update

EXCHANGE = (
    "req_msg_id",
    "message",
    "client_id",
    "sender_b2b",
    "receiver_b2b",
    "receiver_client",
    "mailbox",
    "effect",
    "state",
    "moves",
    "holds",
    "booked",
    "warnings",
    "idempotency_key",
    "result",
    "error_code",
    "error_detail",
    "error_field",
    "created_at",
    "expires_at",
    "ended_at",
    "receipt_id",
    "leader_id",
    "sender_mailbox",
    "trace",
)
RECEIPT = (
    "receipt_id",
    "message",
    "client_id",
    "waiting",
    "result",
    "idempotency_key",
    "created_at",
    "ended_at",
)
_DELIVERY = (
    "webhook_id",
    "req_msg_id",
    "kind",
    "effect",
    "receiver_b2b",
    "client_id",
    "lane",
    "position",
    "path",
    "body_id",
    "idempotency_key",
    "state",
    "due_at",
    "attempts",
    "failures",
    "reached",
    "redriven",
    "created_at",
    "sequences",
    "trace",
)
EVENT = ("client_id", "kind", "req_msg_id", "author_entity", "type", "object_id", "sequence", "at")

_QUEUED: dict[str, Any] = {
    "state": "QUEUED",
    "attempts": 0,
    "failures": 0,
    "reached": False,
    "redriven": False,
    "sequences": None,
}
_delivery: Callable[[dict[str, Any]], tuple[Any, ...]] = itemgetter(*_DELIVERY)

_INSERT_EXCHANGE = insert(tables.exchange, EXCHANGE)
_INSERT_RECEIPT = insert(tables.receipt, RECEIPT)
_INSERT_BODY = insert(tables.body, ("body_id", "bytes"))
_INSERT_DELIVERY = insert(tables.delivery, _DELIVERY)
_INSERT_EVENT = insert(tables.event, EVENT)
STATUS = "STATUS"
"""In the feeds of a document's parties: the ledger has given it another status."""
# Whom the parties' B2B IDs are served by is looked up here: a document that is drawn on may be of
# other IDs than those that sender and receiver speak as.
_INSERT_STATUS = Bulk.of(
    postgresql=f"insert into event ({', '.join(EVENT)}) select distinct i.client_id, "
    + ", ".join(f"v.{name}" for name in EVENT[1:])
    + " from "
    + rows(
        "author_b2b text, other_b2b text, kind text, req_msg_id text, author_entity text, type text,"
        " object_id text, sequence bigint, at bigint"
    )
    + " v join b2b_id i on i.b2b_id = any(array[v.author_b2b, v.other_b2b])",
    sqlite=f"insert into event ({', '.join(EVENT)}) select distinct client_id, "
    + ", ".join(f"${n}" for n in range(3, 2 + len(EVENT)))
    + " from b2b_id where b2b_id in ($1, $2)",
    returns=False,
)
_UPDATE_DOCUMENT = update(tables.document, key=KEY_COLUMNS, columns=CHANGING)
_INSERT_LANE = insert(tables.further_lane, ("webhook_id", "lane", "position"))
_INSERT_RELATION = insert(
    tables.relation,
    ("author_entity", "type", "object_id", "target_author", "target_type", "target_id"),
    or_nothing=True,
)
_INSERT_SHARED = insert(
    tables.shared_number, ("author_entity", "type", "number", "object_id"), or_nothing=True
)
_DEADLINE = insert(tables.deadline, (*KEY_COLUMNS, "due_at"))
_SOONER = " on conflict (author_entity, type, object_id) do update set due_at = excluded.due_at"
_SET_DEADLINE = Bulk(_DEADLINE.postgresql + _SOONER, _DEADLINE.sqlite + _SOONER, returns=False)
_RELEASE = Bulk.of(
    postgresql="update number_claim n set live = false from "
    + rows("author_entity text, type text, claim text, object_id text")
    + " gone where n.author_entity = gone.author_entity"
    " and n.type = gone.type and n.claim = gone.claim and n.object_id = gone.object_id",
    sqlite="update number_claim set live = false where author_entity = $1 and type = $2"
    " and claim = $3 and object_id = $4",
    returns=False,
)
FREE_LANES = Bulk.of(
    # A table that is nearly always empty: joined, it would be read from end to end when it is not.
    postgresql="delete from further_lane where webhook_id = any(array(select gone.id from "
    + rows("id text")
    + " gone))",
    sqlite="delete from further_lane where webhook_id = $1",
    returns=False,
)
_END_REQUEST = Bulk.of(
    postgresql="update delivery d set state = v.state, ended_at = v.at, lease_until = null"
    " from " + rows("id text, state text, at bigint") + " v"
    " where d.webhook_id = v.id and d.state in ('QUEUED', 'LEASED', 'PARKED', 'HELD')",
    sqlite="update delivery set state = $2, ended_at = $3, lease_until = null"
    " where webhook_id = $1 and state in ('QUEUED', 'LEASED', 'PARKED', 'HELD')",
    returns=False,
)
_LET_GO = Bulk.of(
    postgresql="update delivery d set state = 'QUEUED', due_at = v.at from "
    + rows("id text, at bigint")
    + " v where d.webhook_id = v.id and d.state = 'HELD'",
    sqlite="update delivery set state = 'QUEUED', due_at = $2"
    " where webhook_id = $1 and state = 'HELD'",
    returns=False,
)


def lane(receiver_b2b: str, document: Document) -> str:
    """The lane of a webhook: one receiver, one document."""
    return "|".join((receiver_b2b, *document.key))


def moves_json(moves: Sequence[PlannedMove]) -> str:
    """Planned moves as the exchange row keeps them."""
    return msgspec.json.encode(moves).decode()


_MOVES = msgspec.json.Decoder(list[PlannedMove])
_HOLDS = msgspec.json.Decoder(tuple[Key, ...])


def moves_from(text: str) -> list[PlannedMove]:
    """Planned moves read back from an exchange row."""
    return _MOVES.decode(text)


def holds_json(holds: Sequence[Key]) -> str:
    """Keys of documents that an exchange holds, as its row keeps them."""
    return msgspec.json.encode(holds).decode() if holds else "[]"


def holds_from(text: str) -> tuple[Key, ...]:
    """Keys of held documents read back from an exchange row."""
    return _HOLDS.decode(text) if text != "[]" else ()


def warnings_json(warnings: Sequence[Fault]) -> str:
    """Warnings as the exchange row keeps them."""
    return msgspec.json.encode([w.as_json() for w in warnings]).decode() if warnings else "[]"


@dataclass(slots=True)
class Writes:
    """Rows waiting to be written by one batch. `entered` counts the exchanges that it ends, by state."""

    exchanges: list[tuple[Any, ...]] = field(default_factory=list)
    bodies: list[tuple[Any, ...]] = field(default_factory=list)
    deliveries: list[tuple[Any, ...]] = field(default_factory=list)
    journal: list[tuple[Any, ...]] = field(default_factory=list)
    events: list[tuple[Any, ...]] = field(default_factory=list)
    statuses: list[tuple[Any, ...]] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    releases: list[tuple[Any, ...]] = field(default_factory=list)
    ended_requests: list[tuple[Any, ...]] = field(default_factory=list)
    lanes: list[tuple[Any, ...]] = field(default_factory=list)
    freed: list[tuple[Any, ...]] = field(default_factory=list)
    relations: list[tuple[Any, ...]] = field(default_factory=list)
    shared: list[tuple[Any, ...]] = field(default_factory=list)
    receipts: list[tuple[Any, ...]] = field(default_factory=list)
    deadlines: list[tuple[Any, ...]] = field(default_factory=list)
    released: list[tuple[Any, ...]] = field(default_factory=list)
    accounts: list[tuple[Any, ...]] = field(default_factory=list)
    transfers: list[tuple[Any, ...]] = field(default_factory=list)
    ended_transfers: list[tuple[Any, ...]] = field(default_factory=list)
    entered: Counter[str] = field(default_factory=Counter)

    def release(self, document: Document, claim: str | None) -> None:
        """Let a document's number be used again."""
        if claim is not None:
            author, kind, object_id = document.key
            self.releases.append((author, kind, claim, object_id))

    def event(self, client_id: str, kind: str, *, req_msg_id: str, document: Document) -> None:
        """Tell a client's feed of a step, at the document's journal head."""
        at = document.updated_at
        self.events.append((client_id, kind, req_msg_id, *document.key, document.head_sequence, at))

    def restated(self, documents: Iterable[Document], *, req_msg_id: str) -> None:
        """Tell both parties of documents, at their journal heads, that money has changed a status.

        The counterparty of one that it cannot hold is not told.
        """
        for one in documents:
            other = one.counterparty_b2b if one.highest_version else one.author_b2b
            place = (req_msg_id, *one.key, one.head_sequence, one.updated_at)
            self.statuses.append((one.author_b2b, other, STATUS, *place))

    def webhook(self, kind: Kind, about: Sequence[Document], **values: Any) -> None:
        """Queue a webhook that is due now, in its receiver's lanes of the documents it is about.

        In each lane it has the place of the document's journal number.
        """
        first, *others = about
        receiver, webhook_id = values["receiver_b2b"], values["webhook_id"]
        if others:
            values["sequences"] = ",".join(str(d.head_sequence) for d in about)
            self.lanes += [(webhook_id, lane(receiver, d), d.head_sequence) for d in others]
        place = (lane(receiver, first), first.head_sequence)
        self.queue(kind, place=place, now=first.updated_at, **values)

    def queue(self, kind: Kind, *, place: tuple[str, int], now: int, **values: Any) -> None:
        """Queue a webhook that is due now; `place` is its lane and its position there."""
        lane, position = place
        row = {
            **_QUEUED,
            "kind": kind.value,
            "due_at": now,
            "created_at": now,
            "lane": lane,
            "position": position,
            **values,
        }
        self.deliveries.append(_delivery(row))

    def relate(self, document: Document, to: Sequence[Document]) -> None:
        """Remember what a document says of others, for those who look at either."""
        self.relations += [(*document.key, *other.key) for other in to]

    def share(self, document: Document, number: str) -> None:
        """Let a document be found by a number that others may have too."""
        self.shared.append((document.author_entity, document.type, number, document.object_id))

    def book(self, books: Books, guarded: Iterable[tuple[str, str]], now: int) -> None:
        """Write what changed in some books; `guarded` as `ledger.account_rows` has it."""
        self.accounts += ledger.account_rows(books, guarded)
        self.transfers += ledger.transfer_rows(books, now)
        self.ended_transfers += ledger.ended_rows(books, now)

    def take(self, other: "Writes") -> None:
        """Add another's rows to these, and what it counts."""
        for mine, more in zip(_lists(self), _lists(other), strict=True):
            if more:
                mine.extend(more)
        if other.entered:  # nearly always empty, and a Counter is slow to add to
            self.entered.update(other.entered)

    async def flush(self, tx: Transaction, *beside: tuple[Bulk, Sequence[Sequence[Any]]]) -> None:
        """Send the rows to their tables, all in one round trip where the database can.

        `beside` goes along: statements on rows that these ones leave alone.
        """
        await tx.bulks(
            (
                (_END_REQUEST, sorted(self.ended_requests)),
                (_LET_GO, sorted(self.released)),
                (_RELEASE, self.releases),
                (_UPDATE_DOCUMENT, [d.changes() for d in self.documents]),
                (_INSERT_EXCHANGE, self.exchanges),
                (_INSERT_RECEIPT, self.receipts),
                (_INSERT_BODY, self.bodies),
                (journal.INSERT, self.journal),
                (_INSERT_DELIVERY, self.deliveries),
                (_INSERT_EVENT, self.events),
                (_INSERT_STATUS, self.statuses),
                (_INSERT_LANE, self.lanes),
                (FREE_LANES, sorted(set(self.freed))),
                (_INSERT_RELATION, sorted(set(self.relations))),
                (_INSERT_SHARED, sorted(set(self.shared))),
                (_SET_DEADLINE, _soonest(self.deadlines)),
                (ledger.WRITE_ACCOUNT, sorted(self.accounts)),
                (ledger.INSERT_TRANSFER, self.transfers),
                (ledger.END_TRANSFER, sorted(self.ended_transfers)),
                *beside,
            )
        )


LISTS = tuple(name for name in Writes.__slots__ if name != "entered")
"""The members of `Writes` that hold rows: all but what it counts."""
_lists: Callable[[Writes], tuple[list[Any], ...]] = attrgetter(*LISTS)


def _soonest(deadlines: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Each document once, with the earliest of what is told of it."""
    if not deadlines:
        return []
    return sorted({row[:3]: row for row in sorted(deadlines, key=lambda r: -r[3])}.values())
