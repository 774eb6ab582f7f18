"""Which of the documents that a message holds it means by a name. Pure.

A document is named by its network id, or by its number and its date: a number is one in its
financial year, and the year before may have had it, too. Where no date is told the number has to do.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

from msgspec import UnsetType

from hundi.documents.invoice_bodies import InvoiceBody
from hundi.documents.numbering import issued_on
from hundi.documents.order_bodies import OrderBody
from hundi.documents.supply_shapes import OrderReference, PrecedingInvoice
from hundi.exchange.views import DocumentView
from hundi.kernel.clock import financial_year

_ID, _ERASED, _ANY_YEAR = "id", "erased", "any"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Named(Generic[T]):
    """A document and what it may be called by; `day` is None where its content was erased."""

    document: T
    object_id: str
    number: str
    day: date | None


class Meant(Generic[T]):
    """Documents that the network knows, to be found by what others call them: the first of a name."""

    def __init__(self, documents: Iterable[Named[T]]) -> None:
        self._named: dict[tuple[str, str], T] = {}
        for one in documents:
            number = one.number.casefold()
            year = _ERASED if one.day is None else financial_year(one.day)
            for key in ((one.object_id, _ID), (number, year), (number, _ANY_YEAR)):
                self._named.setdefault(key, one.document)

    def by(self, *names: str | UnsetType, day: str | UnsetType) -> T | None:
        """The document that answers to an id or number of that day; None where none does."""
        return next((self._named[key] for key in _keys(names, day) if key in self._named), None)


def _keys(names: Sequence[str | UnsetType], day: str | UnsetType) -> Iterator[tuple[str, str]]:
    """What to look for, the surest first: of an erased document nobody knows the year."""
    told = [name for name in names if isinstance(name, str) and name]
    dated = isinstance(day, str) and bool(day)
    years = (financial_year(date.fromisoformat(str(day))), _ERASED) if dated else (_ANY_YEAR,)
    yield from ((name, _ID) for name in told)
    yield from ((name.casefold(), year) for year in years for name in told)


class InvoicesMeant(Meant[T]):
    """Invoices as a note names them."""

    def named(self, reference: PrecedingInvoice) -> T | None:
        """The invoice that one entry of a note means."""
        return self.by(reference.otherReference, reference.invoiceNumber, day=reference.invoiceDate)


def invoices_meant(views: Iterable[DocumentView]) -> InvoicesMeant[DocumentView]:
    """Invoices as the network holds them, by their names."""
    return InvoicesMeant(_named(view, _day_of_invoice(view)) for view in views)


def invoices_in_order(
    references: Iterable[PrecedingInvoice], views: Sequence[DocumentView]
) -> list[DocumentView]:
    """Invoices as a note names them, each once; at the end those that no name is found of."""
    known = invoices_meant(views)
    meant = [view for one in references if (view := known.named(one)) is not None]
    return list({view.ref: view for view in (*meant, *views)}.values())


class OrdersMeant(Meant[DocumentView]):
    """Orders as an invoice or a note names them."""

    def __init__(self, views: Iterable[DocumentView]) -> None:
        super().__init__(_named(view, _day_of_order(view)) for view in views)

    def named(self, reference: OrderReference) -> DocumentView | None:
        """The order that one entry of `poDetails` means."""
        return self.by(reference.objectId, reference.buyerPONumber, day=reference.orderDate)


def _named(view: DocumentView, day: date | None) -> Named[DocumentView]:
    return Named(view, view.object_id, view.number, day)


def _day_of_invoice(view: DocumentView) -> date | None:
    if not isinstance(view.body, InvoiceBody):
        return None
    invoice = view.body.invoice
    return issued_on(invoice.invoiceReferenceDetails, invoice.ts)


def _day_of_order(view: DocumentView) -> date | None:
    if not isinstance(view.body, OrderBody):
        return None
    return date.fromisoformat(view.body.purchaseOrder.orderDate)
