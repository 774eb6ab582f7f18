"""A B2B ID stays on while anything of it is open, of whatever kind, or a financing runs."""

from functools import partial

import pytest

from hundi.documents import DOCUMENT_TYPES
from hundi.exchange.request import Accepted
from hundi.exchange.verdict import Decision
from hundi.kernel.faults import RefusedError
from hundi.onboarding.switching import deactivate, ends_of
from hundi.simulator import story, story_money
from tests.trade import bills, loans
from tests.trade.desk import Desk
from tests.trade.lending import Lending
from tests.trade.test_financing import ANSWER, AT_A, asked, assigned, both_bid, lending
from tests.trade.test_story import INVOICE_1, INVOICE_2, billed, ordered, paid

__all__ = ["lending"]

SUPPLIER = story.SUPPLIER.b2b_id
LENDER_A, LENDER_B = (loans.LENDERS[f"LENDER-{one}"].business.b2b_id for one in "AB")
ENDS = ends_of(DOCUMENT_TYPES)


async def open_of(trade: Desk, client_id: str, b2b_id: str) -> set[tuple[str, str]]:
    """What keeps an ID on, as (type, status); nothing where it went off."""
    off = partial(deactivate, client_id=client_id, b2b_id=b2b_id, ends=ENDS)
    try:
        await trade.database.write(off)
    except RefusedError as refusal:
        [fault] = refusal.faults
        assert fault.code == "PARTY-IN-USE"
        documents = fault.context["documents"]
        assert isinstance(documents, list)
        return {(one["type"], one["status"]) for one in documents}
    return set()


async def test_documents_of_every_kind_keep_an_id_on(trade: Desk) -> None:
    await ordered(trade)
    await billed(trade, 1)
    await trade.send("cd-note/req-send", bills.note())
    await trade.send("payment/req-pay", story_money.payment(1))
    for client_id, one in (("supplier", story.SUPPLIER), ("buyer", story.BUYER)):
        assert await open_of(trade, client_id, one.b2b_id) == {
            ("purchase-order", "ACCEPTED"), ("invoice", "PAYMENT INITIATED"),
            ("cd-note", "SENT TO BUYER"), ("payment", "DELIVERED"),
        }  # fmt: skip


async def test_what_was_rejected_does_not(trade: Desk) -> None:
    await trade.send("purchase-order/req-send", story.order(1))
    rejected = story.confirmation("REJECT", version=1, target="REJECTED", remarks="No")
    await trade.send("purchase-order/req-confirm", rejected)
    assert await open_of(trade, "supplier", SUPPLIER) == set()


async def test_a_lender_is_held_by_a_request_but_not_by_one_he_declined(lending: Lending) -> None:
    lending.answers["lender-b"] = Decision.DECLINED
    await asked(lending)
    assert await open_of(lending, "lender-a", LENDER_A) == {("financing-request", "REQUESTED")}
    assert await open_of(lending, "lender-b", LENDER_B) == set()


async def test_a_lender_is_held_by_a_bid_until_it_is_refused(lending: Lending) -> None:
    await asked(lending)
    await both_bid(lending)
    found = {("financing-request", "BIDDING"), ("bid", "OFFERED")}
    assert await open_of(lending, "lender-b", LENDER_B) == found
    await lending.send(ANSWER, loans.bid_answer({"BID-A1": "ACCEPT"}))
    assert await open_of(lending, "lender-b", LENDER_B) == set()


async def test_a_financing_runs_until_the_lender_is_paid(lending: Lending) -> None:
    await assigned(lending)
    running = {("financing-request", "ACCEPTED")}
    assert (await lending.statuses("financing-request"))[AT_A] == "ACCEPTED"
    assert await open_of(lending, "lender-a", LENDER_A) == running
    assert running < await open_of(lending, "supplier", SUPPLIER)
    await lending.send("payment/req-pay", story_money.payment(3))
    assert await open_of(lending, "lender-a", LENDER_A) == running, "nobody has confirmed it"
    await lending.send("payment/req-pay-confirmation", story_money.payment_confirmation(3))
    assert await lending.status(INVOICE_2) == "PAID"
    assert await open_of(lending, "lender-a", LENDER_A) == set()


async def test_what_is_paid_and_noted_keeps_nobody_on(trade: Desk) -> None:
    await ordered(trade)
    await billed(trade, 1)
    await trade.send("cd-note/req-send", bills.note())
    await trade.send("cd-note/req-confirm", bills.note_confirmation())
    closed = story.status_change(
        "CLOSE", version=2, source="ACCEPTED", target="CLOSED", remarks="Short closed"
    )
    await trade.send("purchase-order/req-status-change", closed)
    await paid(trade, 1)
    left = {("invoice", "PARTIALLY PAID")}
    assert await open_of(trade, "supplier", SUPPLIER) == left, "something is due"
    await trade.send("payment/req-pay", story_money.payment(2))
    unconfirmed = {("invoice", "PAYMENT INITIATED"), ("payment", "DELIVERED")}
    assert await open_of(trade, "supplier", SUPPLIER) == unconfirmed
    await trade.send("payment/req-pay-confirmation", story_money.payment_confirmation(2))
    assert await trade.status(INVOICE_1) == "PAID"
    assert await open_of(trade, "supplier", SUPPLIER) == set()
    assert await open_of(trade, "buyer", story.BUYER.b2b_id) == set()


async def test_a_paid_invoice_that_is_being_closed_keeps_both_on(trade: Desk) -> None:
    await ordered(trade)
    await billed(trade, 1)
    await trade.send("cd-note/req-send", bills.note())
    await trade.send("cd-note/req-confirm", bills.note_confirmation())
    await paid(trade, 1)
    await paid(trade, 2)
    closing = bills.invoice_status("CLOSE", "PAID", "CLOSED")
    outcome = await trade.submit("invoice/req-status-change-invoice", closing)
    assert isinstance(outcome, Accepted)
    assert ("invoice", "PAID") in await open_of(trade, "supplier", SUPPLIER)


@pytest.mark.parametrize("kind", DOCUMENT_TYPES, ids=lambda kind: kind.name)
def test_a_state_is_over_or_somebody_can_leave_it(kind) -> None:
    over = {one.partition("|")[2] for one in ENDS.over if one.partition("|")[0] == kind.name}
    states = {move.source for move in kind.moves} | {move.target for move in kind.moves}
    assert over < states
    assert states - over <= {move.source for move in kind.moves}
