"""Notes on an invoice that the buyer never got: what his answer books does not ask what he has seen."""

import sqlalchemy as sa

from hundi.exchange import tables
from hundi.exchange.closing import unanswered
from hundi.exchange.record import State
from tests.trade import bills
from tests.trade.desk import Desk
from tests.trade.reading import Reads
from tests.trade.test_story import INVOICE_1, ordered


async def noted_unseen(trade: Desk) -> None:
    """The invoice's send is given up before it reached anybody; the note on it arrives."""
    await ordered(trade)
    await trade.submit("invoice/req-send-invoice", bills.invoice(1))
    query = sa.select(tables.exchange).where(tables.exchange.c.state == "OPEN")
    [opened] = await trade.rows(query)
    ending = unanswered(opened["req_msg_id"], State.ABANDONED)
    await trade.database.write(lambda tx: trade.road.settler.end(tx, [ending]))
    await trade.send("cd-note/req-send", bills.note())
    assert await trade.status(INVOICE_1) == "CREATED"
    assert (await trade.books(INVOICE_1))["credited"] == 1_415_900


async def test_a_rejected_note_gives_its_share_back(trade: Desk) -> None:
    await noted_unseen(trade)
    await trade.send("cd-note/req-confirm", bills.note_confirmation("REJECT", "REJECTED"))
    assert await trade.books(INVOICE_1) == {}


async def test_an_accepted_note_waits_for_the_invoice(trade: Desk) -> None:
    await noted_unseen(trade)
    await trade.send("cd-note/req-confirm", bills.note_confirmation())
    assert (await trade.books(INVOICE_1))["notes ahead"] == -1_415_900
    await trade.send("invoice/req-send-invoice", bills.invoice(1))
    confirmed = bills.invoice_confirmation("ACCEPT", "ACCEPTED")
    await trade.send("invoice/req-confirm-invoice", confirmed)
    assert (await trade.books(INVOICE_1))["due"] == 70_284_800


async def test_the_invoice_is_not_his_to_read(trade: Desk, reads: Reads) -> None:
    await noted_unseen(trade)
    listed = (await reads.get("/documents", "buyer")).json()["documents"]
    assert {one["type"] for one in listed} == {"purchase-order", "cd-note"}
    page = await reads.get(f"/documents/invoice/{INVOICE_1}", "buyer")
    assert (page.status_code, page.json()["code"]) == (404, "DOC-UNKNOWN")
    confirmed = bills.invoice_confirmation("ACCEPT", "ACCEPTED")
    found = await trade.refused("invoice/req-confirm-invoice", confirmed)
    assert found == [("DOC-UNKNOWN", "invoiceConfirmation.objectId")]
