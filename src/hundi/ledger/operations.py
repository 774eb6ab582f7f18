"""What the ledger writes and reads for the road, a batch at a time.

The caller holds the locks of the documents that own the accounts, so balances are read, changed in
memory and written as they are to be.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from hundi.ledger import tables
from hundi.ledger.model import Balance, Books, Key, Phase, Transfer, Unit, document_key
from hundi.store.engine import Row, Transaction
from hundi.store.statement import Bulk, Statement, insert, rows

_KEY = ("author_entity", "type", "object_id")
_SIDES = ("debit", "credit", "debit_pending", "credit_pending")
_ACCOUNT = (*_KEY, "name", "unit", "guarded", *_SIDES)
_TRANSFER = (
    *_KEY,
    "transfer_id",
    "req_msg_id",
    "holder_author",
    "holder_type",
    "holder_id",
    "debit",
    "credit",
    "amount",
    "unit",
    "phase",
    "standing",
    "booked_at",
    "ended_at",
)

INSERT_TRANSFER = insert(tables.transfer, _TRANSFER)
_ACCOUNT_VALUES = insert(tables.account, _ACCOUNT)
# `guarded` too, which no index holds: an account of before goes by what its type says now.
_UPSERT = " on conflict (author_entity, type, object_id, name) do update set " + ", ".join(
    f"{column} = excluded.{column}" for column in ("guarded", *_SIDES)
)
WRITE_ACCOUNT = Bulk(
    _ACCOUNT_VALUES.postgresql + _UPSERT, _ACCOUNT_VALUES.sqlite + _UPSERT, returns=False
)
# By key: "phase = 'PENDING'" would let PostgreSQL read the index of all that is reserved anywhere.
END_TRANSFER = Bulk.of(
    postgresql="update ledger_transfer t set phase = v.phase, ended_at = v.at from "
    + rows("a text, t text, o text, id text, phase text, at bigint")
    + " v where t.author_entity = v.a and t.type = v.t and t.object_id = v.o"
    " and t.transfer_id = v.id and t.phase not in ('POSTED', 'VOID')",
    sqlite="update ledger_transfer set phase = $5, ended_at = $6 where author_entity = $1"
    " and type = $2 and object_id = $3 and transfer_id = $4 and phase = 'PENDING'",
    returns=False,
)
_BALANCES = Bulk.of(
    postgresql="select l.author_entity, l.type, l.object_id, l.name, "
    + ", ".join(f"l.{side}" for side in _SIDES)
    + " from "
    + rows("a text, t text, o text")
    + " k join ledger_account l on l.author_entity = k.a and l.type = k.t and l.object_id = k.o",
    sqlite="select author_entity, type, object_id, name, "
    + ", ".join(_SIDES)
    + " from ledger_account where author_entity = $1 and type = $2 and object_id = $3",
    returns=True,
)
_ROWS = f"select {', '.join('t.' + name for name in _TRANSFER)} from ledger_transfer t"
_OF_EXCHANGES = Statement.both(
    f"{_ROWS} where t.req_msg_id = any($1::text[]) and t.phase = 'PENDING' order by t.transfer_id"
)
_OF_HOLDERS = Bulk.of(
    postgresql=f"select {', '.join('t.' + name for name in _TRANSFER)} from "
    + rows("a text, t text, o text")
    + " k join ledger_transfer t on t.holder_author = k.a and t.holder_type = k.t"
    " and t.holder_id = k.o where t.phase <> 'VOID' order by t.transfer_id",
    sqlite=f"{_ROWS} where t.holder_author = $1 and t.holder_type = $2 and t.holder_id = $3"
    " and t.phase <> 'VOID' order by t.transfer_id",
    returns=True,
)
_HOLDERS = Bulk.of(
    postgresql="select distinct t.holder_author as author_entity, t.holder_type as type,"
    " t.holder_id as object_id from "
    + rows("a text, t text, o text")
    + " k join ledger_transfer t on t.author_entity = k.a and t.type = k.t and t.object_id = k.o"
    " where t.phase <> 'VOID'",
    sqlite="select distinct holder_author as author_entity, holder_type as type,"
    " holder_id as object_id from ledger_transfer"
    " where author_entity = $1 and type = $2 and object_id = $3 and phase <> 'VOID'",
    returns=True,
)


async def balances(tx: Transaction, keys: Collection[Key]) -> Books:
    """The books of some documents, all of their accounts."""
    books = Books({key: {} for key in keys})
    for row in await tx.bulk(_BALANCES, sorted(keys)):
        sides = {side: row[side] for side in _SIDES}
        books.accounts[document_key(row)][row["name"]] = Balance(**sides)
    return books


async def pending_of(tx: Transaction, ids: Sequence[str]) -> dict[str, list[Transfer]]:
    """What some exchanges have reserved, standing or until they end, by reqMsgId."""
    found: dict[str, list[Transfer]] = {}
    for row in await tx.fetch(_OF_EXCHANGES, list(ids)) if ids else ():
        found.setdefault(row["req_msg_id"], []).append(_transfer(row))
    return found


async def held_by(tx: Transaction, holders: Collection[Key]) -> dict[Key, list[Transfer]]:
    """What was booked for the sake of some documents and is not void, by holder."""
    found: dict[Key, list[Transfer]] = {}
    for row in await tx.bulk(_OF_HOLDERS, sorted(holders)):
        one = _transfer(row)
        found.setdefault(one.holder, []).append(one)
    return found


async def holders_on(tx: Transaction, keys: Collection[Key]) -> set[Key]:
    """The documents for whose sake something was booked on some documents and is not void."""
    return {document_key(row) for row in await tx.bulk(_HOLDERS, sorted(keys))}


def _transfer(row: Row) -> Transfer:
    return Transfer(
        key=document_key(row),
        id=row["transfer_id"],
        holder=(row["holder_author"], row["holder_type"], row["holder_id"]),
        debit=row["debit"],
        credit=row["credit"],
        amount=row["amount"],
        unit=Unit(row["unit"]),
        phase=Phase(row["phase"]),
        standing=bool(row["standing"]),
    )


Rows = list[tuple[Any, ...]]


def account_rows(books: Books, guarded: Iterable[tuple[str, str]]) -> Rows:
    """Rows for `WRITE_ACCOUNT`: the accounts that changed, as they are to be.

    `guarded` are the accounts that never go below zero, by document type and name.
    """
    floors = frozenset(guarded)
    return [
        (*key, name, unit.value, (key[1], name) in floors, *_sides(books, key, name))
        for (key, name), unit in books.changed.items()
    ]


def transfer_rows(books: Books, now: int) -> Rows:
    """Rows for `INSERT_TRANSFER`: the new transfers."""
    return [_transfer_row(one, now) for one in books.made.values()]


def ended_rows(books: Books, now: int) -> Rows:
    """Rows for `END_TRANSFER`: those that leave PENDING."""
    return [(*one.key, one.id, phase.value, now) for one, phase in books.ended]


def _sides(books: Books, key: Key, name: str) -> tuple[int, ...]:
    balance = books.of(key)[name]
    return (balance.debit, balance.credit, balance.debit_pending, balance.credit_pending)


def _transfer_row(one: Transfer, now: int) -> tuple[Any, ...]:
    ended = None if one.phase is Phase.PENDING else now
    return (
        *one.key,
        one.id,
        one.req_msg_id,
        *one.holder,
        one.debit,
        one.credit,
        one.amount,
        one.unit.value,
        one.phase.value,
        one.standing,
        now,
        ended,
    )
