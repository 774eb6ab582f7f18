"""May these orders be billed, in this way, on this day? Pure.

An order is billed once it is agreed, and until it is closed; what it does not name (other lines,
freight, another price) is real and odd, so it is told and not refused.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from hundi.documents import order_limits
from hundi.documents.documents_meant import OrdersMeant
from hundi.documents.erased import erased
from hundi.documents.freight import FREIGHT, freight
from hundi.documents.invoice_bodies import Invoice, InvoiceBody
from hundi.documents.line_sums import printed_slack
from hundi.documents.numbering import issued_on
from hundi.documents.order_bodies import OrderBody
from hundi.documents.order_draws import (
    NAMED,
    Draw,
    Ordered,
    draws_of,
    key_of,
    same_unit,
    taxable_of,
)
from hundi.documents.shapes import LineItem
from hundi.documents.sums import RUPEE
from hundi.exchange.views import DocumentView, RuleContext
from hundi.kernel.faults import Code, Fault, Kind
from hundi.kernel.money import Money, product

ORDER_UNKNOWN = Code(
    "INV-ORDER-UNKNOWN", Kind.WARNING, "The network knows no such order of this buyer and supplier."
)
ORDER_NUMBER = Code("INV-ORDER-NUMBER", Kind.WARNING, "The order with this id has another number.")
ORDER_NOT_AGREED = Code(
    "INV-ORDER-NOT-AGREED", Kind.RULE, "No version of the order was ever accepted."
)
ORDER_ENDED = Code("INV-ORDER-ENDED", Kind.RULE, "The order was rejected or cancelled.")
ORDER_CLOSED_ODD = Code(
    "INV-ORDER-CLOSED-ODD", Kind.WARNING, "The order is closed; the invoice is from before that."
)
ORDER_CLOSED = Code(
    "INV-ORDER-CLOSED", Kind.RULE, "The order is closed, and the invoice is dated later."
)
BEFORE_ORDER = Code("INV-BEFORE-ORDER", Kind.WARNING, "The invoice is dated before its order.")
NOT_ORDERED = Code("INV-NOT-ORDERED", Kind.WARNING, "No order of the invoice has such a line.")
UNIT = Code("INV-UNIT", Kind.WARNING, "The line counts in another unit than the order.")
PRICE = Code("INV-PRICE", Kind.WARNING, "The price is not the order's.")
CODES = (
    ORDER_UNKNOWN, ORDER_NUMBER, ORDER_NOT_AGREED, ORDER_ENDED, ORDER_CLOSED_ODD, ORDER_CLOSED,
    BEFORE_ORDER, NOT_ORDERED, UNIT, PRICE, FREIGHT,
)  # fmt: skip

_ENDED = frozenset({"REJECTED", "CANCELLED"})
_CLOSED = "CLOSED"


def it_fits_its_orders(body: InvoiceBody, context: RuleContext) -> Iterator[Fault]:
    """A new invoice, or an edit: what its stored version holds already is not counted twice."""
    invoice = body.invoice
    yield from _references(invoice, context)
    draws = draws_of(body, context)
    agreed = [draw for draw in draws.now if _sets_limits(draw.book.view)]
    if not agreed:
        return
    buyer = context.parties.get(body.b2bIds.buyerB2BId)
    settled = None if buyer is None else buyer.trade.over_delivery_percent
    for draw in agreed:
        before = draws.before.get(draw.book.view.object_id)
        yield from order_limits.within_limits(draw, before, settled=settled)
        yield from _lines(invoice, draw)
    for place in draws.strangers:
        key = key_of(invoice.itemLists[place])
        path = f"invoice.itemLists[{place}].orderLineReference"
        detail = f"No line {key} is ordered; this line counts against no limit."
        yield NOT_ORDERED.at(path, detail, line=key)
    yield from freight(invoice, [draw.book for draw in agreed])


def _sets_limits(view: DocumentView) -> bool:
    return view.agreed_version is not None and isinstance(view.body, OrderBody)


def _references(invoice: Invoice, context: RuleContext) -> Iterator[Fault]:
    """Each order that is named: known, agreed, open on the day of the invoice, and not younger."""
    day = issued_on(invoice.invoiceReferenceDetails, invoice.ts)
    known = OrdersMeant(view for path, view in context.held.items() if path.startswith(NAMED))
    for place, reference in enumerate(invoice.poDetails):
        path = f"{NAMED}{place}]"
        named = reference.objectId or reference.buyerPONumber
        view = context.held.get(path) or known.named(reference)  # held where it is named first
        if view is None:
            if isinstance(named, str):
                detail = f"The network knows no order {named} of these parties; it sets no limits."
                yield ORDER_UNKNOWN.at(path, detail, order=named)
        else:
            number = reference.buyerPONumber
            if isinstance(number, str) and number != view.number:
                detail = f"The order with this id is {view.number}, not {number}."
                yield ORDER_NUMBER.at(path, detail, number=view.number, stated=number)
            yield from _open(view, path, day)
            yield from _readable(view, path)
        ordered = view.body.purchaseOrder.orderDate if view and view.body else reference.orderDate
        if isinstance(ordered, str) and day < date.fromisoformat(ordered):
            detail = f"The invoice is of {day}, its order of {ordered}."
            yield BEFORE_ORDER.at(
                "invoice.invoiceReferenceDetails.invoiceDate",
                detail,
                invoice=day.isoformat(),
                order=ordered,
            )


def _open(view: DocumentView, path: str, day: date) -> Iterator[Fault]:
    """Whether the order may be billed with an invoice of that day."""
    number, facts = view.number, {"status": view.status, "number": view.number}
    if view.status in _ENDED:
        detail = f"Order {number} is {view.status}. Name an order that is in force, or none."
        yield ORDER_ENDED.at(path, detail, **facts)
    elif view.agreed_version is None:
        detail = f"Order {number} is {view.status}. Bill it when the supplier has accepted it."
        yield ORDER_NOT_AGREED.at(path, detail, **facts)
    elif view.status == _CLOSED:
        closed = view.status_on.isoformat()
        dates = {"invoice": day.isoformat(), "closed": closed}
        if day <= view.status_on:
            detail = f"Order {number} was closed on {closed}; the invoice is of {day}, not later."
            yield ORDER_CLOSED_ODD.at(path, detail, **dates)
        else:
            detail = (
                f"Order {number} was closed on {closed}, the invoice is of {day}."
                " Bill it without the order, or agree on a new one."
            )
            yield ORDER_CLOSED.at(path, detail, **dates)


def _readable(view: DocumentView, path: str) -> Iterator[Fault]:
    """Limits are those of the order's text; without it anything could be billed."""
    if view.agreed_version is not None and view.body is None:
        yield erased(
            path, what=f"Order {view.number}", advice="Bill without it, or agree on a new one."
        )


def _lines(invoice: Invoice, draw: Draw) -> Iterator[Fault]:
    """Each line in the order's unit and at the order's price."""
    for serialno, taken in draw.taken.items():
        ordered = draw.book.lines[serialno]
        for place in taken.places:
            item, path = invoice.itemLists[place], f"invoice.itemLists[{place}]"
            if same_unit(item, ordered.item):
                yield from _price(item, ordered, path)
            else:
                detail = (
                    f"Line {item.serialno} is billed in {item.unit} and ordered in"
                    f" {ordered.item.unit}; its quantity counts against no limit."
                )
                facts = {"billed": str(item.unit), "ordered": str(ordered.item.unit)}
                yield UNIT.at(f"{path}.unit", detail, **facts)


def _price(item: LineItem, ordered: Ordered, path: str) -> Iterator[Fault]:
    """Taxable value by quantity against the order's, whichever way the price is printed.

    The same slack as for quantity times price: a printed price is rounded, but to paise at the
    coarsest. A price of `1` is one rupee, not any from 0.50 to 1.50.
    """
    if not ordered.quantity or not item.quantity or ordered.unvalued:
        return
    billed, taxable = taxable_of(item), Decimal(ordered.taxable.paise)
    share = product(taxable, item.quantity) / ordered.quantity
    right = Money.rounded(share.scaleb(-2))
    slack = Money.rounded(printed_slack(item, places=2))
    if abs(billed - right) > max(RUPEE, slack):
        detail = (
            f"{billed.text()} is billed for {item.quantity:f}; at the order's price it is"
            f" {right.text()}, before taxes."
        )
        facts = {"quantity": f"{item.quantity:f}", "billed": billed.text(), "ordered": right.text()}
        yield PRICE.at(f"{path}.unitPrice", detail, **facts)
