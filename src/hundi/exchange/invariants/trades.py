"""The checks of some documents and of some exchanges, with everything that hangs on them."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from hundi.exchange.definition import DocumentType, Effect
from hundi.exchange.document import PlannedMove
from hundi.exchange.invariants.books import balances_of, wrong_books
from hundi.exchange.invariants.documents import Steps, wrong_document
from hundi.exchange.invariants.finding import DOCUMENT, EXCHANGE, JOURNAL, Broken, told
from hundi.exchange.invariants.outbox import wrong_exchange, wrong_outbox
from hundi.exchange.journal import Chain
from hundi.exchange.journal_pages import journals_of
from hundi.exchange.record import State
from hundi.exchange.writes import moves_from
from hundi.ledger import tables as ledger
from hundi.ledger.model import Key, document_key
from hundi.store.engine import Row, Transaction
from hundi.store.statement import Bulk, Statement, rows

ACCOUNTS_AT_ONCE = 5000

_EXCHANGE = (
    "select x.req_msg_id, x.message, x.effect, x.state, x.mailbox, x.receiver_b2b, x.moves,"
    " x.holds, x.result, x.created_at, x.ended_at, x.receipt_id, x.leader_id, x.sender_mailbox,"
    # No `exists`: where many exchanges are read PostgreSQL would gather all bodies for it first.
    " l.state as leader_state, (select b.body_id from body b"
    " where b.body_id = 'RSP' || substr(x.req_msg_id, 4)) is not null as answered"
    " from exchange x left join exchange l on l.req_msg_id = x.leader_id"
)
EXCHANGES_AFTER = Statement.both(
    f"{_EXCHANGE} where x.req_msg_id > $1 order by x.req_msg_id limit $2"
)
EXCHANGES_NAMED = Statement.both(f"{_EXCHANGE} where x.req_msg_id = any($1::text[])")
_STATES = Statement.both(
    "select req_msg_id, state from exchange where req_msg_id = any($1::text[])"
)
_DELIVERIES = Statement.both(
    "select d.webhook_id, d.req_msg_id, d.kind, d.state, d.attempts, d.lease_until,"
    " exists (select 1 from body b where b.body_id = d.body_id) as stored,"
    " (select count(*) from attempt a where a.webhook_id = d.webhook_id) as noted,"
    " (select count(*) from attempt a where a.webhook_id = d.webhook_id and a.reached) as reached,"
    " (select count(*) from attempt a where a.webhook_id = d.webhook_id"
    " and a.outcome = 'ERASED') as erased"
    " from delivery d where d.req_msg_id = any($1::text[])"
)
_SIZES = Bulk.of(
    postgresql="select l.author_entity, l.type, l.object_id, count(*) as accounts from "
    + rows("a text, t text, o text")
    + " k join ledger_account l on l.author_entity = k.a and l.type = k.t and l.object_id = k.o"
    " group by l.author_entity, l.type, l.object_id",
    sqlite="select author_entity, type, object_id, count(*) as accounts from ledger_account"
    " where author_entity = $1 and type = $2 and object_id = $3"
    " group by author_entity, type, object_id",
    returns=True,
)
_ACCOUNT = ", ".join(f"l.{column.name}" for column in ledger.account.c)
_ACCOUNTS = Bulk.of(
    postgresql=f"select {_ACCOUNT} from "
    + rows("a text, t text, o text")
    + " k join ledger_account l on l.author_entity = k.a and l.type = k.t and l.object_id = k.o",
    sqlite=f"select {_ACCOUNT} from ledger_account l"
    " where l.author_entity = $1 and l.type = $2 and l.object_id = $3",
    returns=True,
)
_ALIKE = "t.author_entity, t.type, t.object_id, t.debit, t.credit, t.unit, t.phase"
_SUMMED = f"{_ALIKE}, sum(t.amount) as amount, min(t.amount) as least, count(*) as many"
_TRANSFERS = Bulk.of(
    postgresql=f"select {_SUMMED} from "
    + rows("a text, t text, o text")
    + " k join ledger_transfer t on t.author_entity = k.a and t.type = k.t and t.object_id = k.o"
    f" group by {_ALIKE}",
    sqlite=f"select {_SUMMED} from ledger_transfer t where t.author_entity = $1 and t.type = $2"
    f" and t.object_id = $3 group by {_ALIKE}",
    returns=True,
)
_OPENED = Bulk.of(
    postgresql="select d.author_entity, d.type, d.object_id, d.open_exchange from "
    + rows("a text, t text, o text")
    + " k join document d on d.author_entity = k.a and d.type = k.t and d.object_id = k.o",
    sqlite="select author_entity, type, object_id, open_exchange from document"
    " where author_entity = $1 and type = $2 and object_id = $3",
    returns=True,
)
_NOTED = Bulk.of(
    postgresql="select distinct j.author_entity, j.type, j.object_id, j.req_msg_id from "
    + rows("a text, t text, o text, id text")
    + " k join journal j on j.author_entity = k.a and j.type = k.t and j.object_id = k.o"
    " and j.req_msg_id = k.id and j.step = 'ACCEPTED'",
    sqlite="select distinct author_entity, type, object_id, req_msg_id from journal"
    " where author_entity = $1 and type = $2 and object_id = $3 and req_msg_id = $4"
    " and step = 'ACCEPTED'",
    returns=True,
)


@dataclass(slots=True, kw_only=True)
class Survey:
    """What a check knows and tells: the document types, whom it reports to, what it has counted.

    Types that it does not know are broken promises, or only noted in `unknown` where there is one: an
    old process beside a newer one meets such documents.
    """

    types: Mapping[str, DocumentType]
    report: Callable[[Broken], None]
    unknown: set[str] | None = None
    counts: Counter[str] = field(default_factory=Counter)

    def tell(self, found: Iterable[Broken]) -> None:
        """Report what a check has found."""
        for one in found:
            self.counts["broken"] += 1
            self.report(one)


async def check_documents(tx: Transaction, documents: Sequence[Row], survey: Survey) -> None:
    """Their rows, journals and books. `documents` as `documents_after` reads them."""
    survey.counts["document"] += len(documents)
    await _check_journals(tx, documents, survey)
    ids = [row["open_exchange"] for row in documents if row["open_exchange"] is not None]
    opened = {row["req_msg_id"]: row for row in await tx.fetch(EXCHANGES_NAMED, ids)} if ids else {}
    async for document, accounts in _books(tx, documents, survey):
        if survey.unknown is not None and document["type"] not in survey.types:
            survey.unknown.add(document["type"])
            continue
        found = wrong_document(
            document,
            survey.types.get(document["type"]),
            opened.get(document["open_exchange"]),
            balances=balances_of(accounts),
        )
        survey.tell(found)


async def _check_journals(tx: Transaction, documents: Sequence[Row], survey: Survey) -> None:
    chains = {document_key(row): Chain() for row in documents}
    steps = {key: Steps(told(key)) for key in chains}
    async for parts in journals_of(tx, documents):
        states = await _states(tx, {row["req_msg_id"] for part in parts for row in part.rows})
        for part in parts:
            key = document_key(part.document)
            survey.counts["journal"] += len(part.rows)
            chains[key].take(part.rows)
            for row in part.rows:
                survey.tell(steps[key].take(row, states.get(row["req_msg_id"])))
            if not part.last:
                continue
            survey.tell(steps.pop(key).end(part.document))
            head = part.document["head_sequence"], bytes(part.document["head_hash"])
            trouble = chains.pop(key).end(*head)
            survey.tell([Broken(JOURNAL, told(key), trouble)] if trouble is not None else ())


async def _states(tx: Transaction, ids: set[str]) -> dict[str, str]:
    rows_ = await tx.fetch(_STATES, sorted(ids)) if ids else ()
    return {row["req_msg_id"]: row["state"] for row in rows_}


async def _books(
    tx: Transaction, documents: Sequence[Row], survey: Survey
) -> AsyncIterator[tuple[Row, Sequence[Row]]]:
    """Check the books of documents, some thousands of accounts at a time; each with its accounts."""
    keys = sorted(document_key(row) for row in documents)
    sizes = {document_key(row): int(row["accounts"]) for row in await tx.bulk(_SIZES, keys)}
    for some in _shared_out(documents, sizes):
        keys = sorted(document_key(row) for row in some)
        accounts = _by_key(await tx.bulk(_ACCOUNTS, keys))
        transfers = _by_key(await tx.bulk(_TRANSFERS, keys))
        survey.counts["ledger_account"] += sum(map(len, accounts.values()))
        survey.counts["ledger_transfer"] += sum(r["many"] for t in transfers.values() for r in t)
        for document in some:
            key = document_key(document)
            own, kind = accounts.get(key, ()), survey.types.get(document["type"])
            survey.tell(wrong_books(document, kind, accounts=own, transfers=transfers.get(key, ())))
            yield document, own


def _shared_out(documents: Sequence[Row], sizes: Mapping[Key, int]) -> Iterator[list[Row]]:
    some: list[Row] = []
    room = ACCOUNTS_AT_ONCE
    for row in documents:
        room -= sizes.get(document_key(row), 0)
        if room < 0 and some:
            yield some
            some, room = [], ACCOUNTS_AT_ONCE - sizes.get(document_key(row), 0)
        some.append(row)
    yield some


def _by_key(found: Iterable[Row]) -> dict[Key, list[Row]]:
    grouped: dict[Key, list[Row]] = {}
    for row in found:
        grouped.setdefault(document_key(row), []).append(row)
    return grouped


async def check_exchanges(tx: Transaction, exchanges: Sequence[Row], survey: Survey) -> None:
    """Their rows, webhooks and acceptances, and that they keep busy what they move."""
    sent: dict[str, list[Row]] = {row["req_msg_id"]: [] for row in exchanges}
    for row in await tx.fetch(_DELIVERIES, list(sent)):
        survey.counts["delivery"] += 1
        survey.counts["attempt"] += row["noted"]
        sent[row["req_msg_id"]].append(row)
    moves = {row["req_msg_id"]: _moves(row) for row in exchanges}
    await _check_moves(tx, exchanges, moves=moves, survey=survey)
    for row in exchanges:
        survey.counts["exchange"] += 1
        survey.counts[f"state {row['state']}"] += 1
        survey.tell(wrong_exchange(row))
        survey.tell(wrong_outbox(row, sent[row["req_msg_id"]], row["leader_state"]))


def _moves(x: Row) -> list[PlannedMove] | None:
    """What an exchange moves; None where its row cannot be read."""
    try:
        return moves_from(x["moves"])
    except msgspec.DecodeError:
        return None


async def _check_moves(
    tx: Transaction,
    exchanges: Sequence[Row],
    *,
    moves: Mapping[str, list[PlannedMove] | None],
    survey: Survey,
) -> None:
    named = sorted((*m.key, id_) for id_, some in moves.items() for m in some or ())
    noted = {(*document_key(row), row["req_msg_id"]) for row in await tx.bulk(_NOTED, named)}
    keys = sorted({name[:3] for name in named})
    opened = {document_key(row): row["open_exchange"] for row in await tx.bulk(_OPENED, keys)}
    for x in exchanges:
        id_ = x["req_msg_id"]
        planned = moves[id_]
        if planned is None:
            survey.tell([Broken(EXCHANGE, id_, "what it moves cannot be read")])
        for move in planned or ():
            survey.tell(_wrong_move(x, move.key, noted=(*move.key, id_) in noted, opened=opened))


def _wrong_move(
    x: Row, key: Key, *, noted: bool, opened: Mapping[Key, str | None]
) -> Iterator[Broken]:
    id_ = x["req_msg_id"]
    if key not in opened:
        yield Broken(EXCHANGE, id_, f"it moves {told(key)}, which does not exist")
    elif not noted:
        yield Broken(JOURNAL, told(key), f"no row accepts exchange {id_}")
    proposed = x["state"] == State.OPEN.value and x["effect"] == Effect.PROPOSAL.value
    if proposed and key in opened and opened[key] != id_:
        what = f"exchange {id_} is open on it, and it says it is busy with {opened[key]}"
        yield Broken(DOCUMENT, told(key), what)
