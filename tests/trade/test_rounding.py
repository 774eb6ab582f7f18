"""What a payment was over by up to a rupee, when the due becomes free again."""

import pytest

from hundi.documents import invoice_ledger
from tests.documents.payments import ONE, Books, held, view_of
from tests.trade import plain
from tests.trade.desk import Desk
from tests.trade.invariants import broken
from tests.trade.plain import CONFIRM, NOTE, NOTE_CONFIRM, PAY, PAY_CONFIRM, SEND

INVOICE = plain.id_of("INV", 1)


async def two_payments(trade: Desk) -> None:
    """600.00 and 401.00 at once on what asks for 1000.00: the second is over by a rupee."""
    await trade.send(SEND, plain.invoice(1, "1000.00"))
    await trade.send(CONFIRM, plain.answer(1))
    await trade.send(PAY, plain.paid(1, "600.00", total="1000.00"))
    second = plain.paid(2, "401.00", total="1000.00", status="PAYMENT INITIATED")
    await trade.send(PAY, second)


@pytest.mark.parametrize("first", [1, 2])
async def test_the_rupee_lowers_the_due_once_the_other_payment_is_rejected(
    trade: Desk, first: int
) -> None:
    await two_payments(trade)
    answers = {1: ("REJECT", "PARTIALLY PAID"), 2: ("ACCEPT", "PARTIALLY PAID")}
    for which in (first, 3 - first):
        response, after = answers[which]
        target = "PAYMENT INITIATED" if which == first else after
        await trade.send(PAY_CONFIRM, plain.paid_answer(which, response, target))
    books = await trade.books(INVOICE)
    assert (books["due"], books["cash"], "rounding" in books) == (59_900, 40_100, False)
    assert await broken(trade) == []


async def test_the_rupee_counts_against_a_later_debit_note(trade: Desk) -> None:
    await two_payments(trade)
    await trade.send(PAY_CONFIRM, plain.paid_answer(1, "ACCEPT", "PAYMENT INITIATED"))
    await trade.send(PAY_CONFIRM, plain.paid_answer(2, "ACCEPT", "PAID"))
    assert (await trade.books(INVOICE))["rounding"] == -100
    await trade.send(NOTE, plain.note(1, "50.00", 1, kind="DEBIT"))
    await trade.send(NOTE_CONFIRM, plain.note_answer(1, kind="DEBIT"))
    books = await trade.books(INVOICE)
    assert (books["due"], "rounding" in books) == (4_900, False)
    assert await broken(trade) == []


def test_what_the_lender_was_paid_too_much_lowers_what_is_due_to_him() -> None:
    """Credit notes of an assigned invoice stay on account, money does not."""
    books: Books = {
        "due": [100_000, 40_000, 0, 0], "cash": [40_100, 0, 0, 0], "rounding": [0, 100, 0, 0],
        "on account": [0, 5_000, 0, 0], "notes": [5_000, 0, 0, 0], "financed": [1, 0, 0, 0],
    }  # fmt: skip
    view = view_of(held(ONE, "ACCEPTED", books), "invoice")
    moved = [(p.debit, p.credit, p.amount) for p in invoice_ledger.derive(view).postings]
    assert moved == [("rounding", "due", 100)]
