"""Stored bodies that were erased: a clear refusal, or the thing is done without them; never an error."""

import json
from functools import partial
from typing import Any

import sqlalchemy as sa

from hundi.delivery.breaker import Breaker
from hundi.delivery.dispatch import Dispatcher
from hundi.exchange import tables
from hundi.exchange.invariants.walk import check_store
from hundi.exchange.leases import lease
from hundi.exchange.outbox import find_expired
from hundi.exchange.redrive import redrive
from hundi.exchange.request import Accepted, Refused
from hundi.exchange.verdict import Decision
from hundi.kernel.clock import wall_clock
from hundi.simulator import story, story_money
from hundi.store.engine import Transaction
from tests.keys import KEYRING
from tests.trade import bills, loans
from tests.trade.desk import Body, Desk
from tests.trade.lending import Lending
from tests.trade.test_financing import ANSWER, ASK, SHARE, asked, both_bid, lending
from tests.trade.test_story import INVOICE_1, ORDER, billed, ordered

__all__ = ["lending"]

GONE = "DOC-BODY-ERASED"


async def erase(trade: Desk, message: str) -> None:
    """Erase the bodies of all messages of a kind; journals keep their digests."""
    x, b = tables.exchange.c, tables.body
    ids = sa.select(x.req_msg_id).where(x.message == message)
    gone = sa.delete(b).where(b.c.body_id.in_(ids))
    await trade.database.write(lambda tx: tx.execute(gone))


async def accepted(trade: Desk, path: str, body: Body) -> None:
    outcome = await trade.submit(path, body)
    assert isinstance(outcome, Accepted), outcome
    await trade.deliver()


async def refused(trade: Desk, path: str, body: Body) -> str:
    """The one path that is refused because something was erased."""
    outcome = await trade.submit(path, body)
    assert isinstance(outcome, Refused), outcome
    [fault] = [one for one in outcome.faults if one.code == GONE]
    assert "was erased" in fault.detail
    return fault.path


async def test_an_order_is_billed_no_more_and_can_be_closed(trade: Desk) -> None:
    await ordered(trade)
    await erase(trade, "purchase-order/req-edit")
    found = await refused(trade, "invoice/req-send-invoice", bills.invoice(1))
    assert found == "invoice.poDetails[0]"
    await accepted(trade, "invoice/req-send-invoice", bills.invoice(1, poDetails=[]))
    closed = story.status_change(
        "CLOSE", version=2, source="ACCEPTED", target="CLOSED", remarks="Short closed"
    )
    await accepted(trade, "purchase-order/req-status-change", closed)
    assert await trade.status(ORDER) == "CLOSED"


async def test_an_order_is_amended_by_what_its_books_say(trade: Desk) -> None:
    await ordered(trade)
    await billed(trade, 1)
    await erase(trade, "purchase-order/req-edit")
    again = story.order(3, current_version=2, current_status="ACCEPTED")
    await accepted(trade, "purchase-order/req-edit", again)


async def test_an_amendment_that_was_erased_is_not_accepted(trade: Desk) -> None:
    await ordered(trade)
    again = story.order(3, current_version=2, current_status="ACCEPTED")
    await accepted(trade, "purchase-order/req-edit", again)
    await erase(trade, "purchase-order/req-edit")
    agreed = story.confirmation("ACCEPT", version=3, target="ACCEPTED", remarks="Agreed")
    found = await refused(trade, "purchase-order/req-confirm", agreed)
    assert found == "poConfirmation.supplierResponse"
    back = story.confirmation("RETURN", version=3, target="UNDER REVIEW", remarks="Again, please")
    await accepted(trade, "purchase-order/req-confirm", back)


def edited() -> Body:
    body = bills.invoice(1)
    body["invoice"]["objectVersion"] = {"currentVersion": 1, "newVersion": 2}
    body["invoice"]["statusTransition"]["currentStatus"] = "SENT TO BUYER"
    return body


async def test_an_edit_gives_an_erased_order_back_what_was_booked_on_it(trade: Desk) -> None:
    await ordered(trade)
    await trade.send("invoice/req-send-invoice", bills.invoice(1))
    assert (await trade.books(ORDER))["live invoices"] == 1
    await erase(trade, "purchase-order/req-edit")
    body = edited()
    body["invoice"]["poDetails"] = []
    await accepted(trade, "invoice/req-edit-invoice", body)
    assert not any((await trade.books(ORDER)).values())


async def test_an_invoice_is_not_edited_and_can_be_cancelled(trade: Desk) -> None:
    await ordered(trade)
    await trade.send("invoice/req-send-invoice", bills.invoice(1))
    await erase(trade, "invoice/req-send-invoice")
    assert (await refused(trade, "invoice/req-edit-invoice", edited())).startswith("invoice")
    await accepted(
        trade, "invoice/req-status-change-invoice",
        bills.invoice_status("CANCEL", "SENT TO BUYER", "CANCELLED"),
    )  # fmt: skip
    assert (await trade.books(ORDER)).get("live invoices", 0) == 0


async def test_an_invoice_is_rejected_and_not_accepted(trade: Desk) -> None:
    await ordered(trade)
    await trade.send("invoice/req-send-invoice", bills.invoice(1))
    await erase(trade, "invoice/req-send-invoice")
    confirm = "invoice/req-confirm-invoice"
    found = await refused(trade, confirm, bills.invoice_confirmation("ACCEPT", "ACCEPTED"))
    assert found == "invoiceConfirmation"
    assert await refused(trade, "cd-note/req-send", bills.note()) == (
        "cdNote.precedingInvoiceDetails[0]"
    )
    await accepted(trade, confirm, bills.invoice_confirmation("REJECT", "REJECTED"))


async def test_an_accepted_invoice_is_credited_and_paid_by_its_books(trade: Desk) -> None:
    await ordered(trade)
    await billed(trade, 1)
    await erase(trade, "invoice/req-send-invoice")
    await accepted(trade, "cd-note/req-send", bills.note())
    await accepted(trade, "cd-note/req-confirm", bills.note_confirmation())
    await accepted(trade, "payment/req-pay", story_money.payment(1))
    await accepted(trade, "payment/req-pay-confirmation", story_money.payment_confirmation(1))
    assert (await trade.books(INVOICE_1))["due"] == 30_260_600


async def test_a_note_is_rejected_and_not_accepted(trade: Desk) -> None:
    await ordered(trade)
    await billed(trade, 1)
    await trade.send("cd-note/req-send", bills.note())
    await erase(trade, "cd-note/req-send")
    confirm = "cd-note/req-confirm"
    assert await refused(trade, confirm, bills.note_confirmation()) == "cdNoteConfirmation"
    await accepted(trade, confirm, bills.note_confirmation("REJECT", "REJECTED"))
    assert "notes" not in await trade.books(INVOICE_1)


async def test_a_payment_is_neither_confirmed_nor_sent_again(trade: Desk) -> None:
    await ordered(trade)
    await billed(trade, 1)
    await trade.submit("payment/req-pay", story_money.payment(1))
    await trade.deliver(Decision.DECLINED)
    await erase(trade, "payment/req-pay")
    again = story_money.payment(1)
    transition = again["payment"]["invoicesPayInfos"][0]["statusTransition"]
    transition["currentStatus"] = "PAYMENT INITIATED"
    assert await refused(trade, "payment/req-pay", again) == "payment"
    confirmation = story_money.payment_confirmation(1)
    found = await refused(trade, "payment/req-pay-confirmation", confirmation)
    assert found == "paymentConfirmation"


async def test_a_financing_request_is_not_bid_on(lending: Lending) -> None:
    await asked(lending)
    await erase(lending, ASK)
    found = await lending.refused(SHARE, loans.bid("BID-A1"))
    assert (GONE, "bid.financingRequestId") in found


async def test_a_bid_is_refused_and_not_taken(lending: Lending) -> None:
    await asked(lending)
    await both_bid(lending)
    await erase(lending, SHARE)
    found = await lending.refused(ANSWER, loans.bid_answer({"BID-A1": "ACCEPT"}))
    assert (GONE, "bidResponse.responses[0]") in found
    outcome = await lending.submit(ANSWER, loans.bid_answer({"BID-A1": "REJECT"}))
    assert isinstance(outcome, Accepted), outcome


async def test_what_is_open_ends_without_its_body(trade: Desk) -> None:
    await ordered(trade)
    await trade.submit("invoice/req-send-invoice", bills.invoice(1))
    await erase(trade, "invoice/req-send-invoice")
    await trade.database.write(lambda tx: _expire(trade, tx))
    told = (await exchanges(trade))["invoice/req-send-invoice"]
    assert told == ("EXPIRED", "EXCHANGE-EXPIRED")
    b = tables.body.c
    [row] = await trade.rows(
        sa.select(b.bytes).where(b.body_id.like("RSP%")).order_by(b.body_id.desc()).limit(1)
    )
    assert set(json.loads(row["bytes"])) == {"resp", "additionalInfo"}


async def _expire(trade: Desk, tx: Transaction) -> None:
    await tx.execute(sa.update(tables.exchange).values(expires_at=1))
    await trade.outbox.expire(tx, await find_expired(tx, 256))


async def exchanges(trade: Desk) -> dict[str, tuple[str, str]]:
    """State and error code of each exchange, by its message."""
    x = tables.exchange.c
    rows = await trade.rows(sa.select(x.message, x.state, x.error_code))
    return {row["message"]: (row["state"], row["error_code"]) for row in rows}


class _Unheard:
    """A breaker, a wire and an observer of nothing: an erased body must not come so far."""

    def attempted(self, *_: Any) -> None:
        raise AssertionError("nothing was sent")

    async def post(self, *_: Any, **__: Any) -> None:
        raise AssertionError("nothing can be sent")


async def dispatched(trade: Desk) -> None:
    """Have the dispatcher try whatever is due, once."""
    unheard: Any = _Unheard()
    dispatcher = Dispatcher(
        database=trade.database, outbox=trade.outbox, wire=unheard, breaker=Breaker(random=bytes),
        observer=unheard, keyring=KEYRING, clock=wall_clock, random=bytes,
    )  # fmt: skip
    room = dict.fromkeys(("buyer", "supplier"), 10)
    leased = await trade.database.write(partial(lease, room=room, total=30))
    results = [await dispatcher.attempt(one) for one in leased]
    await trade.database.write(partial(trade.outbox.finish, results=results))


async def test_a_proposal_that_cannot_be_delivered_is_given_up_and_told(trade: Desk) -> None:
    await ordered(trade)
    await trade.submit("invoice/req-send-invoice", bills.invoice(1))
    await erase(trade, "invoice/req-send-invoice")
    await dispatched(trade)
    told = (await exchanges(trade))["invoice/req-send-invoice"]
    assert told == ("ABANDONED", "EXCHANGE-ERASED")
    assert await trade.status(INVOICE_1) == "CREATED"
    assert await trade.reserved(ORDER) == {}
    await trade.deliver()
    assert trade.delivered[-1][:2] == ("RESP", "api/v0/invoice/resp-send-invoice")


async def test_a_fact_that_cannot_be_delivered_is_parked(trade: Desk) -> None:
    await ordered(trade)
    await billed(trade, 1)
    outcome = await trade.submit("payment/req-pay", story_money.payment(1))
    assert isinstance(outcome, Accepted)
    await erase(trade, "payment/req-pay")
    await dispatched(trade)
    d, a = tables.delivery.c, tables.attempt.c
    of_it = sa.select(d.state, a.outcome, a.reason, a.reached).where(
        d.webhook_id == outcome.req_msg_id, a.webhook_id == outcome.req_msg_id
    )
    [row] = await trade.rows(of_it)
    assert (row["state"], row["outcome"], row["reason"]) == (
        "PARKED", "ERASED", "the body was erased",
    )  # fmt: skip
    assert not row["reached"]
    broken: list[object] = []
    types = trade.road.settler.types
    await trade.database.read(partial(check_store, types=types, report=broken.append))
    assert broken == []
    await redriven(trade, outcome.req_msg_id)
    await trade.database.read(partial(check_store, types=types, report=broken.append))
    assert broken == []


async def redriven(trade: Desk, webhook_id: str) -> None:
    """Its sender, who does not know, has it sent again."""
    await trade.database.write(partial(redrive, client_id="buyer", webhook_id=webhook_id))
