"""Accounts of very many, very large invoices: exact sums, and pages."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import sqlalchemy as sa

from hundi.exchange.tables import document
from hundi.kernel.money import Money
from hundi.ledger.model import LARGEST
from hundi.ledger.tables import account, transfer
from hundi.store.engine import Transaction
from tests.trade.desk import Desk
from tests.trade.reading import Reads
from tests.trade.test_story import INVOICE_1, billed, ordered

Change = Callable[[int, dict[str, Any]], Mapping[str, Any]]
DUE = 71_700_700
BOTH = ("supplier", "buyer")


async def copied(trade: Desk, copies: int, change: Change) -> None:
    """Invoice 1, accepted, and so many like it; `change` says what is different in a row."""
    await ordered(trade)
    await billed(trade, 1)
    rows = {
        table: await trade.rows(
            sa.select(table).where(table.c.object_id == INVOICE_1, table.c.type == "invoice")
        )
        for table in (document, account, transfer)
    }

    async def write(tx: Transaction) -> None:
        for n in range(copies):
            for table, some in rows.items():
                for row in some:
                    own = {**row, "object_id": f"COPY{n:04}", **change(n, dict(row))}
                    await tx.execute(sa.insert(table).values(own))

    await trade.database.write(write)


def huge(_: int, row: dict[str, Any]) -> Mapping[str, Any]:
    """As much as an account holds, less a little that must not be lost."""
    if "amount" in row:
        return {"amount": LARGEST - 1}
    sides = ("debit", "credit", "debit_pending", "credit_pending")
    return {side: LARGEST - 1 for side in sides if row.get(side)}


async def test_sums_beyond_64_bits_are_exact(reads: Reads) -> None:
    copies = 20
    await copied(reads.trade, copies, huge)
    total = Money(copies * (LARGEST - 1) + DUE)
    assert total.paise > 2**63
    sides = {"supplier": ("receivable", total), "buyer": ("payable", -total)}
    for reader, (side, balance) in sides.items():
        [one] = (await reads.accounts(reader))["accounts"]
        assert one[side]["due"] == total.text()
        assert one[side]["openInvoices"] == copies + 1
        assert one["balance"] == balance.text()
        page = await reads.account(reader)
        assert page[side]["due"] == total.text()
        assert page["balance"] == balance.text()
        assert (await reads.statement(reader, limit=200))["closing"] == balance.text()


async def test_a_statement_opens_with_more_than_64_bits(reads: Reads) -> None:
    await copied(reads.trade, 20, huge)
    read, cursor, closing = 0, "", "0.00"
    while cursor is not None:
        page = await reads.statement("buyer", cursor=cursor, limit=8)
        assert page["opening"] == closing
        read, cursor, closing = read + len(page["lines"]), page["cursor"], page["closing"]
    assert read == 21
    assert closing == (-Money(20 * (LARGEST - 1) + DUE)).text()


def overpaid(_: int, row: dict[str, Any]) -> Mapping[str, Any]:
    """The two accounts of an invoice turned to others: credit on account, a payment under way."""
    most = LARGEST - 1
    of_account = {
        "due": {"name": "on account", "debit": 0, "credit": most, "guarded": False},
        "billed": {"name": "paying", "debit_pending": most, "credit": 0},
    }
    return of_account.get(row.get("name", ""), {})


async def test_what_is_reserved_and_on_account_is_exact(reads: Reads) -> None:
    await copied(reads.trade, 12, overpaid)
    [one] = (await reads.accounts("supplier"))["accounts"]
    assert one["receivable"]["onAccount"] == Money(12 * (LARGEST - 1)).text()
    assert one["receivable"]["reserved"] == Money(12 * (LARGEST - 1)).text()
    assert one["balance"] == Money(DUE - 12 * (LARGEST - 1)).text()


def one_by_one(n: int, row: dict[str, Any]) -> Mapping[str, Any]:
    """Accepted one after the other, three at a time."""
    if "agreed_at" not in row:
        return {}
    return {"number": f"N{n}", "agreed_at": row["agreed_at"] + 1 + n // 3}


@pytest.mark.parametrize("limit", [1, 7, 200])
async def test_open_invoices_in_pages(reads: Reads, limit: int) -> None:
    await copied(reads.trade, 9, one_by_one)
    wanted = ["MYM/25-26/01183", *(f"N{n}" for n in range(9))]
    for reader in BOTH:
        told, cursor = [], ""
        while cursor is not None:
            page = await reads.account(reader, cursor=cursor, limit=limit)
            assert len(page["openInvoices"]) <= limit
            told += page["openInvoices"]
            cursor = page["cursor"]
        assert [one["number"] for one in told] == wanted


async def test_more_open_invoices_than_are_aged(reads: Reads) -> None:
    await copied(reads.trade, 205, one_by_one)
    first = await reads.account("buyer", limit=200)
    assert len(first["openInvoices"]) == 200
    last = await reads.account("buyer", limit=200, cursor=first["cursor"])
    assert [one["number"] for one in last["openInvoices"]] == [f"N{n}" for n in range(199, 205)]
    assert last["cursor"] is None
    assert {one["dueDate"] for one in last["openInvoices"]} == {
        one["dueDate"] for one in first["openInvoices"]
    }
    assert last["ageing"] == first["ageing"]
    assert last["ageing"]["payable"]["notAged"] == Money(6 * DUE).text()
    assert last["payable"]["openInvoices"] == 206


async def test_a_cursor_of_open_invoices_belongs_to_its_account(reads: Reads) -> None:
    await copied(reads.trade, 2, one_by_one)
    cursor = (await reads.account("buyer", limit=1))["cursor"]
    bad = (400, "READ-CURSOR")
    await reads.refused("/accounts", "buyer", bad, cursor=cursor)
    page = await reads.account("buyer", limit=1)
    path = f"/accounts/{page['counterparty']}/statement"
    await reads.refused(path, "buyer", bad, cursor=cursor)
