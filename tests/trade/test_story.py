"""The trade story to the last rupee: statuses and ledger after every step, on both databases."""

from hundi.simulator import story, story_money
from tests.trade import bills
from tests.trade.desk import Desk

ORDER, INVOICE_1, INVOICE_2 = story.OBJECT_ID, bills.INVOICES[1][0], bills.INVOICES[2][0]


async def ordered(trade: Desk) -> None:
    """The order as it was accepted on 7 November."""
    await trade.send("purchase-order/req-send", story.order(1))
    returned = story.confirmation(
        "RETURN", version=1, target="UNDER REVIEW", remarks="Line 2 is 217.625 per kg"
    )
    await trade.send("purchase-order/req-confirm", returned)
    amended = story.order(2, current_version=1, current_status="UNDER REVIEW")
    await trade.send("purchase-order/req-edit", amended)
    accepted = story.confirmation("ACCEPT", version=2, target="ACCEPTED", remarks="Agreed")
    await trade.send("purchase-order/req-confirm", accepted)


async def billed(trade: Desk, number: int) -> None:
    """An invoice, sent and accepted."""
    await trade.send("invoice/req-send-invoice", bills.invoice(number))
    confirmed = bills.invoice_confirmation("ACCEPT", "ACCEPTED", number=number)
    await trade.send("invoice/req-confirm-invoice", confirmed)


async def paid(trade: Desk, number: int) -> None:
    """A payment, sent and confirmed."""
    await trade.send("payment/req-pay", story_money.payment(number))
    await trade.send("payment/req-pay-confirmation", story_money.payment_confirmation(number))


async def test_to_the_last_rupee(trade: Desk) -> None:
    await ordered(trade)
    await trade.send("invoice/req-send-invoice", bills.invoice(1))
    assert await trade.status(INVOICE_1) == "SENT TO BUYER"
    assert await trade.books(ORDER) == {
        "live invoices": 1, "line:1 quantity": 1_612_450, "line:2 quantity": 900_000,
        "line:3 quantity": 2_400_000, "taxable": 68_160_121,
        "drawn count": -1, "drawn thousandths": -4_912_450, "drawn paise": -68_160_121,
    }  # fmt: skip
    confirmed = bills.invoice_confirmation("ACCEPT", "ACCEPTED")
    await trade.send("invoice/req-confirm-invoice", confirmed)
    assert await trade.books(INVOICE_1) == {"due": 71_700_700, "billed": -71_700_700}
    await trade.send("cd-note/req-send", bills.note())
    await trade.send("cd-note/req-confirm", bills.note_confirmation())
    assert (await trade.books(INVOICE_1))["due"] == 70_284_800
    await billed(trade, 2)
    closed = story.status_change(
        "CLOSE", version=2, source="ACCEPTED", target="CLOSED", remarks="Short closed"
    )
    await trade.send("purchase-order/req-status-change", closed)
    assert await trade.status(ORDER) == "CLOSED"
    await trade.send("payment/req-pay", story_money.payment(1))
    assert await trade.status(INVOICE_1) == "PAYMENT INITIATED"
    await trade.send("payment/req-pay-confirmation", story_money.payment_confirmation(1))
    assert await trade.status(INVOICE_1) == "PARTIALLY PAID"
    assert (await trade.books(INVOICE_1))["due"] == 30_260_600
    await paid(trade, 2)
    assert await trade.status(INVOICE_1) == "PAID"
    await paid(trade, 3)
    assert await trade.status(INVOICE_2) == "PAID"
    one, two = await trade.books(INVOICE_1), await trade.books(INVOICE_2)
    assert (one["billed"], one["cash"], one["split:TDS"]) == (-71_700_700, 70_260_600, 24_200)
    assert (two["billed"], two["cash"], two["split:TDS"]) == (-73_750_200, 73_681_300, 68_900)
    assert "due" not in one
    assert "due" not in two
