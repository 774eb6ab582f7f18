"""PostgreSQL looks up by key what it changes, also where nothing has told it yet how much there is."""

import asyncpg
import pytest

from hundi.exchange.endpoints import WAITING
from hundi.exchange.first_read import _FIRST
from hundi.exchange.gathering import _RELATED
from hundi.exchange.record import _SHOWN, LOCK_DOCUMENTS
from hundi.exchange.writes import FREE_LANES
from hundi.ledger.operations import END_TRANSFER
from hundi.store.postgres import SETTINGS
from hundi.store.statement import Bulk, Statement

TRANSFERS = """
    insert into ledger_transfer
    select 'E', 'purchase-order', 'P' || n / 100, 'T' || n, 'M' || n / 100, 'E', 'invoice', 'I',
        'a', 'b', 1, 'COUNT', 'POSTED', false, 1, 1
    from generate_series(1, 10000) n
"""
LANES = "insert into further_lane values ('W1', 'L1', 1), ('W2', 'L2', 2)"


async def plan(url: str, asked: Bulk | Statement, *, given: str = "jsonb") -> str:
    connection = await asyncpg.connect(url, server_settings=SETTINGS)
    nothing = {"jsonb": "'[]'", "text[], jsonb": "'{}', '[]'", "text, bigint": "'C', 1"}[given]
    try:
        await connection.execute(f"prepare it({given}) as {asked.postgresql}")
        lines = await connection.fetch(f"explain execute it({nothing})")
    finally:
        await connection.close()
    return "\n".join(line[0] for line in lines)


async def told(url: str, *commands: str) -> None:
    connection = await asyncpg.connect(url)
    for command in commands:
        await connection.execute(command)
    await connection.close()


@pytest.mark.parametrize("grown", [False, True])
async def test_a_transfer_is_ended_by_its_key(postgres_url: str, grown: bool) -> None:
    if grown:
        await told(postgres_url, TRANSFERS, "vacuum analyze ledger_transfer")
    shown = await plan(postgres_url, END_TRANSFER)
    assert "ledger_transfer_pkey" in shown
    assert "(transfer_id = v.id)" in shown.split("Index Cond:")[1].splitlines()[0], shown


@pytest.mark.parametrize("counted", [False, True])
async def test_lanes_are_freed_by_their_webhook(postgres_url: str, counted: bool) -> None:
    if counted:
        await told(postgres_url, LANES, "vacuum analyze further_lane")
    shown = await plan(postgres_url, FREE_LANES)
    assert "Index Cond: (webhook_id = ANY" in shown, shown


@pytest.mark.parametrize(
    "bulk", [LOCK_DOCUMENTS, _SHOWN, _RELATED], ids=["lock", "shown", "related"]
)
async def test_documents_are_looked_up_by_their_key(postgres_url: str, bulk: Bulk) -> None:
    """No other index that holds the columns of the key may be taken for it."""
    shown = await plan(postgres_url, bulk)
    assert "_pkey" in shown, shown
    assert "document_written" not in shown, shown


async def test_with_their_parties_documents_are_looked_up_by_their_whole_key(
    postgres_url: str,
) -> None:
    """By the author alone it would go through all that he ever wrote."""
    shown = await plan(postgres_url, _FIRST, given="text[], jsonb")
    assert "((author_entity = k.a) AND (type = k.t) AND (object_id = k.o))" in shown, shown


async def test_no_more_is_read_of_what_waits_than_a_mailbox_takes_at_once(
    postgres_url: str,
) -> None:
    shown = await plan(postgres_url, WAITING, given="text, bigint")
    for index in ("delivery_due", "delivery_parked", "delivery_lease"):
        before, found, _ = shown.partition(f"using {index}")
        assert found, shown
        assert "Limit" in before.splitlines()[-2], shown
