"""Notes on an invoice that the supplier has closed: what he waived is not given back a second time."""

import pytest

from hundi.exchange.closing import unanswered
from hundi.exchange.record import State
from hundi.exchange.request import Accepted
from hundi.exchange.verdict import Decision
from tests.trade import plain
from tests.trade.desk import Desk
from tests.trade.invariants import broken
from tests.trade.plain import (
    CHANGE,
    CONFIRM,
    NOTE,
    NOTE_CONFIRM,
    PAY,
    PAY_CONFIRM,
    SEND,
)
from tests.trade.reading import Reads

ONE = plain.id_of("INV", 1)
STANDING = ("due", "waived", "notes", "on account", "cash")


async def accepted(trade: Desk) -> None:
    """Invoice A1 of 1000.00, which the buyer owes."""
    await trade.send(SEND, plain.invoice(1, "1000.00"))
    await trade.send(CONFIRM, plain.answer(1))


async def closed(trade: Desk, *, paid: str = "") -> None:
    """Invoice A1 is closed after so much was paid; the rest is waived."""
    await accepted(trade)
    source = "ACCEPTED"
    if paid:
        source = "PAID" if paid == "1000.00" else "PARTIALLY PAID"
        await trade.send(PAY, plain.paid(1, paid, total="1000.00"))
        await trade.send(PAY_CONFIRM, plain.paid_answer(1, "ACCEPT", source))
    await trade.send(CHANGE, plain.closed(1, source))
    assert await trade.status(ONE) == "CLOSED"


async def noted(trade: Desk, digit: int, total: str) -> None:
    """Credit note C1, C2, ... on invoice A1 is sent and accepted."""
    await trade.send(NOTE, plain.note(digit, total, 1))
    await trade.send(NOTE_CONFIRM, plain.note_answer(digit))


async def standing(trade: Desk) -> dict[str, int]:
    """What invoice A1 comes to; nothing in the store is wrong."""
    assert await broken(trade) == []
    books = await trade.books(ONE)
    return {name: books[name] for name in STANDING if name in books}


@pytest.mark.parametrize(
    ("paid", "note", "left"),
    [
        ("600.00", "400.00", {"notes": 40_000}),
        ("600.00", "150.00", {"notes": 15_000, "waived": 25_000}),
        ("600.00", "500.00", {"notes": 50_000, "on account": -10_000}),
        ("1000.00", "400.00", {"notes": 40_000, "on account": -40_000}),
        ("", "1000.00", {"notes": 100_000}),
    ],
)
async def test_a_credit_note_takes_the_place_of_what_was_waived(
    trade: Desk, paid: str, note: str, left: dict[str, int]
) -> None:
    """Only what the buyer has really paid too much is his credit."""
    await closed(trade, paid=paid)
    await noted(trade, 1, note)
    cash = {"cash": int(paid.replace(".", ""))} if paid else {}
    assert await standing(trade) == left | cash


async def test_one_credit_note_goes_on_where_another_has_stopped(trade: Desk) -> None:
    await closed(trade, paid="600.00")
    await noted(trade, 1, "300.00")
    await noted(trade, 2, "300.00")
    assert await standing(trade) == {"notes": 60_000, "cash": 60_000, "on account": -20_000}


async def test_what_is_declined_stays_waived(trade: Desk) -> None:
    await closed(trade, paid="600.00")
    await trade.send(NOTE, plain.note(1, "400.00", 1))
    await trade.submit(NOTE_CONFIRM, plain.note_answer(1))
    await trade.deliver(Decision.DECLINED)
    assert await standing(trade) == {"waived": 40_000, "cash": 60_000}


async def test_a_credit_note_fills_what_one_beside_it_has_let_go(trade: Desk) -> None:
    """The one is given up while it is answered, the other counts."""
    await closed(trade, paid="600.00")
    for digit in (1, 2):
        await trade.send(NOTE, plain.note(digit, "300.00", 1))
    first = await trade.submit(NOTE_CONFIRM, plain.note_answer(1))
    await trade.submit(NOTE_CONFIRM, plain.note_answer(2))
    assert isinstance(first, Accepted)
    given_up = unanswered(first.req_msg_id, State.ABANDONED)
    await trade.database.write(lambda tx: trade.road.settler.end(tx, [given_up]))
    await trade.deliver()
    assert await standing(trade) == {"notes": 30_000, "waived": 10_000, "cash": 60_000}


async def test_a_note_that_was_sent_before_the_closing_counts_the_same(trade: Desk) -> None:
    await accepted(trade)
    await trade.send(NOTE, plain.note(1, "400.00", 1))
    await trade.send(CHANGE, plain.closed(1))
    await trade.send(NOTE_CONFIRM, plain.note_answer(1))
    assert await standing(trade) == {"notes": 40_000, "waived": 60_000}


async def test_the_account_shows_no_credit_that_nobody_has_paid(reads: Reads) -> None:
    await closed(reads.trade, paid="600.00")
    before = (await reads.statement("supplier"))["lines"]
    await noted(reads.trade, 1, "400.00")
    assert (await reads.account("buyer"))["payable"] == {
        "due": "0.00", "reserved": "0.00", "onAccount": "0.00", "openInvoices": 0,
    }  # fmt: skip
    told = (await reads.statement("supplier"))["lines"][len(before) :]
    assert [(one["what"], one["balance"]) for one in told] == [
        ("credit note", "-400.00"), ("waived", "0.00"),
    ]  # fmt: skip


async def test_a_debit_note_is_waived_as_well(reads: Reads) -> None:
    await closed(reads.trade, paid="600.00")
    await reads.trade.send(NOTE, plain.note(1, "100.00", 1, kind="DEBIT"))
    await reads.trade.send(NOTE_CONFIRM, plain.note_answer(1, kind="DEBIT"))
    assert await standing(reads.trade) == {"waived": 50_000, "cash": 60_000}
    assert (await reads.account("buyer"))["payable"]["due"] == "0.00"


async def test_a_debit_note_raises_the_first_that_can_be_paid(trade: Desk) -> None:
    await closed(trade)
    await trade.send(SEND, plain.invoice(2, "1000.00"))
    await trade.send(CONFIRM, plain.answer(2))
    await trade.send(NOTE, plain.note(1, "100.00", 1, 2, kind="DEBIT"))
    await trade.send(NOTE_CONFIRM, plain.note_answer(1, kind="DEBIT"))
    assert await standing(trade) == {"waived": 100_000}
    assert (await trade.books(plain.id_of("INV", 2)))["due"] == 110_000
