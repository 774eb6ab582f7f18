"""Which of the invoices that a note holds it means by a name. Pure.

An invoice is named by its network id, or by its number and its date: a number is one in its
financial year, and the year before may have had it, too. Where no date is told the number has to do.
"""

from collections.abc import Iterable, Sequence
from datetime import date

from hundi.documents.invoice_bodies import InvoiceBody
from hundi.documents.numbering import issued_on
from hundi.documents.supply_shapes import PrecedingInvoice
from hundi.exchange.definition import DocumentView
from hundi.kernel.clock import financial_year


class InvoicesMeant:
    """Invoices that the network knows, to be found by what a note calls them."""

    def __init__(self, views: Sequence[DocumentView]) -> None:
        self._named: dict[tuple[str, str | None], DocumentView] = {}
        for view in views:
            for key in _keys_of(view):
                self._named.setdefault(key, view)

    def by(self, reference: PrecedingInvoice) -> DocumentView | None:
        """The invoice that one entry of a note means, None where none of these is meant."""
        told = (reference.otherReference, reference.invoiceNumber)
        names = [name.casefold() for name in told if isinstance(name, str) and name]
        year = _year_in(reference)
        keys = [(name, "id") for name in names] + [(name, year) for name in names]
        if year is not None:  # of an erased invoice nobody knows the year
            keys += [(name, "erased") for name in names]
        return next((self._named[key] for key in keys if key in self._named), None)


def in_order(
    references: Iterable[PrecedingInvoice], views: Sequence[DocumentView]
) -> list[DocumentView]:
    """Invoices as a note names them, each once; at the end those of which it is not known how."""
    known = InvoicesMeant(views)
    meant = [view for one in references if (view := known.by(one)) is not None]
    return list({view.ref: view for view in (*meant, *views)}.values())


def _keys_of(view: DocumentView) -> Iterable[tuple[str, str | None]]:
    number = view.number.casefold()
    year = "erased"
    if isinstance(view.body, InvoiceBody):
        invoice = view.body.invoice
        year = financial_year(issued_on(invoice.invoiceReferenceDetails, invoice.ts))
    return (view.object_id.casefold(), "id"), (number, year), (number, None)


def _year_in(named: PrecedingInvoice) -> str | None:
    day = named.invoiceDate
    return financial_year(date.fromisoformat(day)) if isinstance(day, str) else None
