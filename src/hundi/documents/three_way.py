"""An order beside what was invoiced on it, credited and paid: the three-way view. Pure.

Quantities and taxable values come from the bodies of the order in force, of its live invoices and
of the notes that were accepted; what is settled and due comes from the invoices' books. A note that
names no order gives back what its invoices have billed, on the orders that they have billed it on. A
return does not open the order again: `net` is what stays with the buyer. In the trade story line 1
goes ordered 3200.000, invoiced 3208.750, credited 12.150, net 3196.600.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec
from msgspec import UnsetType

from hundi.documents import invoice_ledger, note_ledger
from hundi.documents.documents_meant import InvoicesMeant, Named, OrdersMeant
from hundi.documents.invoice_bodies import Invoice
from hundi.documents.note_bodies import Note
from hundi.documents.numbering import issued_on
from hundi.documents.order_draws import (
    Draw,
    OrderBook,
    Room,
    Taken,
    as_ordered,
    drawn,
    taxable_of,
)
from hundi.documents.order_rules import line_account
from hundi.documents.shapes import LineItem
from hundi.kernel.money import ZERO, Money
from hundi.ledger.model import NOTHING, Balance

_SETTLED = (invoice_ledger.CASH, invoice_ledger.ADVANCES)
_SPLIT = invoice_ledger.split_account("")
NO_QUANTITY = Decimal(0)
_Place = tuple[str, str]
"""A line of an order: its objectId and serialno."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Billed:
    """A live invoice: its body, and the accounts of its books by name.

    `drawn` is what it has booked on orders, by their objectId and account: which of several orders a
    line was billed on was decided by what was free on that day. It is asked of those alone that
    bill several.
    """

    invoice: Invoice
    accounts: Mapping[str, Balance]
    drawn: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def room(self, book: OrderBook, serialno: str) -> Decimal:
        """What it found free of an order's line: as much as it has booked."""
        if not self.drawn:
            return as_ordered(book, serialno)
        booked = self.drawn.get(book.view.object_id, {})
        return Decimal(booked.get(line_account(serialno), 0)).scaleb(-3)


@dataclass(slots=True)
class Line:
    """One line of an order. Free quantity is delivered and not billed: it is in no sum."""

    ordered: Decimal
    taxable_ordered: Money
    free_ordered: Decimal = NO_QUANTITY
    invoiced: Decimal = NO_QUANTITY
    free_invoiced: Decimal = NO_QUANTITY
    taxable_invoiced: Money = ZERO
    credited: Decimal = NO_QUANTITY

    @property
    def net(self) -> Decimal:
        """What was invoiced and not given back."""
        return self.invoiced - self.credited


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """The whole order: values with taxes, but for the two taxable ones.

    `not_ordered` is the taxable value of lines of the invoices that no order has. An invoice that
    bills several orders counts in full on each.
    """

    taxable_ordered: Money
    taxable_invoiced: Money
    not_ordered: Money
    ordered: Money
    invoiced: Money
    credited: Money
    debited: Money
    settled: Money
    due: Money


@dataclass(slots=True)
class ThreeWay:
    """The view of one order: its lines by serialno, in its order, and the totals."""

    lines: dict[str, Line]
    totals: Totals


def three_way(
    order: OrderBook,
    others: Sequence[OrderBook],
    *,
    invoices: Sequence[Billed],
    notes: Sequence[Note],
) -> ThreeWay:
    """The view of an order. `others` are further orders that the invoices name.

    The cost grows with the lines of all documents together, each looked at once.
    """
    lines, books = _ordered(order), [order, *others]
    bills = [_bill(billed, books) for billed in invoices]
    here = [bill for bill in bills if any(draw.book is order for draw in bill.draws)]
    strange = Money(sum(_invoiced(lines, order, bill).paise for bill in here))
    back = _given_back(notes, bills, books=books)
    for serialno, line in lines.items():
        line.credited = back.get((order.view.object_id, serialno), NO_QUANTITY)
    billing = [bill.billed for bill in here]
    return ThreeWay(lines, _totals(order, lines, invoices=billing, not_ordered=strange))


@dataclass(frozen=True, slots=True)
class _Bill:
    """A live invoice with what it bills of each order that it names."""

    billed: Billed
    draws: Sequence[Draw]
    strangers: Sequence[int]


def _bill(billed: Billed, books: Sequence[OrderBook]) -> _Bill:
    draws, strangers = drawn(billed.invoice, _named(billed.invoice, books), billed.room)
    return _Bill(billed, draws, strangers)


def _ordered(order: OrderBook) -> dict[str, Line]:
    lines = {serialno: Line(one.quantity, one.taxable) for serialno, one in order.lines.items()}
    for item in order.view.body.purchaseOrder.itemLists:
        lines[item.serialno].free_ordered += _free(item)
    return lines


def _free(item: LineItem) -> Decimal:
    return NO_QUANTITY if isinstance(item.freeQuantity, UnsetType) else Decimal(item.freeQuantity)


def _named(document: Invoice | Note, books: Sequence[OrderBook]) -> list[OrderBook]:
    """The orders that a document names, each once and in its order: so it has drawn on them."""
    known = OrdersMeant(book.view for book in books)
    views = [known.named(one) for one in document.poDetails]
    by_id = {book.view.object_id: book for book in books}
    return [by_id[id_] for id_ in dict.fromkeys(view.object_id for view in views if view)]


def _invoiced(lines: Mapping[str, Line], order: OrderBook, bill: _Bill) -> Money:
    """Add what an invoice bills of the order; the taxable value of its lines that no order has."""
    invoice = bill.billed.invoice
    for serialno, taken in _of(order, bill.draws).items():
        line = lines[serialno]
        line.invoiced += taken.quantity
        line.taxable_invoiced += taken.taxable
        for place in taken.places:
            line.free_invoiced += _free(invoice.itemLists[place])
    return Money(sum(taxable_of(invoice.itemLists[place]).paise for place in bill.strangers))


def _given_back(
    notes: Iterable[Note], bills: Sequence[_Bill], *, books: Sequence[OrderBook]
) -> dict[_Place, Decimal]:
    """What credit notes give back of each line of each order. A line of a note counts once."""
    known = InvoicesMeant(_called(bill) for bill in bills)
    back: dict[_Place, Decimal] = {}
    for note in notes:
        if note.noteType != note_ledger.CREDIT:
            continue
        told = [known.named(one) for one in note.precedingInvoiceDetails]
        corrected = {bill.billed.invoice.objectId: bill for bill in told if bill is not None}
        billed_on = _each_once(d.book for bill in corrected.values() for d in bill.draws)
        named = _named(note, books) or billed_on or sorted(books, key=_id_of)
        draws, _ = drawn(note, named, _left(corrected.values(), back))
        _add(draws, back)
    return back


def _left(bills: Iterable[_Bill], back: Mapping[_Place, Decimal]) -> Room:
    """What a note finds of a line: what its invoices have billed, and was not given back before."""
    billed: dict[_Place, Decimal] = {}
    for bill in bills:
        _add(bill.draws, billed)

    def room(book: OrderBook, serialno: str) -> Decimal:
        place = _id_of(book), serialno
        return billed.get(place, NO_QUANTITY) - back.get(place, NO_QUANTITY)

    return room


def _add(draws: Iterable[Draw], sums: dict[_Place, Decimal]) -> None:
    """Add the quantities that are drawn to what was drawn of the same lines before."""
    for draw in draws:
        for serialno, taken in draw.taken.items():
            place = _id_of(draw.book), serialno
            sums[place] = sums.get(place, NO_QUANTITY) + taken.quantity


def _called(bill: _Bill) -> Named[_Bill]:
    invoice = bill.billed.invoice
    day = issued_on(invoice.invoiceReferenceDetails, invoice.ts)
    return Named(bill, invoice.objectId, invoice.supplierInvoiceNumber, day)


def _each_once(books: Iterable[OrderBook]) -> list[OrderBook]:
    return list({_id_of(book): book for book in books}.values())


def _id_of(book: OrderBook) -> str:
    return book.view.object_id


def _of(order: OrderBook, draws: Iterable[Draw]) -> dict[str, Taken]:
    return next((draw.taken for draw in draws if draw.book is order), {})


def _totals(
    order: OrderBook,
    lines: Mapping[str, Line],
    *,
    invoices: Sequence[Billed],
    not_ordered: Money,
) -> Totals:
    total = order.view.body.purchaseOrder.poValueDetails.totalPOValue
    books = [billed.accounts for billed in invoices]
    return Totals(
        taxable_ordered=Money(sum(line.taxable_ordered.paise for line in lines.values())),
        taxable_invoiced=Money(sum(line.taxable_invoiced.paise for line in lines.values())),
        not_ordered=not_ordered,
        ordered=ZERO if isinstance(total, UnsetType) else Money.of(total),
        invoiced=Money(sum(invoice_ledger.total_of(one.invoice).paise for one in invoices)),
        credited=_held(books, invoice_ledger.NOTES),
        debited=-_held(books, invoice_ledger.DEBIT_NOTES),
        settled=Money(sum(_settled(accounts) for accounts in books)),
        due=_held(books, invoice_ledger.DUE),
    )


def _held(books: Iterable[Mapping[str, Balance]], account: str) -> Money:
    return Money(sum(accounts.get(account, NOTHING).net for accounts in books))


def _settled(accounts: Mapping[str, Balance]) -> int:
    """What the buyer has paid, deducted and advanced, in paise: confirmed, whatever it was for."""
    return sum(
        balance.net
        for name, balance in accounts.items()
        if name in _SETTLED or name.startswith(_SPLIT)
    )
