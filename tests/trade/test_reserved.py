"""What the accounts on a page tell of reservations by messages that have not reached the reader."""

from typing import Any

from hundi.exchange.verdict import Decision
from hundi.simulator import story_money, story_supplies
from tests.trade import bills
from tests.trade.desk import Desk
from tests.trade.reading import Reads
from tests.trade.test_reads import NOTE
from tests.trade.test_story import INVOICE_1, ORDER, billed, ordered

Books = dict[str, dict[str, Any]]
SHARE = f"note:{NOTE}"


async def books(reads: Reads, client_id: str, kind: str = "invoice", id_: str = INVOICE_1) -> Books:
    page = await reads.page(kind, id_, client_id)
    return {one["name"]: one for one in page["accounts"]["accounts"]}


async def withdrawn(trade: Desk) -> None:
    """The note is cancelled by its author; what never reached anybody does not travel."""
    body = story_supplies.note_status_change(
        "CANCEL", source="CREATED", target="CANCELLED", remarks="Wrong"
    )
    await trade.send("cd-note/req-status-change", body)


async def test_a_note_that_has_not_left_is_in_no_account_of_the_buyer(reads: Reads) -> None:
    await ordered(reads.trade)
    await billed(reads.trade, 1)
    before = await books(reads, "buyer")
    await reads.trade.submit("cd-note/req-send", bills.note())
    mine = await books(reads, "supplier")
    assert mine[SHARE]["reservedOut"] == mine["credited"]["reservedIn"] == "14159.00"
    assert await books(reads, "buyer") == before
    await reads.trade.deliver()
    assert await books(reads, "buyer") == await books(reads, "supplier")
    assert SHARE in await books(reads, "buyer")


async def test_a_note_that_was_withdrawn_unseen_leaves_no_trace(reads: Reads) -> None:
    await ordered(reads.trade)
    await billed(reads.trade, 1)
    before = await books(reads, "buyer")
    await reads.trade.submit("cd-note/req-send", bills.note())
    await withdrawn(reads.trade)
    assert SHARE in await books(reads, "supplier")
    assert await books(reads, "buyer") == before


async def test_a_note_that_was_declined_was_seen(reads: Reads) -> None:
    await ordered(reads.trade)
    await billed(reads.trade, 1)
    await reads.trade.submit("cd-note/req-send", bills.note())
    await reads.trade.deliver(Decision.DECLINED)
    assert (await books(reads, "buyer"))[SHARE]["reservedOut"] == "0.00"


async def test_beside_it_all_else_is_told(reads: Reads) -> None:
    await ordered(reads.trade)
    await billed(reads.trade, 1)
    await reads.trade.send("payment/req-pay", story_money.payment(1))
    before = await books(reads, "buyer")
    assert before["due"]["reservedOut"] == "400242.00"
    await reads.trade.submit("cd-note/req-send", bills.note())
    assert await books(reads, "buyer") == before


async def test_a_payment_is_told_from_its_ack(reads: Reads) -> None:
    await ordered(reads.trade)
    await billed(reads.trade, 1)
    await reads.trade.submit("payment/req-pay", story_money.payment(1))
    assert (await books(reads, "supplier"))["due"]["reservedOut"] == "400242.00"


async def test_an_invoice_that_has_not_left_draws_nothing_that_the_buyer_sees(reads: Reads) -> None:
    await ordered(reads.trade)
    await billed(reads.trade, 1)
    before = await books(reads, "buyer", "purchase-order", ORDER)
    assert before["live invoices"]["held"] == "1"
    await reads.trade.submit("invoice/req-send-invoice", bills.invoice(2))
    assert await books(reads, "buyer", "purchase-order", ORDER) == before
    mine = await books(reads, "supplier", "purchase-order", ORDER)
    assert mine["live invoices"]["reservedIn"] == "1"
