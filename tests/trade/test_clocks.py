"""The clocks of the law on pages and accounts: what a party has settled, days gone by, ages."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from hundi.exchange import tables
from hundi.kernel.clock import DAY, indian_date, wall_clock
from hundi.parties.trade_settings import Changes, set_party
from hundi.simulator import story
from tests.trade import bills
from tests.trade.desk import Desk
from tests.trade.reading import Reads
from tests.trade.test_story import INVOICE_1, INVOICE_2, billed, ordered


async def aged(trade: Desk, object_id: str, days: int) -> None:
    """Have a document's last status and acceptance lie so many days back."""
    then = wall_clock() - days * DAY
    document = tables.document
    change = (
        sa.update(document)
        .where(document.c.object_id == object_id)
        .values(agreed_at=then, status_at=then)
    )
    await trade.database.write(lambda tx: tx.execute(change))


async def edited(trade: Desk) -> None:
    """The supplier sends invoice 1 with another content, unasked: it stays SENT TO BUYER."""
    body = bills.invoice(1)
    body["invoice"]["objectVersion"] = {"currentVersion": 1, "newVersion": 2}
    body["invoice"]["statusTransition"]["currentStatus"] = "SENT TO BUYER"
    await trade.send("invoice/req-edit-invoice", body)


def in_days(days: int) -> str:
    return (indian_date(wall_clock()) + timedelta(days=days)).isoformat()


async def clocks(reads: Reads) -> dict:
    pages = [await reads.page("invoice", INVOICE_1, client) for client in ("buyer", "supplier")]
    assert pages[0]["clocks"] == pages[1]["clocks"]
    return pages[0]["clocks"]


async def test_an_invoice_is_due_by_its_terms(reads: Reads) -> None:
    await ordered(reads.trade)
    await billed(reads.trade, 1)
    assert await clocks(reads) == {
        "dueDate": in_days(45), "legalDueDate": None, "daysOverdue": 0,
        "deemedAcceptanceDate": None, "warnings": [],
    }  # fmt: skip
    await aged(reads.trade, INVOICE_1, 50)
    told = await clocks(reads)
    assert (told["dueDate"], told["daysOverdue"]) == (in_days(-5), 5)
    assert [one["code"] for one in told["warnings"]] == ["CLOCK-OVERDUE"]


@pytest.mark.parametrize(
    ("enterprise", "legal"), [("micro", True), ("small", True), ("medium", False)]
)
async def test_the_law_has_a_day_of_its_own_for_small_suppliers(
    reads: Reads, enterprise: str, legal: bool
) -> None:
    await set_party(reads.trade.database, story.SUPPLIER.b2b_id, Changes(enterprise=enterprise))
    await ordered(reads.trade)
    await reads.trade.send(
        "invoice/req-send-invoice", bills.invoice(1, advancePaymentDetails={"creditDays": 60})
    )
    await reads.trade.send(
        "invoice/req-confirm-invoice", bills.invoice_confirmation("ACCEPT", "ACCEPTED")
    )
    told = await clocks(reads)
    assert (told["dueDate"], told["legalDueDate"]) == (in_days(60), in_days(45) if legal else None)
    assert [one["code"] for one in told["warnings"]] == (["CLOCK-BEYOND-LAW"] if legal else [])
    await aged(reads.trade, INVOICE_1, 50)
    assert (await clocks(reads))["daysOverdue"] == (5 if legal else 0)


async def test_silence_has_a_day_where_the_buyer_has_settled_it(reads: Reads) -> None:
    await ordered(reads.trade)
    await reads.trade.send("invoice/req-send-invoice", bills.invoice(1))
    assert (await clocks(reads))["deemedAcceptanceDate"] is None
    changes = Changes(deemed_acceptance_days="10")
    await set_party(reads.trade.database, story.SUPPLIER.b2b_id, changes)
    assert (await clocks(reads))["deemedAcceptanceDate"] is None, "it is the buyer's to settle"
    await set_party(reads.trade.database, story.BUYER.b2b_id, changes)
    told = await clocks(reads)
    assert (told["deemedAcceptanceDate"], told["warnings"]) == (in_days(10), [])
    await aged(reads.trade, INVOICE_1, 11)
    told = await clocks(reads)
    assert told["deemedAcceptanceDate"] == in_days(-1)
    assert [one["code"] for one in told["warnings"]] == ["CLOCK-SILENCE"]
    await edited(reads.trade)
    told = await clocks(reads)
    assert (told["deemedAcceptanceDate"], told["warnings"]) == (in_days(10), []), "what came today"
    assert await reads.trade.status(INVOICE_1) == "SENT TO BUYER"


async def test_what_has_ended_has_no_clock(reads: Reads) -> None:
    await ordered(reads.trade)
    await reads.trade.send("invoice/req-send-invoice", bills.invoice(1))
    rejected = bills.invoice_confirmation("REJECT", "REJECTED")
    await reads.trade.send("invoice/req-confirm-invoice", rejected)
    assert "clocks" not in await reads.page("invoice", INVOICE_1)


BUCKETS = {
    44: "notDue", 45: "notDue", 46: "days1to30", 75: "days1to30", 76: "days31to60",
    105: "days31to60", 106: "days61to90", 135: "days61to90", 136: "over90", 900: "over90",
}  # fmt: skip


async def test_an_account_tells_how_old_its_invoices_are(reads: Reads) -> None:
    await ordered(reads.trade)
    await billed(reads.trade, 1)
    await billed(reads.trade, 2)
    for days, bucket in BUCKETS.items():
        await aged(reads.trade, INVOICE_1, days)
        for client_id, side in (("supplier", "receivable"), ("buyer", "payable")):
            page = await reads.account(client_id)
            found = {name: due for name, due in page["ageing"][side].items() if due != "0.00"}
            both = {"notDue": "1454509.00"}
            apart = {bucket: "717007.00", "notDue": "737502.00"}
            assert found == (both if bucket == "notDue" else apart)
            first = page["openInvoices"][0]
            assert (first["objectId"], first["daysOverdue"]) == (INVOICE_1, max(0, days - 45))
            assert first["dueDate"] == in_days(45 - days)


async def test_what_no_due_date_is_known_of_is_told_apart(reads: Reads) -> None:
    await ordered(reads.trade)
    await reads.trade.send("invoice/req-send-invoice", bills.invoice(1, advancePaymentDetails={}))
    await reads.trade.send(
        "invoice/req-confirm-invoice", bills.invoice_confirmation("ACCEPT", "ACCEPTED")
    )
    await billed(reads.trade, 2)
    body = tables.document.c.agreed_body_id
    [row] = await reads.trade.rows(sa.select(body).where(tables.document.c.object_id == INVOICE_2))
    erased = sa.delete(tables.body).where(tables.body.c.body_id == row["agreed_body_id"])
    await reads.trade.database.write(lambda tx: tx.execute(erased))
    page = await reads.account("supplier")
    assert page["ageing"]["receivable"]["notAged"] == "1454509.00"
    assert [one["dueDate"] for one in page["openInvoices"]] == [None, None]
    view = (await reads.page("purchase-order", story.OBJECT_ID))["threeWay"]
    assert view["more"], "a document is missing"
