"""A walk over the whole store inside one transaction, in pages: every promise is checked.

The memory that it takes does not grow with the store. Rows that no document or exchange leads to
are found by counting: only where the counts differ are they looked for.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from hundi.exchange.definition import DocumentType
from hundi.exchange.feed import ends, follows
from hundi.exchange.invariants.finding import EXCHANGE, FEED, KEYS, LEDGER, Broken
from hundi.exchange.invariants.outbox import wrong_receipt
from hundi.exchange.invariants.strays import strays
from hundi.exchange.invariants.trades import (
    EXCHANGES_AFTER,
    Survey,
    check_documents,
    check_exchanges,
)
from hundi.exchange.journal_pages import START, documents_after
from hundi.exchange.record import State
from hundi.ledger.model import document_key
from hundi.store.engine import Row, Transaction
from hundi.store.statement import Statement

DOCUMENTS_A_PAGE = 100
EXCHANGES_A_PAGE = 250
ROWS_A_PAGE = 2000

COUNTED = (
    "document",
    "journal",
    "exchange",
    "receipt",
    "delivery",
    "attempt",
    "ledger_account",
    "ledger_transfer",
    "event",
    "idempotency",
)
_COUNTS = {name: Statement.both(f"select count(*) as many from {name}") for name in COUNTED}
_RECEIPTS = Statement.both(
    "select r.receipt_id, r.waiting, r.ended_at, (select count(*) from delivery d"
    " where d.webhook_id = 'RSP' || substr(r.receipt_id, 4)) as answers"
    " from receipt r where r.receipt_id > $1 order by r.receipt_id limit $2"
)
_LEGS = Statement.both(
    "select receipt_id, state, sender_mailbox from exchange where receipt_id = any($1::text[])"
)
_RESERVED = Statement.both(
    "select t.req_msg_id, count(*) as many, x.state from ledger_transfer t"
    " left join exchange x on x.req_msg_id = t.req_msg_id"
    " where t.phase = 'PENDING' and not t.standing and t.req_msg_id > $1"
    " group by t.req_msg_id, x.state order by t.req_msg_id limit $2"
)
_HEADS = Statement.both(
    "select client_id, position from feed_head where client_id > $1 order by client_id limit $2"
)
_POSITIONS = Statement.both(
    "select position from event where client_id = $1 and position > $2 order by position limit $3"
)
_UNNUMBERED = Statement.both(
    "select count(*) as many from event where position is null",
    # By itself SQLite would count in the index of all positions.
    sqlite="select count(*) as many from event indexed by event_unnumbered where position is null",
)
_KEYS = Statement.both(
    "select k.client_id, k.key, k.req_msg_id,"
    # What was done to an endpoint or a B2B ID is about no exchange.
    " k.req_msg_id = '' or exists (select 1 from exchange x where x.req_msg_id = k.req_msg_id)"
    " or exists (select 1 from receipt r where r.receipt_id = k.req_msg_id) as known"
    " from idempotency k where (k.client_id, k.key) > ($1, $2)"
    " order by k.client_id, k.key limit $3"
)


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a walk has counted: rows by table, exchanges by state, broken promises."""

    rows: Mapping[str, int]
    states: Mapping[str, int]
    broken: int


async def check_store(
    tx: Transaction,
    types: Mapping[str, DocumentType],
    *,
    report: Callable[[Broken], None],
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Result:
    """Check everything; `report` hears of each broken promise, `progress` of rows done and in all."""
    survey = Survey(types=types, report=report)
    totals = {name: await _count(tx, statement) for name, statement in _COUNTS.items()}
    steps = _Steps(survey, sum(totals.values()), progress)
    await _documents(tx, survey, steps)
    await _exchanges(tx, survey, steps)
    await _receipts(tx, survey, steps)
    await _reserved(tx, survey)
    await _feeds(tx, survey, steps)
    await _keys(tx, survey, steps)
    for table in COUNTED:
        missed = totals[table] - survey.counts[table]
        survey.tell(await strays(tx, table, missed) if missed else ())
    states = {state.value: survey.counts[f"state {state.value}"] for state in State}
    survey.tell(_unequal(totals["exchange"], states))
    return Result(rows=totals, states=states, broken=survey.counts["broken"])


def _unequal(accepted: int, states: Mapping[str, int]) -> Iterator[Broken]:
    if accepted != sum(states.values()):
        words = " + ".join(f"{count} {state}" for state, count in states.items())
        yield Broken(EXCHANGE, "all", f"{accepted} were accepted, and they are {words}")


class _Steps:
    """How far a walk has come."""

    def __init__(self, survey: Survey, whole: int, tell: Callable[[int, int], None]) -> None:
        self._survey, self._whole, self._tell = survey, whole, tell

    def __call__(self) -> None:
        self._tell(sum(self._survey.counts[name] for name in COUNTED), self._whole)


async def _count(tx: Transaction, statement: Statement) -> int:
    [row] = await tx.fetch(statement)
    return int(row["many"])


async def _documents(tx: Transaction, survey: Survey, step: Callable[[], None]) -> None:
    key = START
    while page := await documents_after(tx, key, DOCUMENTS_A_PAGE):
        key = document_key(page[-1])
        await check_documents(tx, page, survey)
        step()


async def _exchanges(tx: Transaction, survey: Survey, step: Callable[[], None]) -> None:
    id_ = ""
    while page := await tx.fetch(EXCHANGES_AFTER, id_, EXCHANGES_A_PAGE):
        id_ = page[-1]["req_msg_id"]
        await check_exchanges(tx, page, survey)
        step()


async def _receipts(tx: Transaction, survey: Survey, step: Callable[[], None]) -> None:
    id_ = ""
    while page := await tx.fetch(_RECEIPTS, id_, EXCHANGES_A_PAGE):
        id_ = page[-1]["receipt_id"]
        legs: dict[str, list[Row]] = {row["receipt_id"]: [] for row in page}
        for leg in await tx.fetch(_LEGS, list(legs)):
            legs[leg["receipt_id"]].append(leg)
        for row in page:
            survey.counts["receipt"] += 1
            survey.tell(wrong_receipt(row, legs[row["receipt_id"]], row["answers"]))
        step()


async def _reserved(tx: Transaction, survey: Survey) -> None:
    """What is reserved until an exchange ends belongs to one that is open."""
    id_ = ""
    while page := await tx.fetch(_RESERVED, id_, EXCHANGES_A_PAGE):
        id_ = page[-1]["req_msg_id"]
        survey.tell(
            Broken(LEDGER, row["req_msg_id"], f"{row['many']} transfers wait for it: {state}")
            for row in page
            if (state := row["state"] or "it does not exist") != State.OPEN.value
        )


async def _feeds(tx: Transaction, survey: Survey, step: Callable[[], None]) -> None:
    survey.counts["event"] += await _count(tx, _UNNUMBERED)
    client = ""
    while page := await tx.fetch(_HEADS, client, EXCHANGES_A_PAGE):
        client = page[-1]["client_id"]
        for head in page:
            await _feed(tx, head, survey)
            step()


async def _feed(tx: Transaction, head: Row, survey: Survey) -> None:
    """One client's events: 1, 2, 3 and so on up to where its feed ends, in each of its generations."""
    client, expected = head["client_id"], 1
    while page := await tx.fetch(_POSITIONS, client, expected - 1, ROWS_A_PAGE):
        survey.counts["event"] += len(page)
        survey.tell(_gaps(client, expected, page))
        expected = page[-1]["position"] + 1
    if not ends(head["position"], expected - 1):
        what = f"its last event has position {expected - 1}, its head says {head['position']}"
        survey.tell([Broken(FEED, client, what)])


def _gaps(client: str, expected: int, page: Sequence[Row]) -> Iterator[Broken]:
    if page[-1]["position"] - expected + 1 == len(page):
        return
    for row in page:
        if not follows(row["position"], expected - 1):
            missing = f"{expected} to {row['position'] - 1}"
            yield Broken(FEED, client, f"events at {missing} are missing")
        expected = row["position"] + 1


async def _keys(tx: Transaction, survey: Survey, step: Callable[[], None]) -> None:
    at: tuple[str, str] = ("", "")
    while page := await tx.fetch(_KEYS, *at, ROWS_A_PAGE):
        at = (page[-1]["client_id"], page[-1]["key"])
        survey.counts["idempotency"] += len(page)
        survey.tell(
            Broken(KEYS, f"{row['client_id']} {row['key']}", f"no {row['req_msg_id']} exists")
            for row in page
            if not row["known"]
        )
        step()
