"""Freight and its like that an invoice bills, against what its orders name. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence

from msgspec import UnsetType

from hundi.documents.invoice_bodies import Invoice
from hundi.documents.invoice_figures import lines_of, stated
from hundi.documents.order_draws import OrderBook
from hundi.documents.shapes import LineItem, TypedAmount
from hundi.documents.sums import CHARGES, by_type, charges_of
from hundi.documents.totals import in_the_total
from hundi.kernel.faults import Code, Fault, Kind
from hundi.kernel.listing import listed
from hundi.kernel.money import Money

FREIGHT = Code("INV-FREIGHT", Kind.WARNING, "Charges are billed that the orders do not name.")


def freight(invoice: Invoice, books: Sequence[OrderBook]) -> Iterator[Fault]:
    """Charges of any name beyond those of the orders, which a part invoice may bill at once."""
    told = _charges(invoice.valueDetails.valueInfos, invoice.itemLists)
    ordered: Counter[str] = Counter()
    for book in books:
        order = book.view.body.purchaseOrder
        ordered.update(_charges(order.poValueDetails.valueInfos, order.itemLists))
    agreed = Money(ordered.total())
    if Money(told.total()) <= agreed:  # nearly always: no need to look further
        return
    billed = _billed(invoice, told)
    charged = Money(billed.total())
    if charged > agreed:
        names = listed(list(billed))
        detail = f"{names} of {charged.text()} is billed, the orders name {agreed.text()}."
        facts = {"charges": names, "billed": charged.text(), "ordered": agreed.text()}
        yield FREIGHT.at("invoice.valueDetails.valueInfos", detail, **facts)


def _charges(document: list[TypedAmount] | UnsetType, items: Sequence[LineItem]) -> Counter[str]:
    """Charges by label in paise: the document's, or its lines' where it states none of them."""
    own = charges_of(by_type(document))
    of_lines: Counter[str] = Counter()
    for item in items:
        of_lines.update(charges_of(by_type(item.itemValueDetails)))
    return of_lines | own


def _billed(invoice: Invoice, told: Counter[str]) -> Counter[str]:
    """Those of the charges that are in the total: an MRP is told, and nobody is asked for it."""
    found = in_the_total(lines_of(invoice), stated(invoice))
    if found is None:
        return told
    known = Counter({label: told[label] for label in CHARGES if told[label]})
    return known + charges_of(found)
