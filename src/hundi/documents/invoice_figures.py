"""An invoice's figures, taken apart for the rules that judge them. Pure."""

from hundi.documents import sums
from hundi.documents.invoice_bodies import Invoice
from hundi.documents.sums import Line, line_of
from hundi.documents.totals import Totals, totals_told

ROOT = "invoice"


def lines_of(invoice: Invoice) -> list[Line]:
    """Every line, with the place where it stands."""
    return [line_of(i, f"{ROOT}.itemLists[{n}]") for n, i in enumerate(invoice.itemLists)]


def stated(invoice: Invoice) -> Totals:
    """The totals that the invoice states."""
    value = invoice.valueDetails
    return totals_told(
        taxable=sums.money(value.assessmentValue),
        total=sums.money(value.totalInvoiceValue),
        infos=value.valueInfos,
        root=f"{ROOT}.valueDetails",
        total_member="totalInvoiceValue",
    )
