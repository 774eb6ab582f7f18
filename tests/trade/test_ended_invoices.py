"""Notes on several invoices of which one has ended: nothing of them is lost on it."""

import pytest

from hundi.exchange.request import Refused
from hundi.exchange.verdict import Decision
from tests.trade import plain
from tests.trade.desk import Body, Desk
from tests.trade.plain import CONFIRM, NOTE, NOTE_CONFIRM, SEND

ONE, TWO, THREE = (plain.id_of("INV", digit) for digit in (1, 2, 3))
NOTE_1 = f"note:{plain.id_of('CDN', 1)}"
CHANGE = "invoice/req-status-change-invoice"
REJECTED = plain.answer(1, "REJECT", "REJECTED")
ENDS = [(CONFIRM, REJECTED), (CHANGE, plain.cancelled(1))]


async def sent(trade: Desk, note: Body) -> None:
    """Invoices A1, A2 and A3 of 1000.00 each, and a note."""
    for digit in (1, 2, 3):
        await trade.send(SEND, plain.invoice(digit, "1000.00"))
    await trade.send(NOTE, note)


@pytest.mark.parametrize(("path", "body"), ENDS, ids=["rejected", "cancelled"])
async def test_the_share_of_an_ended_invoice_goes_to_the_next_one(
    trade: Desk, path: str, body: Body
) -> None:
    await sent(trade, plain.note(1, "1500.00", 1, 2, 3))
    await trade.send(path, body)
    await trade.send(CONFIRM, plain.answer(2))
    await trade.send(NOTE_CONFIRM, plain.note_answer(1))
    await trade.send(CONFIRM, plain.answer(3))
    one, two, three = [await trade.books(it) for it in (ONE, TWO, THREE)]
    assert one.keys() == {"credited", NOTE_1}, "nothing but what it had reserved"
    noted = {"credited": 100_000, NOTE_1: -100_000, "notes": 100_000}
    assert two == noted | {"billed": -100_000}
    noted = {"credited": 50_000, NOTE_1: -50_000, "notes": 50_000}
    assert three == noted | {"billed": -100_000, "due": 50_000}


async def test_what_was_taken_over_counts_in_later_caps(trade: Desk) -> None:
    await sent(trade, plain.note(1, "700.00", 1, 2))
    await trade.send(CONFIRM, REJECTED)
    await trade.send(NOTE_CONFIRM, plain.note_answer(1))
    found = await trade.refused(NOTE, plain.note(2, "300.01", 2))
    assert found == [("NOTE-OVER-CAP", "cdNote.cdNoteValueDetails.totalCDNoteValue")]
    await trade.send(NOTE, plain.note(2, "300.00", 2))


async def test_each_takes_over_up_to_its_cap(trade: Desk) -> None:
    """What nobody can bear is lost with the invoice on which nothing is owed."""
    await sent(trade, plain.note(1, "1000.00", 1, 2))
    await trade.send(NOTE, plain.note(2, "400.00", 2))
    await trade.send(CONFIRM, REJECTED)
    await trade.send(CONFIRM, plain.answer(2))
    await trade.send(NOTE_CONFIRM, plain.note_answer(1))
    books = await trade.books(TWO)
    assert (books["notes"], books["credited"], books["due"]) == (60_000, 100_000, 40_000)


async def test_a_debit_note_raises_the_first_that_has_not_ended(trade: Desk) -> None:
    await sent(trade, plain.note(1, "50.00", 1, 3, 2, kind="DEBIT"))
    await trade.send(CONFIRM, REJECTED)
    await trade.send(CONFIRM, plain.answer(2))
    await trade.send(CONFIRM, plain.answer(3))
    await trade.send(NOTE_CONFIRM, plain.note_answer(1, kind="DEBIT"))
    one, two, three = [await trade.books(it) for it in (ONE, TWO, THREE)]
    assert (one, two["due"], three["due"]) == ({}, 100_000, 105_000)


async def waits(trade: Desk, path: str, body: Body) -> list[tuple[str, str]]:
    """What a message is told that has to come again."""
    outcome = await trade.submit(path, body)
    assert isinstance(outcome, Refused), outcome
    assert outcome.retry_after == 1
    return [(fault.code, fault.path) for fault in outcome.faults]


@pytest.mark.parametrize(("path", "body"), ENDS, ids=["rejected", "cancelled"])
@pytest.mark.parametrize("kind", ["CREDIT", "DEBIT"])
async def test_no_invoice_ends_while_its_note_is_being_accepted(
    trade: Desk, path: str, body: Body, kind: str
) -> None:
    await sent(trade, plain.note(1, "100.00", 1, 2, kind=kind))
    await trade.submit(NOTE_CONFIRM, plain.note_answer(1, kind=kind))
    [(code, _)] = await waits(trade, path, body)
    assert code == "INV-NOTE-UNDER-WAY"
    await trade.deliver(Decision.DECLINED)
    await trade.send(path, body)


@pytest.mark.parametrize(("path", "body"), ENDS, ids=["rejected", "cancelled"])
async def test_no_note_is_accepted_while_its_invoice_ends(
    trade: Desk, path: str, body: Body
) -> None:
    await sent(trade, plain.note(1, "100.00", 1, 2))
    await trade.submit(path, body)
    found = await waits(trade, NOTE_CONFIRM, plain.note_answer(1))
    assert found == [("DOC-BUSY", "cdNoteConfirmation.objectId")]
    await trade.deliver()
    await trade.send(NOTE_CONFIRM, plain.note_answer(1))
    assert (await trade.books(TWO))["notes"] == 10_000
