"""Payments, their answers and notes in any order: the due is what the design rules say, always."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from hundi.documents import invoice_ledger as ledger
from hundi.documents import payment
from hundi.documents.payment_bodies import PayBody
from hundi.exchange.views import DocumentView, Posting, RuleContext
from hundi.kernel.faults import split
from hundi.kernel.reading import read
from hundi.ledger.model import NOTHING, Balance
from tests.documents import payments
from tests.documents.payments import PARTIES, TODAY

[PAY, _] = payment.MESSAGES
PATH = "payment.invoicesPayInfos[0]"
_encoder = msgspec.json.Encoder(decimal_format="number")
PART = st.integers(0, 1000)
"""Thousandths of what is due."""
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("pay"), PART, PART, st.integers(0, 100)),
        st.tuples(st.just("answer"), st.integers(0, 9), st.booleans()),
        st.tuples(st.just("note"), PART),
        st.tuples(st.just("debit"), st.integers(1, 10**6)),
    ),
    max_size=25,
)


@dataclass
class Invoice:
    """An accepted invoice: its accounts, its status, and payments that wait for their answer."""

    total: int
    accounts: dict[str, Balance] = field(default_factory=dict)
    status: str = ledger.ACCEPTED
    waiting: list[tuple[Posting, ...]] = field(default_factory=list)
    credit_notes: int = 0
    debit_notes: int = 0

    def __post_init__(self) -> None:
        self.book(ledger.acceptance(PATH, total=self.total, advance=0))

    @property
    def view(self) -> DocumentView:
        return DocumentView(
            ref=PATH, object_id=payments.ONE, status=self.status, version=1, agreed_version=1,
            number="MYM/25-26/01183", balances=self.accounts,
        )  # fmt: skip

    def net(self, *names: str) -> int:
        return sum(self.view.balance(name).net for name in names)

    def shift(self, one: Posting, suffix: str, amount: int) -> None:
        for name, side in ((one.debit, "debit"), (one.credit, "credit")):
            before = self.accounts.get(name, NOTHING)
            told = {f"{side}{suffix}": getattr(before, f"{side}{suffix}") + amount}
            self.accounts[name] = msgspec.structs.replace(before, **told)

    def book(self, postings: tuple[Posting, ...]) -> None:
        """Reserve what stands, post the rest; then let the ledger put itself in order."""
        for one in postings:
            self.shift(one, "_pending" if one.standing else "", one.amount)
        derived = ledger.derive(self.view)
        self.status = derived.status
        for one in derived.postings:
            self.shift(one, "", one.amount)
        assert ledger.derive(self.view).postings == ()

    def pay(self, cash: int, deducted: int, over: int) -> None:
        """A part of what is free, in money and by deduction; over is money up to a rupee."""
        free = self.view.balance(ledger.DUE).left
        less = free * deducted // 2000
        money = free * cash // 2000 + (over if cash == deducted == 1000 else 0)
        if not free or money + less == 0:
            return
        splits = [payments.split("TDS", str(Decimal(less).scaleb(-2)))] if less else []
        body = payments.pay(payments.share(1, cash=str(Decimal(money).scaleb(-2)), splits=splits))
        typed = read(_encoder.encode(body), PayBody)
        context = RuleContext(today=TODAY, parties=PARTIES, document=None, held={PATH: self.view})
        faults, _ = split(fault for rule in PAY.rules for fault in rule(typed, context))
        assert not faults
        postings = PAY.postings(typed, context)
        self.waiting.append(postings)
        self.book(postings)
        assert self.status == ledger.PAYMENT_INITIATED

    def answer(self, which: int, accepted: bool) -> None:
        if not self.waiting:
            return
        for one in self.waiting.pop(which % len(self.waiting)):
            self.shift(one, "_pending", -one.amount)
            if accepted:
                self.shift(one, "", one.amount)
        self.book(())

    def note(self, part: int) -> None:
        """A credit note up to its cap, whatever was paid."""
        amount = (self.total + self.debit_notes - self.credit_notes) * part // 1000
        self.credit_notes += amount
        free = self.view.balance(ledger.DUE).left
        self.book(ledger.lowering(PATH, source=ledger.NOTES, amount=amount, free=free))

    def debit(self, amount: int) -> None:
        self.debit_notes += amount
        self.book(ledger.transfer(PATH, debit=ledger.DUE, credit=ledger.DEBIT_NOTES, amount=amount))


def sound(invoice: Invoice) -> None:
    """What holds after every step."""
    due = invoice.view.balance(ledger.DUE)
    assert due.net >= 0
    assert due.left >= 0
    assert invoice.net(*invoice.accounts) == 0
    assert (invoice.status == ledger.PAYMENT_INITIATED) == bool(invoice.waiting)
    if invoice.waiting:
        return
    lowered = invoice.net(ledger.NOTES, ledger.CASH, "split:TDS")
    right = invoice.total + invoice.debit_notes - lowered
    assert due.net == max(0, right)
    assert -invoice.net(ledger.ON_ACCOUNT, ledger.ROUNDING) == max(0, -right)
    paid = invoice.net(ledger.PAYING) > 0
    wanted = ledger.PARTIALLY_PAID if paid else ledger.ACCEPTED
    assert invoice.status == (wanted if due.net else ledger.PAID)


@given(st.integers(1, 10**9), STEPS)
def test_any_order_of_payments_answers_and_notes(total: int, steps: list[Any]) -> None:
    invoice = Invoice(total)
    for name, *drawn in steps:
        getattr(invoice, name)(*drawn)
        sound(invoice)


@given(st.integers(1, 10**9), STEPS)
def test_what_was_rejected_leaves_no_trace(total: int, steps: list[Any]) -> None:
    """With every payment rejected the books are those of the notes alone."""
    paid, noted = Invoice(total), Invoice(total)
    for name, *drawn in steps:
        if name == "answer":
            continue
        getattr(paid, name)(*drawn)
        if name != "pay":
            getattr(noted, name)(*drawn)
    while paid.waiting:
        paid.answer(0, accepted=False)
    assert paid.status == noted.status
    for name in {*paid.accounts, *noted.accounts}:
        assert paid.net(name) == noted.net(name), name
