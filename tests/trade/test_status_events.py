"""Both sides hear in their feeds of every status that money gives an invoice."""

import sqlalchemy as sa

from hundi.exchange import feed
from hundi.exchange.verdict import Decision
from hundi.parties import tables as parties
from hundi.simulator import story, story_money
from tests.trade import bills
from tests.trade.desk import Body, Desk
from tests.trade.reading import Reads
from tests.trade.test_reads import noted
from tests.trade.test_story import INVOICE_1, INVOICE_2, ORDER, billed, ordered, paid
from tests.trade.trader import sums
from tests.web.test_network import checked

TRADERS = ("buyer", "supplier")
CONFIRM = "payment/req-pay-confirmation"


async def heard(trade: Desk, client_id: str) -> list[tuple[str, str, str]]:
    """The statuses that a client's feed tells of: by which message, of what, which."""
    await trade.database.write(feed.number_events)
    rows = await trade.database.read(lambda tx: feed.events(tx, client_id, after=0, limit=1000))
    told = [row for row in rows if row["kind"] == "STATUS"]
    assert all(row["status"] is None for row in rows if row not in told)
    return [(row["message"], row["object_id"], row["status"]) for row in told]


async def test_payments_from_the_ack_to_the_last_rupee(trade: Desk) -> None:
    await ordered(trade)
    await billed(trade, 1)
    await noted(trade)
    assert await heard(trade, "buyer") == []
    await trade.submit("payment/req-pay", story_money.payment(1))
    story_of_it = [("payment/req-pay", INVOICE_1, "PAYMENT INITIATED")]
    assert [await heard(trade, one) for one in TRADERS] == [story_of_it] * 2
    await trade.deliver()
    assert await heard(trade, "supplier") == story_of_it
    await trade.send(CONFIRM, story_money.payment_confirmation(1))
    await paid(trade, 2)
    story_of_it += [
        (CONFIRM, INVOICE_1, "PARTIALLY PAID"),
        ("payment/req-pay", INVOICE_1, "PAYMENT INITIATED"),
        (CONFIRM, INVOICE_1, "PAID"),
    ]
    assert [await heard(trade, one) for one in TRADERS] == [story_of_it] * 2


def small_invoice(**changes: object) -> Body:
    """Invoice 1 over 105.00, on no order."""
    lines, values = sums(1)
    values["totalInvoiceValue"] = values.pop("total")
    return bills.invoice(1, itemLists=lines, valueDetails=values, poDetails=[], **changes)


def small_note() -> Body:
    """A credit note that takes all of it back."""
    lines, values = sums(1)
    values["totalCDNoteValue"] = values.pop("total")
    return bills.note(itemLists=lines, cdNoteValueDetails=values)


async def accepted(trade: Desk, invoice: Body) -> None:
    """The invoice, sent and accepted."""
    await trade.send("invoice/req-send-invoice", invoice)
    confirmed = bills.invoice_confirmation("ACCEPT", "ACCEPTED")
    await trade.send("invoice/req-confirm-invoice", confirmed)


async def test_a_note_that_settles_an_invoice(trade: Desk) -> None:
    await accepted(trade, small_invoice())
    await trade.send("cd-note/req-send", small_note())
    assert await heard(trade, "buyer") == []
    await trade.submit("cd-note/req-confirm", bills.note_confirmation())
    assert await heard(trade, "buyer") == []
    await trade.deliver()
    told = [("cd-note/req-confirm", INVOICE_1, "PAID")]
    assert [await heard(trade, one) for one in TRADERS] == [told] * 2


async def test_a_note_whose_acceptance_is_declined_settles_nothing(trade: Desk) -> None:
    await accepted(trade, small_invoice())
    await trade.send("cd-note/req-send", small_note())
    await trade.submit("cd-note/req-confirm", bills.note_confirmation())
    await trade.deliver(Decision.DECLINED)
    assert await heard(trade, "buyer") == []
    assert await trade.status(INVOICE_1) == "ACCEPTED"


async def test_an_advance_that_covers_the_invoice(trade: Desk) -> None:
    await accepted(trade, small_invoice(advancePaymentDetails={"paidAmount": 105}))
    told = [("invoice/req-confirm-invoice", INVOICE_1, "PAID")]
    assert [await heard(trade, one) for one in TRADERS] == [told] * 2


async def test_who_is_told_is_who_serves_the_ids_of_the_invoice(trade: Desk) -> None:
    """One client may serve both sides: it hears once."""
    await accepted(trade, small_invoice())
    await trade.send("cd-note/req-send", small_note())
    change = sa.update(parties.b2b_id).values(client_id="supplier")
    await trade.submit("cd-note/req-confirm", bills.note_confirmation())
    await trade.database.write(lambda tx: tx.execute(change))
    await trade.deliver()
    assert await heard(trade, "supplier") == [("cd-note/req-confirm", INVOICE_1, "PAID")]
    assert await heard(trade, "buyer") == []


async def test_the_feed_has_the_shape_that_is_described(reads: Reads) -> None:
    await ordered(reads.trade)
    await billed(reads.trade, 2)
    await paid(reads.trade, 3)
    await reads.trade.database.write(feed.number_events)
    page = checked(await reads.get("/events", "buyer", limit=200), "NetworkEventPage")
    history = checked(
        await reads.get(f"/documents/invoice/{INVOICE_2}/history", "buyer"), "NetworkHistory"
    )
    steps = {entry["sequence"]: entry for entry in history["entries"]}
    told = [one for one in page["events"] if one["kind"] == "STATUS"]
    assert [one["status"] for one in told] == ["PAYMENT INITIATED", "PAID"]
    for one in told:
        assert one["status"] == steps[one["sequence"]]["status"]
        assert one["reqMsgId"] == steps[one["sequence"]]["reqMsgId"]
        assert (one["type"], one["author"]) == ("invoice", story.SUPPLIER.b2b_id)
    assert {one["objectId"] for one in page["events"]} >= {ORDER, INVOICE_2}
