"""Sending again what was sent or given up, and giving up what nobody has answered yet.

A `resp-X`, its copy and a fact may be sent again at any time; a proposal's `req-X` only while its
exchange is open. The delivery is locked before its exchange is read, in the order of settling.
A call to several receivers is given up whole, by the id of its receipt.
"""

from collections.abc import AsyncIterator, Sequence
from functools import partial

from hundi.exchange import visibility
from hundi.exchange.closing import unanswered
from hundi.exchange.definition import Effect
from hundi.exchange.deliveries import UNKNOWN_EXCHANGE, unknown_delivery
from hundi.exchange.following import HELD
from hundi.exchange.receipts import ENDED as RECEIPT_ENDED
from hundi.exchange.record import State
from hundi.exchange.settle import Became, Ended, Settler
from hundi.exchange.verdict import Kind as Webhook
from hundi.kernel.faults import Code, Fault, Kind, RefusedError
from hundi.store.engine import Database, Row, Transaction
from hundi.store.statement import Statement

IN_FLIGHT = Code(
    "DELIVERY-IN-FLIGHT",
    Kind.BUSY,
    "An attempt at the delivery is under way. Look at its outcome before sending it again.",
)
WAITS = Code(
    "DELIVERY-HELD",
    Kind.CONFLICT,
    "The request waits until the first exchange of its call has settled; it is not sent before.",
)
OVER = Code(
    "DELIVERY-OVER",
    Kind.CONFLICT,
    "The exchange has ended or is about to; its proposal is not sent any more.",
)
MAILBOX = Code(
    "DELIVERY-MAILBOX",
    Kind.CONFLICT,
    "The receiver has a mailbox and no endpoint. Nothing is sent to it: it reads the webhook there.",
)
ENDED = Code(
    "EXCHANGE-ENDED", Kind.CONFLICT, "The exchange had ended before it could be abandoned."
)
NO_FACT = Code(
    "EXCHANGE-FACT",
    Kind.CONFLICT,
    "A fact has taken effect and cannot be abandoned. Undo it with a message of its own.",
)
NOT_SENDER = Code(
    "EXCHANGE-NOT-SENDER", Kind.RIGHTS, "Only the sender of an exchange may abandon it."
)
CODES = (IN_FLIGHT, WAITS, OVER, MAILBOX, ENDED, NO_FACT, NOT_SENDER)

LOOK_AGAIN_SECONDS = 5
GAP_READ = 10_000
"""Ids of a gap that are read at a time."""
SLICE = 2000
"""Webhooks that one transaction makes due: tens of milliseconds of the event loop on SQLite."""

_MAILBOX = Statement.both("select mailbox from client where client_id = $1 for key share")
_CLIENT = Statement.both("select client_id from delivery where webhook_id = $1")
_LOCK = Statement.both("select webhook_id from delivery where webhook_id = $1 for update")
_PARTIES = (
    # A call without a counterparty names no B2B ID: it is the client's own.
    "coalesce(s.client_id, x.client_id) = $2 as sends,"
    " coalesce(r.client_id = $2, false) as receives,"
    f" {visibility.CAME} as came from {{rows}}"
    " left join b2b_id s on s.b2b_id = x.sender_b2b"
    " left join b2b_id r on r.b2b_id = x.receiver_b2b"
)
_DELIVERY = Statement.both(
    "select w.kind, w.effect, w.state, x.req_msg_id, x.state as exchange_state, x.closing, "
    + _PARTIES.format(rows="delivery w join exchange x on x.req_msg_id = w.req_msg_id")
    + " where w.webhook_id = $1"
)
_EXCHANGE = Statement.both(
    "select x.effect, x.state, x.ended_at, "
    + _PARTIES.format(rows="exchange x")
    + " where x.req_msg_id = $1"
)
_RECEIPT = Statement.both("select receipt_id from receipt where receipt_id = $1 and client_id = $2")
# A follower whose leader is under way ends at once: nothing of it was sent.
_OPEN = Statement.both(
    "select x.req_msg_id from exchange x where x.receipt_id = $1 and x.state = 'OPEN'"
    " and x.effect = 'PROPOSAL' order by x.req_msg_id"
)
_QUEUE = Statement.both(
    "update delivery set state = 'QUEUED', due_at = $2, redriven = true, failures = 0,"
    " ended_at = null where webhook_id = $1"
)
# Each state by its own index. By the key itself the planner would look through other clients' rows.
_GAP = Statement.both(
    "select webhook_id from (select webhook_id from delivery"
    " where client_id = $1 and state = 'QUEUED' and due_at > $2"
    " union all select webhook_id from delivery where client_id = $1 and state = 'PARKED') w"
    " where webhook_id || '' > $3 order by webhook_id || '' limit $4"
)
# Locked in the order of ids, as everybody locks deliveries.
_DUE_NOW = Statement.both(
    "update delivery set state = 'QUEUED', redriven = (redriven or state = 'PARKED'), due_at = $2,"
    " failures = 0"
    " where webhook_id in (select webhook_id from delivery where webhook_id = any($1::text[])"
    " and (state || '' = 'PARKED' or (state || '' = 'QUEUED' and due_at > $2))"
    " order by webhook_id for update)"
)


async def redrive(tx: Transaction, *, client_id: str, webhook_id: str) -> None:
    """Make a delivery due now, marked as redriven; a delivered one goes out once more.

    For the clients of the exchange's sender and, once it may know of it, of its receiver.
    Raises RefusedError: unknown, an attempt under way, a proposal whose exchange is not open, a
    receiver with a mailbox.
    """
    # Held still first, as a change of mode locks: what is queued is there before it, or not at all.
    clients = await tx.fetch(_CLIENT, webhook_id)
    mailbox = bool(clients) and await mailbox_of(tx, clients[0]["client_id"])
    await tx.fetch(_LOCK, webhook_id)
    rows = await tx.fetch(_DELIVERY, webhook_id, client_id)
    if not rows or not _party_to(rows[0]):
        raise unknown_delivery(webhook_id)
    if rows[0]["state"] == "LEASED":
        detail = "An attempt is under way. Wait for its outcome, then send it again if need be."
        fault = IN_FLIGHT.at("webhookId", detail)
        raise RefusedError([fault], retry_after=LOOK_AGAIN_SECONDS)
    hindrance = _hindrance(rows[0], mailbox=mailbox)
    if hindrance is not None:
        raise RefusedError([hindrance])
    await tx.fetch(_QUEUE, webhook_id, tx.now)


def _hindrance(row: Row, *, mailbox: bool) -> Fault | None:
    """Why a webhook is not to be sent, however long its sender waits."""
    if row["state"] == HELD:
        detail = (
            "The request is sent when the first exchange of its call has settled. Wait for that."
        )
        return WAITS.at("webhookId", detail)
    if _is_over(row):
        return _over(row)
    if mailbox:
        detail = "Its receiver has a mailbox and no endpoint: it reads there, and nothing is sent."
        return MAILBOX.at("webhookId", detail)
    return None


async def mailbox_of(tx: Transaction, client_id: str) -> bool:
    """Whether a client has a mailbox; so it stays until the transaction ends."""
    rows = await tx.fetch(_MAILBOX, client_id)
    return any(row["mailbox"] for row in rows)


async def gap_slices(database: Database, client_id: str) -> AsyncIterator[Sequence[str]]:
    """All that `gap` finds, as much at a time as one transaction makes due: each id once, in their order."""
    ids, more = [""], True
    while more:
        # Read in a transaction of its own: SQLite has threads for that, and none for writing.
        ids = await database.read(partial(gap, client_id=client_id, after=ids[-1]))
        for place in range(0, len(ids), SLICE):
            yield ids[place : place + SLICE]
        more = len(ids) == GAP_READ


async def gap(tx: Transaction, *, client_id: str, after: str) -> list[str]:
    """What waits for a client's endpoint and is not due, or is parked: the next ids behind one.

    What is due already keeps its time, and so its place before the rest.
    """
    found = await tx.fetch(_GAP, client_id, tx.now, after, GAP_READ)
    return [row["webhook_id"] for row in found]


async def make_due(tx: Transaction, *, ids: Sequence[str]) -> None:
    """Make those due now that still wait, their schedule begun anew; one that was parked is redriven."""
    await tx.fetch(_DUE_NOW, list(ids), tx.now)


async def abandon(tx: Transaction, settler: Settler, *, client_id: str, req_msg_id: str) -> Became:
    """Give up a proposal, or all that are open of the caller's own call to several receivers.

    At least one is told as ENDED, or as CLOSING while an attempt is under way: its answer wins.
    Raises RefusedError: unknown, not the caller's own, a fact, or ended before.
    """
    row = await _exchange(tx, client_id, req_msg_id)
    if row is None or not _party_to(row):
        return await _abandon_call(tx, settler, client_id=client_id, receipt_id=req_msg_id)
    if not row["sends"]:
        detail = "The other side sent this exchange. Answer it, or ask the sender to abandon it."
        raise RefusedError([NOT_SENDER.at("reqMsgId", detail)])
    if row["effect"] == Effect.FACT.value:
        detail = "This is a fact: it has taken effect. Undo it with a message of its own."
        raise RefusedError([NO_FACT.at("reqMsgId", detail)])
    if row["state"] != State.OPEN.value:
        raise RefusedError([_ended(row)])
    became = await settler.end(tx, [unanswered(req_msg_id, State.ABANDONED)])
    if became.told[req_msg_id] is Ended.LATE:  # somebody was faster between the look and the locks
        row = await _exchange(tx, client_id, req_msg_id) or row
        raise RefusedError([_ended(row)])
    return became


async def _abandon_call(
    tx: Transaction, settler: Settler, *, client_id: str, receipt_id: str
) -> Became:
    """All open exchanges of a call at once: the settler locks what they are about in everybody's order."""
    if not await tx.fetch(_RECEIPT, receipt_id, client_id):
        detail = f"You are party to no exchange {receipt_id}. Check the reqMsgId."
        raise RefusedError([UNKNOWN_EXCHANGE.at("reqMsgId", detail)])
    ids = [row["req_msg_id"] for row in await tx.fetch(_OPEN, receipt_id)]
    became = await settler.end(tx, [unanswered(id_, State.ABANDONED) for id_ in ids])
    if all(one is Ended.LATE for one in became.told.values()):
        detail = "All exchanges of the call have ended. Read the documents before you go on."
        raise RefusedError([ENDED.at("reqMsgId", detail, state=RECEIPT_ENDED)])
    return became


async def _exchange(tx: Transaction, client_id: str, req_msg_id: str) -> Row | None:
    rows = await tx.fetch(_EXCHANGE, req_msg_id, client_id)
    return rows[0] if rows else None


def _party_to(row: Row) -> bool:
    return bool(row["sends"] or (row["receives"] and row["came"]))


def _is_over(row: Row) -> bool:
    proposed = row["kind"] == Webhook.REQUEST.value and row["effect"] == Effect.PROPOSAL.value
    return proposed and (row["exchange_state"] != State.OPEN.value or row["closing"] is not None)


def _over(row: Row) -> Fault:
    state = row["exchange_state"]
    word = state if row["closing"] is None else "CLOSING"
    detail = (
        f"Exchange {row['req_msg_id']} is {word}."
        " A proposal is sent again only while its exchange is open: send a new request."
    )
    return OVER.at("webhookId", detail, state=state, closing=row["closing"])


def _ended(row: Row) -> Fault:
    detail = f"The exchange is {row['state']} already. Read the document before you go on."
    return ENDED.at("reqMsgId", detail, state=row["state"])
