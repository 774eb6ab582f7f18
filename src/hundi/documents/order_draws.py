"""What an invoice draws on the orders that it bills, line by line. Pure.

A line of an invoice belongs to the order's line that its `orderLineReference` names, or to that of
its own serialno. Where several orders have such a line, `order_choice` decides by what is free of
them: ordered, less what other invoices have drawn, less what this one takes. What the version before
an edit has drawn is what was booked for it: orders, and what is known of them, change.

An order counts what its live invoices have drawn: quantities of its lines, taxable value, and how
many invoices there are. Free quantity is in no sum.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from msgspec import UnsetType

from hundi.documents import order_rules
from hundi.documents.invoice_bodies import Invoice, InvoiceBody
from hundi.documents.line_sums import untold_taxable
from hundi.documents.note_bodies import Note
from hundi.documents.order_bodies import OrderBody
from hundi.documents.order_choice import Choice
from hundi.documents.shapes import LineItem
from hundi.documents.sums import line_of
from hundi.exchange.views import DocumentView, Posting, RuleContext
from hundi.kernel.money import ZERO, Money, product
from hundi.ledger.model import Unit

_DRAWS = "draws on orders"
NAMED = "invoice.poDetails["
"""Where an invoice names an order; an order that its stored version named has another path."""
_UNITS = {order_rules.TAXABLE_DRAWN: Unit.PAISE, order_rules.LIVE_INVOICES: Unit.COUNT}
"""Of an order's accounts; those of its lines count thousandths."""
_ENDLESS = Decimal("Infinity")


@dataclass(slots=True)
class Taken:
    """What an invoice takes of one line of an order, and which of its lines do."""

    quantity: Decimal = Decimal(0)
    taxable: Money = ZERO
    places: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Ordered:
    """One line of an order; lines of the same serialno count together."""

    item: LineItem
    quantity: Decimal
    taxable: Money
    valued: bool = True

    @property
    def blanket(self) -> bool:
        """An open quantity: only the value limits it."""
        return not self.quantity

    def with_more(self, other: "Ordered") -> "Ordered":
        """This line and another one of the same serialno."""
        quantity, taxable = self.quantity + other.quantity, self.taxable + other.taxable
        return Ordered(self.item, quantity, taxable, self.valued and other.valued)

    @property
    def unvalued(self) -> bool:
        """An open value: its price is to be agreed, or it is a contract on rates alone."""
        return not self.valued or (self.blanket and not self.taxable)


@dataclass(frozen=True, slots=True)
class OrderBook:
    """An order that an invoice bills: as it is stored, and its lines by serialno."""

    view: DocumentView
    lines: Mapping[str, Ordered]


@dataclass(frozen=True, slots=True)
class Draws:
    """What an invoice takes of its orders, and the places of its lines that no order has.

    `before` is what its stored version holds of orders already, by objectId.
    """

    now: Sequence["Draw"]
    strangers: Sequence[int]
    before: Mapping[str, "Before"]


@dataclass(frozen=True, slots=True)
class Before:
    """What the stored version of an invoice has booked on one order, by account."""

    ref: str
    accounts: Mapping[str, int]

    def quantity(self, serialno: str) -> Decimal:
        """Of one line."""
        return Decimal(self.accounts.get(order_rules.line_account(serialno), 0)).scaleb(-3)

    @property
    def taxable(self) -> Money:
        """The taxable value of all lines."""
        return Money(self.accounts.get(order_rules.TAXABLE_DRAWN, 0))


@dataclass(frozen=True, slots=True)
class Draw:
    """What one invoice takes of one order, by the order's serialno."""

    book: OrderBook
    taken: dict[str, Taken]

    def take(self, item: LineItem, place: int) -> None:
        """Take an invoice's line of the order's one. In another unit it counts by value alone."""
        key = key_of(item)
        taken = self.taken.setdefault(key, Taken())
        if same_unit(item, self.book.lines[key].item):
            taken.quantity += item.quantity
        taken.taxable += taxable_of(item)
        taken.places.append(place)

    @property
    def taxable(self) -> Money:
        """The taxable value of all lines that belong to the order."""
        return Money(sum(line.taxable.paise for line in self.taken.values()))

    @property
    def accounts(self) -> dict[str, int]:
        """The same as it is booked."""
        quantities = {
            order_rules.line_account(serialno): int(line.quantity.scaleb(3))
            for serialno, line in self.taken.items()
        }
        taxable = self.taxable.paise
        return quantities | {order_rules.TAXABLE_DRAWN: taxable, order_rules.LIVE_INVOICES: 1}


def taxable_of(item: LineItem) -> Money:
    """A line's taxable value: as stated, or what its total or its price make, taxes taken out."""
    if not isinstance(item.assessmentAmount, UnsetType):
        return Money.of(item.assessmentAmount)
    line = line_of(item, "")
    total = line.total
    if total is None:
        total = Money.rounded(product(item.quantity, item.unitPrice))
    return untold_taxable(line, total - line.discount)


def _valued(item: LineItem) -> bool:
    """Whether an amount tells the line's value, or quantity and price do."""
    amounts = (item.assessmentAmount, item.totalAmt)
    told = any(not isinstance(amount, UnsetType) for amount in amounts)
    return told or bool(item.quantity and item.unitPrice)


def key_of(item: LineItem) -> str:
    """The serialno of the order's line that an invoice's line belongs to."""
    reference = item.orderLineReference
    return item.serialno if isinstance(reference, UnsetType) else reference


def same_unit(item: LineItem, ordered: LineItem) -> bool:
    """Whether two lines count in one unit, as far as they tell it."""
    mine, theirs = item.unit, ordered.unit
    if isinstance(mine, UnsetType) or isinstance(theirs, UnsetType):
        return True
    return mine.strip().upper() == theirs.strip().upper()


def orders_named(context: RuleContext) -> list[OrderBook]:
    """The orders that the message names and the network knows, each once."""
    views = (view for path, view in context.held.items() if path.startswith(NAMED))
    return [book_of(view) for view in _each_once(views)]


def _each_once(views: Iterable[DocumentView]) -> list[DocumentView]:
    found: dict[str, DocumentView] = {}
    for view in views:
        found.setdefault(view.object_id, view)
    return list(found.values())


def book_of(view: DocumentView) -> OrderBook:
    """An order with its lines by serialno; none where its body is not known."""
    lines: dict[str, Ordered] = {}
    items = view.body.purchaseOrder.itemLists if isinstance(view.body, OrderBody) else ()
    for item in items:
        before = lines.get(item.serialno)
        line = Ordered(item, Decimal(item.quantity), taxable_of(item), _valued(item))
        lines[item.serialno] = line if before is None else before.with_more(line)
    return OrderBook(view, lines)


@dataclass(frozen=True, slots=True)
class _Offer:
    """An order's line as an invoice's line may choose it."""

    draw: Draw
    key: str
    room: Decimal

    @property
    def item(self) -> LineItem:
        return self.draw.book.lines[self.key].item

    @property
    def free(self) -> Decimal:
        taken = self.draw.taken.get(self.key)
        return self.room if taken is None else self.room - taken.quantity


Room = Callable[[OrderBook, str], Decimal]
"""What a document finds free of an order's line, by serialno, before it takes any."""


def as_ordered(book: OrderBook, serialno: str) -> Decimal:
    """All that was ordered; of an open quantity there is no end."""
    line = book.lines[serialno]
    return _ENDLESS if line.blanket else line.quantity


def drawn(
    document: Invoice | Note, books: Sequence[OrderBook], room: Room = as_ordered
) -> tuple[list[Draw], list[int]]:
    """What an invoice (or note) takes of each order, and the places of its lines that none has.

    The largest quantity chooses first: the order of its lines says nothing.
    """
    draws = [Draw(book, {}) for book in books]
    fitting: dict[str, list[Draw]] = {}
    for draw in draws:
        for key in draw.book.lines:
            fitting.setdefault(key, []).append(draw)
    strangers: list[int] = []
    undecided: dict[str, list[tuple[int, LineItem]]] = {}
    for place, item in enumerate(document.itemLists):
        some = fitting.get(key_of(item), [])
        if not some:
            strangers.append(place)
        elif len(some) == 1:
            some[0].take(item, place)
        else:
            undecided.setdefault(key_of(item), []).append((place, item))
    for key, lines in undecided.items():
        _decide(lines, [_Offer(draw, key, room(draw.book, key)) for draw in fitting[key]])
    return draws, strangers


def _decide(lines: Sequence[tuple[int, LineItem]], offers: Sequence[_Offer]) -> None:
    """Lines of one serialno that several orders have: each to the one that suits it best."""
    choice = Choice(offers)
    for place, item in sorted(lines, key=lambda line: line[1].quantity, reverse=True):
        best = choice.best(item)
        offers[best].draw.take(item, place)
        choice.taken(best)
    for offer in offers:
        if offer.key in offer.draw.taken:
            offer.draw.taken[offer.key].places.sort()


def draws_of(body: InvoiceBody, context: RuleContext) -> Draws:
    """What a message takes of its orders: worked out once, for its rules and for its postings."""
    known: Draws | None = context.worked_out.get(_DRAWS)
    if known is None:
        before = _before(context)
        now, strangers = drawn(body.invoice, orders_named(context), _left_by_others(before))
        known = context.worked_out[_DRAWS] = Draws(now, strangers, before)
    return known


def _left_by_others(before: Mapping[str, Before]) -> Room:
    """What other invoices have left of a line: what the stored version holds is free again."""

    def room(book: OrderBook, serialno: str) -> Decimal:
        own = before.get(book.view.object_id)
        held = Decimal(0) if own is None else own.quantity(serialno)
        return as_ordered(book, serialno) - invoiced_of(book.view, serialno) + held

    return room


def invoiced_of(order: DocumentView, serialno: str) -> Decimal:
    """How much of an order's line its live invoices have drawn."""
    return Decimal(order.balance(order_rules.line_account(serialno)).taken).scaleb(-3)


def _before(context: RuleContext) -> dict[str, Before]:
    """What the stored version of an invoice holds of orders already, by objectId."""
    units = {order_rules.drawn_account(unit) for unit in Unit}
    return {
        context.held[ref].object_id: Before(
            ref, {name: net for name, net in accounts.items() if net and name not in units}
        )
        for ref, accounts in context.drawn.items()
    }


def postings(body: InvoiceBody, context: RuleContext) -> tuple[Posting, ...]:
    """A new invoice reserves what it takes of its orders, an edit moves them by the difference.

    An order that an edit leaves gets all of it back.
    """
    draws = draws_of(body, context)
    left = dict(draws.before)
    changes: list[Posting] = []
    for draw in draws.now:
        view = draw.book.view
        before = left.pop(view.object_id, None)
        held = before.accounts if before is not None else {}
        changes += _changes(view.ref, draw.accounts, held)
    for before in left.values():
        changes += _changes(before.ref, {}, before.accounts)
    return tuple(changes)


def _changes(ref: str, now: Mapping[str, int], before: Mapping[str, int]) -> Iterator[Posting]:
    """Transfers from what an invoice held of one order to what it holds from now on."""
    for account in dict.fromkeys((*now, *before)):
        by = now.get(account, 0) - before.get(account, 0)
        yield from _moved(ref, account, by=by)


def _moved(ref: str, account: str, *, by: int) -> Iterator[Posting]:
    """One transfer between an account and what stands against it, in the direction of the sign."""
    unit = _UNITS.get(account, Unit.THOUSANDTHS)
    against = order_rules.drawn_account(unit)
    debit, credit = (account, against) if by > 0 else (against, account)
    if by:
        yield Posting(ref=ref, debit=debit, credit=credit, amount=abs(by), unit=unit)
