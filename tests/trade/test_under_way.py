"""What crosses: two decisions about one document, of which the second waits for the first."""

from copy import deepcopy
from decimal import Decimal

import pytest
import sqlalchemy as sa

from hundi.exchange import tables
from hundi.exchange.request import Refused
from hundi.exchange.verdict import Decision
from hundi.simulator import story, story_money
from hundi.simulator.story_financing import REQUEST_ID
from tests.trade import bills, loans
from tests.trade.desk import Body, Desk
from tests.trade.lending import Lending, accepted_invoice
from tests.trade.test_financing import ANSWER, ASK, SHARE, asked, both_bid, lending
from tests.trade.test_story import INVOICE_1, INVOICE_2, ORDER, billed, ordered

__all__ = ["lending"]

NOTE, PAY = "cd-note/req-confirm", "payment/req-pay"
CHANGE = "invoice/req-status-change-invoice"


async def waits(trade: Desk, path: str, body: Body) -> list[tuple[str, str]]:
    """What a message is told that has to come again."""
    outcome = await trade.submit(path, body)
    assert isinstance(outcome, Refused), outcome
    assert outcome.retry_after == 1
    return [(fault.code, fault.path) for fault in outcome.faults]


@pytest.fixture
async def noted(trade: Desk) -> Desk:
    """Invoice 1 is accepted, and its credit note has reached the buyer."""
    await ordered(trade)
    await billed(trade, 1)
    await trade.send("cd-note/req-send", bills.note())
    return trade


def closing() -> Body:
    """The supplier closes invoice 1."""
    return bills.invoice_status("CLOSE", "ACCEPTED", "CLOSED")


async def test_a_note_is_not_accepted_while_its_invoice_is_being_closed(noted: Desk) -> None:
    await noted.submit(CHANGE, closing())
    found = await waits(noted, NOTE, bills.note_confirmation())
    assert found == [("DOC-BUSY", "cdNoteConfirmation.objectId")]
    await noted.deliver()
    await noted.send(NOTE, bills.note_confirmation())
    books = await noted.books(INVOICE_1)
    assert (books["waived"], books["notes"]) == (71_700_700 - 1_415_900, 1_415_900)
    assert not {"due", "on account"} & books.keys(), (
        "he has paid nothing, and nothing is owed to him"
    )


async def test_a_note_is_rejected_while_its_invoice_is_being_closed(noted: Desk) -> None:
    """A rejection books nothing on the invoice before it is settled, and gives the cap back."""
    await noted.submit(CHANGE, closing())
    await noted.send(NOTE, bills.note_confirmation("REJECT", "REJECTED"))
    assert "credited" not in await noted.books(INVOICE_1)


@pytest.mark.parametrize("decision", [Decision.SETTLED, Decision.DECLINED])
async def test_an_invoice_is_not_closed_while_a_note_is_being_accepted(
    noted: Desk, decision: Decision
) -> None:
    await noted.submit(NOTE, bills.note_confirmation())
    assert await waits(noted, CHANGE, closing()) == [
        ("INV-NOTE-UNDER-WAY", "invoiceStatus.objectId")
    ]
    await noted.deliver(decision)
    await noted.send(CHANGE, closing())
    assert await noted.status(INVOICE_1) == "CLOSED"
    assert "due" not in await noted.books(INVOICE_1), "nothing is left that nobody can pay"


async def taking(lending: Lending) -> None:
    """The supplier accepts lender A's bid, and lender A has not answered."""
    await asked(lending)
    await both_bid(lending)
    lending.answers["lender-a"] = Decision.ASK_AGAIN
    await lending.send(ANSWER, loans.bid_answer({"BID-A1": "ACCEPT"}))


async def answered(lending: Lending, decision: Decision) -> None:
    """Lender A answers after all."""
    lending.answers["lender-a"] = decision
    await lending.time_passes(tables.delivery.c.due_at)
    await lending.deliver()
    lending.answers.clear()


@pytest.mark.parametrize("decision", [Decision.SETTLED, Decision.DECLINED])
async def test_an_invoice_is_not_paid_while_a_lender_takes_it_over(
    lending: Lending, decision: Decision
) -> None:
    await taking(lending)
    assert await waits(lending, PAY, story_money.payment(3)) == [
        ("INV-CHANGING-HANDS", "payment.invoicesPayInfos[0].objectId")
    ]
    await answered(lending, decision)
    await lending.send(PAY, story_money.payment(3))
    assert await lending.status(INVOICE_2) == "PAYMENT INITIATED"
    assert ("financed" in await lending.books(INVOICE_2)) is (decision is Decision.SETTLED)


def note_on_2() -> Body:
    """A credit note on invoice 2 instead of invoice 1."""
    _, number, day = bills.INVOICES[2]
    return bills.note(precedingInvoiceDetails=[{"invoiceNumber": number, "invoiceDate": day}])


async def test_a_note_is_not_accepted_while_a_lender_takes_its_invoice_over(
    lending: Lending,
) -> None:
    await taking(lending)
    await lending.send("cd-note/req-send", note_on_2())
    assert await waits(lending, NOTE, bills.note_confirmation()) == [
        ("INV-CHANGING-HANDS", "cdNoteConfirmation.objectId")
    ]
    await answered(lending, Decision.SETTLED)
    await lending.send(NOTE, bills.note_confirmation())
    books = await lending.books(INVOICE_2)
    assert (books["due"], books["on account"]) == (73_750_200, -1_415_900)


async def test_no_bid_is_accepted_while_a_note_on_its_invoice_is(lending: Lending) -> None:
    await asked(lending)
    await both_bid(lending)
    await lending.send("cd-note/req-send", note_on_2())
    await lending.submit(NOTE, bills.note_confirmation())
    found = await waits(lending, ANSWER, loans.bid_answer({"BID-A1": "ACCEPT"}))
    assert found == [("INV-NOTE-UNDER-WAY", "bidResponse.responses[0].response")]


def second_bid() -> Body:
    """Another price of lender A."""
    body = deepcopy(loans.bid("BID-A1"))
    body["bid"]["bidDetails"][0]["bidId"] = "BID-A2"
    return body


async def test_a_bid_that_expires_leaves_the_others_to_be_accepted(lending: Lending) -> None:
    await asked(lending)
    await lending.send(SHARE, second_bid(), by="lender-a")
    at = (sa.update(tables.deadline).where(tables.deadline.c.object_id == "BID-A2")).values(
        due_at=1
    )
    await lending.database.write(lambda tx: tx.execute(at))
    await lending.send(SHARE, loans.bid("BID-A1"), by="lender-a")
    await lending.lapse()
    assert await lending.statuses("bid") == {"BID-A1": "OFFERED", "BID-A2": "EXPIRED"}
    await lending.send(ANSWER, loans.bid_answer({"BID-A1": "ACCEPT"}))
    assert await lending.statuses("bid") == {"BID-A1": "ACCEPTED", "BID-A2": "EXPIRED"}
    assert "open bids" not in await books_of_request(lending)


async def test_no_bid_is_open_after_the_answer(lending: Lending) -> None:
    await asked(lending)
    await lending.send(SHARE, second_bid(), by="lender-a")
    await lending.send(SHARE, loans.bid("BID-A1"), by="lender-a")
    assert (await books_of_request(lending))["open bids"] == 2
    await lending.send(ANSWER, loans.bid_answer({"BID-A1": "ACCEPT"}))
    assert await lending.statuses("bid") == {"BID-A1": "ACCEPTED", "BID-A2": "REFUSED"}
    assert "open bids" not in await books_of_request(lending)


async def books_of_request(lending: Lending) -> dict[str, int]:
    """What the request to lender A has counted."""
    return await lending.books(f"{REQUEST_ID}/LENDER-A")


def lowered() -> Body:
    """The order amended: line 2 is lowered to 500, of 900 that invoice 1 bills."""
    body = story.order(3, current_version=2, current_status="ACCEPTED")
    line = body["purchaseOrder"]["itemLists"][1]
    line["quantity"] = Decimal(500)
    return body


ACCEPT = story.confirmation("ACCEPT", version=3, target="ACCEPTED", remarks="Agreed")
CONFIRM, EDIT = "purchase-order/req-confirm", "purchase-order/req-edit"


async def test_an_amendment_below_what_was_billed_meanwhile_is_not_accepted(trade: Desk) -> None:
    await ordered(trade)
    await trade.send(EDIT, lowered())
    await trade.send("invoice/req-send-invoice", bills.invoice(1))
    found = await trade.refused(CONFIRM, ACCEPT)
    assert found == [("PO-BELOW-INVOICED", "poConfirmation.supplierResponse")]
    rejected = story.confirmation("REJECT", version=3, target="ACCEPTED", remarks="Billed")
    await trade.send(CONFIRM, rejected)
    assert (await trade.books(ORDER))["line:2 quantity"] == 900_000


async def test_nothing_is_billed_while_an_amendment_is_being_accepted(trade: Desk) -> None:
    await ordered(trade)
    await trade.send(EDIT, lowered())
    await trade.submit(CONFIRM, ACCEPT)
    found = await waits(trade, "invoice/req-send-invoice", bills.invoice(1))
    assert found == [("DOC-BUSY", "invoice.poDetails[0].objectId")]


async def test_of_a_call_to_several_what_is_busy_is_told_alone(lending: Lending) -> None:
    await asked(lending)
    await both_bid(lending)
    await lending.submit(SHARE, second_bid(), by="lender-a")
    body = loans.bid_answer({"BID-A1": "REJECT", "BID-B1": "REJECT"})
    body["bidResponse"]["responses"][1]["acceptedAmount"] = Decimal("5.00")
    assert await waits(lending, ANSWER, body) == [("DOC-BUSY", "bidResponse.financingRequestId")]


@pytest.mark.parametrize("lenders", [["LENDER-A", "NOBODY"], ["NOBODY", "LENDER-A"]])
async def test_of_a_call_to_several_an_unknown_one_is_told_before_the_rules(
    lending: Lending, lenders: list[str]
) -> None:
    invoice = await accepted_invoice(lending)
    body = loans.financing([invoice], lenders=lenders, asked="99999999.00")
    [(code, _)] = await lending.refused(ASK, body)
    assert code == "PARTY-UNKNOWN"
