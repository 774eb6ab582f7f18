"""Parties and documents in one statement: the same as one after the other."""

import asyncio
from collections.abc import Collection
from functools import partial

import sqlalchemy as sa

from hundi.exchange import tables
from hundi.exchange.document import Document
from hundi.exchange.first_read import NamedKey, parties_and_documents
from hundi.exchange.record import lock_documents
from hundi.ledger.model import Key
from hundi.parties import tables as parties
from hundi.parties.model import Served
from hundi.parties.queries import served
from hundi.store.engine import Transaction
from hundi.store.statement import insert
from tests.exchange.scene import Scene
from tests.exchange.slips import BUYER, STRANGER, SUPPLIER
from tests.exchange.test_reads_of_many import bill
from tests.store.waiting import locked_out

Read = tuple[dict[str, Served], dict[Key, Document]]
MADE = [
    ("buyer", "supplier", "B1"),
    ("buyer", "supplier", "B2"),
    ("supplier", "buyer", "B1"),
    ("stranger", "buyer", "B3"),
]


OTHER = "BUYER-2@BCB"
"""Another B2B ID of the buyer."""


async def fill(tx: Transaction) -> None:
    served = {"entity_id": "buyer", "client_id": "buyer", "active": True, "created_at": 1}
    await tx.execute(sa.insert(parties.b2b_id).values(b2b_id=OTHER, **served))
    made = [bill(*one) for one in MADE]
    names = list(made[0])
    rows = [tuple(one[name] for name in names) for one in made]
    await tx.bulk(insert(tables.document, names), rows)


async def at_once(tx: Transaction, ids: set[str], named: Collection[NamedKey]) -> Read:
    return await parties_and_documents(tx, ids, named)


async def one_by_one(tx: Transaction, ids: set[str], named: Collection[NamedKey]) -> Read:
    known = await served(tx, ids)
    keys = {(known[b].entity_id, t, o) for b, t, o in named if b in known}
    return known, await lock_documents(tx, keys)


async def test_both_ways_read_the_same(stage: Scene) -> None:
    await stage.database.write(fill)
    unknown = "NOBODY@BCB"
    for ids, named in (
        ({BUYER, SUPPLIER}, {(BUYER, "bill", "B1"), (BUYER, "bill", "B2"), (SUPPLIER, "bill", "B1")}),
        ({BUYER, SUPPLIER, STRANGER}, {(STRANGER, "bill", "B3"), (STRANGER, "bill", "B1")}),
        ({BUYER, unknown}, {(unknown, "bill", "B1"), (BUYER, "order", "B1")}),
        ({unknown}, {(unknown, "bill", "B1")}),
        ({BUYER, OTHER}, {(BUYER, "bill", "B1"), (OTHER, "bill", "B1"), (OTHER, "bill", "B2")}),
        ({BUYER}, set()),
        (set(), set()),
    ):  # fmt: skip
        expected = await stage.database.write(partial(one_by_one, ids=ids, named=named))
        seen = await stage.database.write(partial(at_once, ids=ids, named=named))
        assert seen == expected
        assert list(seen[1]) == sorted(seen[1])


async def test_what_was_read_cannot_change_before_the_end(stage: Scene) -> None:
    """Neither the party nor the document: each writer waits, and then sees what came before it."""
    await stage.database.write(fill)
    read, go_on, order = asyncio.Event(), asyncio.Event(), []

    async def holding(tx: Transaction) -> None:
        await at_once(tx, {BUYER, SUPPLIER}, {(BUYER, "bill", "B1")})
        read.set()
        if tx.dialect == "postgresql":  # a writer of SQLite waits for nobody: it is alone
            await go_on.wait()
        order.append("read")

    async def change(tx: Transaction, table: sa.Table, column: sa.Column[str], value: str) -> None:
        where = {"active": False} if table is parties.b2b_id else {"status": "GONE"}
        await tx.execute(sa.update(table).where(column == value).values(**where))
        order.append(table.name)

    reading = asyncio.create_task(stage.database.write(holding))
    await read.wait()
    ids, documents = parties.b2b_id, tables.document
    writers = [
        asyncio.create_task(
            stage.database.write(partial(change, table=ids, column=ids.c.b2b_id, value=SUPPLIER))
        ),
        asyncio.create_task(
            stage.database.write(
                partial(change, table=documents, column=documents.c.object_id, value="B1")
            )
        ),
    ]
    if stage.database.dialect == "postgresql":
        await locked_out(stage.database, 2)
    go_on.set()
    await asyncio.gather(reading, *writers)
    assert order[0] == "read"
    assert set(order[1:]) == {"b2b_id", "document"}
