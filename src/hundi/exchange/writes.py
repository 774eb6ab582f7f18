"""The rows that one batch will write, and the statements that write them.

Members of a batch add rows; `flush` sends one statement a table, in one fixed order, so that two
batches can never wait for each other in a circle.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from hundi.exchange import journal, tables
from hundi.exchange.document import CHANGING, KEY_COLUMNS, Document, PlannedMove
from hundi.exchange.verdict import Kind
from hundi.kernel.faults import Fault
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
    "warnings",
    "idempotency_key",
    "result",
    "error_code",
    "error_detail",
    "error_field",
    "created_at",
    "expires_at",
    "ended_at",
)
DELIVERY = (
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
)
EVENT = ("client_id", "kind", "req_msg_id", "author_entity", "type", "object_id", "sequence", "at")

_INSERT_EXCHANGE = insert(tables.exchange, EXCHANGE)
_INSERT_BODY = insert(tables.body, ("body_id", "bytes"))
_INSERT_DELIVERY = insert(tables.delivery, DELIVERY)
_INSERT_EVENT = insert(tables.event, EVENT)
_UPDATE_DOCUMENT = update(tables.document, key=KEY_COLUMNS, columns=CHANGING)
_RELEASE = Bulk.of(
    postgresql="delete from number_claim n using "
    + rows("author_entity text, type text, claim text, object_id text")
    + " gone where n.author_entity = gone.author_entity"
    " and n.type = gone.type and n.claim = gone.claim and n.object_id = gone.object_id",
    sqlite="delete from number_claim where author_entity = $1 and type = $2 and claim = $3"
    " and object_id = $4",
    returns=False,
)
_END_REQUEST = Bulk.of(
    postgresql="update delivery d set state = v.state, ended_at = v.at, lease_until = null"
    " from " + rows("id text, state text, at bigint") + " v"
    " where d.webhook_id = v.id and d.state in ('QUEUED', 'LEASED', 'PARKED')",
    sqlite="update delivery set state = $2, ended_at = $3, lease_until = null"
    " where webhook_id = $1 and state in ('QUEUED', 'LEASED', 'PARKED')",
    returns=False,
)


def lane(receiver_b2b: str, document: Document) -> str:
    """The lane of a webhook: one receiver, one document."""
    return "|".join((receiver_b2b, *document.key))


def moves_json(moves: Sequence[PlannedMove]) -> str:
    """Planned moves as the exchange row keeps them."""
    return msgspec.json.encode(moves).decode()


_MOVES = msgspec.json.Decoder(list[PlannedMove])


def moves_from(text: str) -> list[PlannedMove]:
    """Planned moves read back from an exchange row."""
    return _MOVES.decode(text)


def warnings_json(warnings: Sequence[Fault]) -> str:
    """Warnings as the exchange row keeps them."""
    return msgspec.json.encode([w.as_json() for w in warnings]).decode() if warnings else "[]"


@dataclass(slots=True)
class Writes:
    """Rows waiting to be written by one batch."""

    exchanges: list[tuple[Any, ...]] = field(default_factory=list)
    bodies: list[tuple[Any, ...]] = field(default_factory=list)
    deliveries: list[tuple[Any, ...]] = field(default_factory=list)
    journal: list[tuple[Any, ...]] = field(default_factory=list)
    events: list[tuple[Any, ...]] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    releases: list[tuple[Any, ...]] = field(default_factory=list)
    ended_requests: list[tuple[Any, ...]] = field(default_factory=list)

    def release(self, document: Document, claim: str | None) -> None:
        """Let a document's number be used again."""
        if claim is not None:
            author, kind, object_id = document.key
            self.releases.append((author, kind, claim, object_id))

    def event(self, client_id: str, kind: str, *, req_msg_id: str, document: Document) -> None:
        """Tell a client's feed of a step, at the document's journal head."""
        at = document.updated_at
        self.events.append((client_id, kind, req_msg_id, *document.key, document.head_sequence, at))

    def webhook(self, kind: Kind, **values: Any) -> None:
        """Queue a webhook that is due now, in its receiver's lane, at its journal number."""
        now = values.pop("now")
        row = {
            "kind": kind.value,
            "state": "QUEUED",
            "due_at": now,
            "created_at": now,
            "attempts": 0,
            "failures": 0,
            "reached": False,
            "redriven": False,
            **values,
        }
        self.deliveries.append(tuple(row[name] for name in DELIVERY))

    def take(self, other: "Writes") -> None:
        """Add another's rows to these."""
        for name in self.__slots__:
            getattr(self, name).extend(getattr(other, name))

    async def flush(self, tx: Transaction, *beside: tuple[Bulk, Sequence[Sequence[Any]]]) -> None:
        """Send the rows to their tables, all in one round trip where the database can.

        `beside` goes along: statements on rows that these ones leave alone.
        """
        await tx.bulks(
            (
                (_END_REQUEST, sorted(self.ended_requests)),
                (_RELEASE, self.releases),
                (_UPDATE_DOCUMENT, [d.changes() for d in self.documents]),
                (_INSERT_EXCHANGE, self.exchanges),
                (_INSERT_BODY, self.bodies),
                (journal.INSERT, self.journal),
                (_INSERT_DELIVERY, self.deliveries),
                (_INSERT_EVENT, self.events),
                *beside,
            )
        )
