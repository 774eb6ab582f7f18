"""The books of an invoice: the story's section 10, and what is due after any sequence."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hundi.documents import invoice, invoice_ledger, note
from hundi.documents.invoice_ledger import (
    ADVANCES,
    BILLED,
    CASH,
    DEBIT_NOTES,
    DUE,
    FINANCED,
    FINANCINGS,
    NOTES,
    NOTES_AHEAD,
    ON_ACCOUNT,
    PAYING,
    PAYMENTS,
    WAIVED,
    derive,
    split_account,
    transfer,
)
from hundi.exchange.definition import MessageType
from hundi.exchange.views import DocumentView, Posting, RuleContext
from hundi.kernel.reading import read
from hundi.ledger.model import Transfer, Unit
from hundi.simulator import story, story_supplies
from tests.documents.account_books import AccountBooks
from tests.documents.bodies import Body, put
from tests.documents.supplies import INVOICE_AT, note_of, small

_, CONFIRM, _, CHANGE = invoice.MESSAGES
NOTE_SEND, NOTE_CONFIRM, _ = note.MESSAGES
INVOICE_ID = story_supplies.INVOICES[1].object_id
NOTE_ID = story_supplies.CREDIT_NOTE.object_id


def typed(message: MessageType, body: Body) -> Any:
    return read(story.dumps(body), message.body)


def known(document: DocumentView, held: DocumentView | None = None) -> RuleContext:
    return RuleContext(
        today=date(2026, 1, 31), parties={}, document=document,
        held={held.ref: held} if held is not None else {},
    )  # fmt: skip


@dataclass
class Trade:
    """One invoice and its books: what messages book is posted at once, then it is derived."""

    books: AccountBooks = field(default_factory=AccountBooks)
    status: str = "SENT TO BUYER"
    content: Any = field(
        default_factory=lambda: typed(invoice.MESSAGES[0], story_supplies.invoice())
    )

    def view(self, ref: str) -> DocumentView:
        return self.books.view(
            self.status, ref=ref, object_id=INVOICE_ID, body=self.content,
            number=story_supplies.INVOICES[1].number,
        )  # fmt: skip

    def put_in_order(self) -> None:
        derived = derive(self.view("D"))
        self.books.post(derived.postings)
        self.status = derived.status
        assert derive(self.view("D")).postings == ()

    def accept(self) -> None:
        body = story_supplies.invoice_confirmation("ACCEPT", target="ACCEPTED", remarks="Seen")
        self.books.post(CONFIRM.postings(typed(CONFIRM, body), known(self.view("D"))))
        self.status = "ACCEPTED"
        self.put_in_order()

    def note(self, body: Body) -> None:
        """A note is sent and accepted."""
        sent = typed(NOTE_SEND, body)
        view = self.view(INVOICE_AT)
        self.books.post(NOTE_SEND.postings(sent, RuleContext(
            today=date(2026, 1, 31), parties={}, document=None, held={INVOICE_AT: view})))  # fmt: skip
        self.accept_note(sent)

    def accept_note(self, sent: Any) -> None:
        answer = typed(NOTE_CONFIRM, put(
            story_supplies.note_confirmation("ACCEPT", target="ACCEPTED", remarks="Agreed"),
            objectId=sent.cdNote.objectId))  # fmt: skip
        stored = DocumentView(
            status="SENT TO BUYER", version=1, agreed_version=None, number="N", body=sent
        )
        view = self.view(f"invoice/{INVOICE_ID}")
        self.books.post(NOTE_CONFIRM.postings(answer, known(stored, view)))
        self.put_in_order()

    def pay(self, cash: int, tds: int = 0) -> None:
        self.books.post(paid(cash, tds))
        self.put_in_order()


def paid(cash: int, tds: int = 0) -> tuple[Posting, ...]:
    """What a payment books, and its mark."""
    amounts = ((CASH, DUE, cash), (split_account("TDS"), DUE, tds), (PAYING, PAYMENTS, cash + tds))
    return tuple(p for d, c, n in amounts for p in transfer("D", debit=d, credit=c, amount=n))


def second_note(total: str, **changes: Any) -> Body:
    on = story_supplies.credit_note()["cdNote"]["precedingInvoiceDetails"]
    given = {"precedingInvoiceDetails": on, "objectId": "CDN" + "2" * 32, **changes}
    return note_of(small(taxable=total, value=total, rate="0"), **given)


def test_section_10_of_the_story() -> None:
    trade = Trade()
    trade.accept()
    assert trade.books.held() == {BILLED: -71_700_700, DUE: 71_700_700}
    trade.note(story_supplies.credit_note())
    assert (trade.books.net(DUE), trade.books.net(NOTES)) == (70_284_800, 1_415_900)
    assert trade.status == "ACCEPTED"
    trade.pay(40_000_000, 24_200)
    assert (trade.books.net(DUE), trade.status) == (30_260_600, "PARTIALLY PAID")
    trade.pay(30_260_600)
    assert trade.status == "PAID"
    assert trade.books.held() == {
        BILLED: -71_700_700, CASH: 70_260_600, "credited": 1_415_900, NOTES: 1_415_900,
        f"note:{NOTE_ID}": -1_415_900, PAYING: 70_284_800, PAYMENTS: -70_284_800,
        "split:TDS": 24_200,
    }  # fmt: skip


def test_row_n_what_exceeds_the_due_goes_on_account() -> None:
    trade = Trade()
    trade.accept()
    trade.note(story_supplies.credit_note())
    trade.pay(40_000_000, 24_200)
    trade.note(second_note("702848.00"))
    assert (trade.books.net(DUE), trade.books.net(ON_ACCOUNT)) == (0, -40_024_200)
    assert trade.status == "PAID"


def test_an_advance_is_taken_off_at_acceptance() -> None:
    trade = Trade()
    body = put(story_supplies.invoice(), advancePaymentDetails={"paidAmount": 100_000})
    trade.content = typed(invoice.MESSAGES[0], body)
    trade.accept()
    assert trade.books.held() == {ADVANCES: 10_000_000, BILLED: -71_700_700, DUE: 61_700_700}


def test_an_advance_over_the_total_is_credit() -> None:
    postings = invoice_ledger.acceptance("D", total=100, advance=150)
    trade = Trade()
    trade.books.post(postings)
    assert trade.books.held() == {ADVANCES: 150, BILLED: -100, ON_ACCOUNT: -50}


def test_a_note_before_its_invoice_waits() -> None:
    trade = Trade()
    trade.note(story_supplies.credit_note())
    assert trade.books.net(NOTES_AHEAD) == -1_415_900
    assert (trade.books.net(DUE), trade.books.net(ON_ACCOUNT)) == (0, 0)
    trade.accept()
    assert (trade.books.net(DUE), trade.books.net(NOTES_AHEAD)) == (70_284_800, 0)


def test_a_debit_note_before_its_invoice_waits() -> None:
    trade = Trade()
    trade.note(second_note("100.00", noteType="DEBIT"))
    assert (trade.books.net(DUE), trade.books.net(NOTES_AHEAD)) == (0, 10_000)
    trade.accept()
    assert (trade.books.net(DUE), trade.books.net(DEBIT_NOTES)) == (71_710_700, -10_000)


def test_credit_on_account_fills_what_a_debit_note_asks() -> None:
    trade = Trade()
    trade.accept()
    trade.pay(71_700_700)
    trade.note(second_note("50.00"))
    assert (trade.status, trade.books.net(ON_ACCOUNT)) == ("PAID", -5_000)
    trade.note(second_note("80.00", noteType="DEBIT", objectId="CDN" + "3" * 32))
    assert (trade.books.net(DUE), trade.books.net(ON_ACCOUNT)) == (3_000, 0)
    assert trade.status == "PARTIALLY PAID"


def test_credit_on_account_fills_it_after_the_closing_too() -> None:
    trade = Trade()
    trade.accept()
    trade.pay(71_700_700)
    trade.status = "CLOSED"
    trade.note(second_note("50.00"))
    trade.note(second_note("80.00", noteType="DEBIT", objectId="CDN" + "3" * 32))
    assert (trade.books.net(DUE), trade.books.net(ON_ACCOUNT)) == (0, 0)
    assert trade.books.net(WAIVED) == 3_000, "nobody can pay what is left of it"
    assert trade.status == "CLOSED"


def test_after_the_assignment_the_due_is_the_lenders() -> None:
    """A credit note goes on account, and nothing of it comes back."""
    trade = Trade()
    trade.accept()
    trade.books.post(
        [Posting(ref="D", debit=FINANCED, credit=FINANCINGS, amount=1, unit=Unit.COUNT)]
    )
    trade.note(story_supplies.credit_note())
    assert (trade.books.net(DUE), trade.books.net(ON_ACCOUNT)) == (71_700_700, -1_415_900)


def test_a_note_is_no_payment() -> None:
    """Its acceptance reserves the due too; only a payment makes PAYMENT INITIATED."""
    trade = Trade()
    trade.accept()
    whole = trade.books.net(DUE)
    waiting = trade.books.reserve(
        invoice_ledger.lowering("D", source=NOTES, amount=whole, free=whole)
    )
    assert derive(trade.view("D")).status == "ACCEPTED"
    trade.books.end(waiting, posted=True)
    assert derive(trade.view("D")).status == "PAID"


def test_what_an_early_debit_note_asks_is_filled_at_once() -> None:
    """From an advance that exceeds the invoice."""
    trade = Trade()
    trade.books.post(transfer("D", debit=NOTES_AHEAD, credit=DEBIT_NOTES, amount=80))
    trade.books.post(invoice_ledger.acceptance("D", total=100, advance=150))
    trade.status = "ACCEPTED"
    trade.put_in_order()
    assert (trade.books.net(DUE), trade.books.net(ON_ACCOUNT)) == (30, 0)


def test_closing_waives_the_rest() -> None:
    trade = Trade()
    trade.accept()
    trade.pay(71_700_000)
    body = story_supplies.invoice_status_change(
        "CLOSE", source="PARTIALLY PAID", target="CLOSED", remarks="7.00 is not worth it"
    )
    trade.books.post(CHANGE.postings(typed(CHANGE, body), known(trade.view("D"))))
    trade.status = "CLOSED"
    trade.put_in_order()
    assert (trade.status, trade.books.net(DUE), trade.books.net(WAIVED)) == ("CLOSED", 0, 700)


@pytest.mark.parametrize(
    ("paid_before", "note", "books"),
    [
        (600, 300, {"waived": 100, "notes": 300}),
        (600, 400, {"notes": 400}),
        (600, 450, {"notes": 450, "on account": -50}),
        (1_000, 50, {"notes": 50, "on account": -50}),
    ],
)
def test_a_credit_note_takes_back_what_was_waived_first(
    paid_before: int, note: int, books: dict[str, int]
) -> None:
    trade = closed(paid_before)
    free = trade.books.of(DUE).left
    trade.books.post(invoice_ledger.lowering("D", source=NOTES, amount=note, free=free))
    trade.put_in_order()
    assert {
        n: trade.books.net(n) for n in (DUE, WAIVED, NOTES, ON_ACCOUNT) if trade.books.net(n)
    } == books


def test_a_debit_note_makes_nothing_due_that_nobody_can_pay() -> None:
    trade = closed(600)
    trade.books.post(transfer("D", debit=DUE, credit=DEBIT_NOTES, amount=100))
    trade.put_in_order()
    assert (trade.books.net(DUE), trade.books.net(WAIVED)) == (0, 500)
    assert trade.status == "CLOSED"


def closed(paid_before: int) -> Trade:
    """An invoice of 1000 paise that was closed when so much was paid."""
    trade = Trade()
    trade.books.post(invoice_ledger.acceptance("D", total=1_000, advance=paid_before))
    trade.books.post(invoice_ledger.closing("D", free=trade.books.of(DUE).left))
    trade.status = "CLOSED"
    trade.put_in_order()
    return trade


@pytest.mark.parametrize("response", ["REJECT", "RETURN"])
def test_only_acceptance_books(response: str) -> None:
    trade = Trade()
    body = story_supplies.invoice_confirmation(response, target="REJECTED", remarks="No")
    assert CONFIRM.postings(typed(CONFIRM, body), known(trade.view("D"))) == ()
    answer = story_supplies.note_confirmation(response, target="REJECTED", remarks="No")
    stored = DocumentView(
        status="SENT TO BUYER", version=1, agreed_version=None, number="N",
        body=typed(NOTE_SEND, story_supplies.credit_note()),
    )  # fmt: skip
    assert NOTE_CONFIRM.postings(typed(NOTE_CONFIRM, answer), known(stored, trade.view("D"))) == ()


def test_cancelling_books_nothing() -> None:
    trade = Trade()
    body = story_supplies.invoice_status_change(
        "CANCEL", source="SENT TO BUYER", target="CANCELLED", remarks="By mistake"
    )
    assert CHANGE.postings(typed(CHANGE, body), known(trade.view("D"))) == ()


AMOUNT = st.integers(1, 2_000)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["accept", "credit", "debit", "pay", "settle", "void", "close"]),
        AMOUNT,
    ),
    max_size=25,
)


class RandomTrade:
    """An invoice of 1000 paise with some advance: whatever may happen, in any order."""

    def __init__(self, advance: int) -> None:
        self.advance = advance
        self.books = AccountBooks()
        self.status = "SENT TO BUYER"
        self.waiting: list[tuple[list[Transfer], str | None]] = []

    def wait(self, postings: tuple[Posting, ...], target: str | None = None) -> None:
        self.waiting.append((self.books.reserve(postings), target))

    @property
    def free(self) -> int:
        return self.books.of(DUE).left

    @property
    def moving(self) -> bool:
        return any(target for _, target in self.waiting)

    def step(self, what: str, amount: int) -> None:
        accepted = self.status in invoice_ledger.BOOKED
        if what == "accept" and self.status == "SENT TO BUYER" and not self.moving:
            self.wait(invoice_ledger.acceptance("D", total=1_000, advance=self.advance), "ACCEPTED")
        elif what == "credit" and accepted:
            self.wait(invoice_ledger.lowering("D", source=NOTES, amount=amount, free=self.free))
        elif what == "credit":
            self.wait(transfer("D", debit=NOTES, credit=NOTES_AHEAD, amount=amount))
        elif what == "debit":
            account = DUE if accepted else NOTES_AHEAD
            self.wait(transfer("D", debit=account, credit=DEBIT_NOTES, amount=amount))
        elif what == "pay" and self.status in invoice_ledger.OWED and self.free:
            cash = min(amount, self.free)
            self.wait(paid(cash - cash // 10, cash // 10))
        elif what == "close" and self.status in {"ACCEPTED", "PAID", "PARTIALLY PAID"}:
            self.books.post(invoice_ledger.closing("D", free=self.free))
            self.status = "CLOSED"
        elif what in {"settle", "void"} and self.waiting:
            transfers, target = self.waiting.pop(amount % len(self.waiting))
            self.books.end(transfers, posted=what == "settle")
            self.status = target if target and what == "settle" else self.status
        self.order()

    def order(self) -> None:
        derived = derive(self.books.view(self.status))
        self.books.post(derived.postings)
        self.status = derived.status
        assert derive(self.books.view(self.status)).postings == ()

    def check(self) -> None:
        held = self.books.net
        assert self.free >= 0
        assert held(ON_ACCOUNT) <= 0
        nets = [b.net for b in self.books.books.of(("E", "document", "D")).values()]
        assert sum(nets) == 0
        if self.status in invoice_ledger.OWED:
            assert (self.status == "PAYMENT INITIATED") is (self.books.of(PAYING).debit_pending > 0)
            assert self.status != "PAID" or held(DUE) == 0
            assert self.status != "PARTIALLY PAID" or (held(DUE) and held(CASH))
        if self.status in invoice_ledger.BOOKED and not self.waiting:
            asked = -held(BILLED) - held(ADVANCES) - held(DEBIT_NOTES)
            given_back = held(NOTES) + held(CASH) + held("split:TDS") + held(WAIVED)
            assert held(DUE) == max(0, asked - given_back)
            assert held(ON_ACCOUNT) == min(0, asked - given_back)
            assert self.status != "CLOSED" or held(DUE) == 0
            assert held(WAIVED) == 0 or held(ON_ACCOUNT) == 0


@given(STEPS, st.sampled_from([0, 100, 1_500]))
def test_due_is_what_the_rules_say_after_any_sequence(
    steps: list[tuple[str, int]], advance: int
) -> None:
    trade = RandomTrade(advance)
    trade.step("accept", 0)
    for what, amount in steps:
        trade.step(what, amount)
        trade.check()
    while trade.waiting:
        trade.step("settle", 0)
        trade.check()
