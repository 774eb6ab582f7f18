"""Under which key a document's number is unique, and the day that decides its financial year. Pure.

Invoices and notes: supplier's GSTIN, kind, number in any letters, financial year. Orders: buyer's
B2B ID, number, financial year. (design rules, "Uniqueness")
"""

from datetime import date, datetime

from msgspec import UnsetType

from hundi.documents.shapes import SupplierDetails
from hundi.documents.supply_shapes import InvoiceReference
from hundi.kernel.clock import IST, financial_year
from hundi.kernel.tax_ids import UNREGISTERED

INVOICE, CREDIT_NOTE, DEBIT_NOTE = "invoice", "credit note", "debit note"
"""The kinds of documents that a supplier numbers, each in a row of its own."""


def issued_on(reference: InvoiceReference, ts: str) -> date:
    """The day of an invoice or note in India: its date, or that of its `ts` where it has none."""
    if isinstance(reference.invoiceDate, str):
        return date.fromisoformat(reference.invoiceDate)
    moment = datetime.fromisoformat(ts)
    try:
        return moment.astimezone(IST).date()
    except OverflowError:  # the first and the last hours of the calendar
        return moment.date()


def years_of(told: str | UnsetType, *, else_before: date) -> tuple[date, ...]:
    """A day of each financial year in which a number may have been given: that of its date.

    Of one without a date those of the document that names it and of the two years before.
    """
    if isinstance(told, str):
        return (date.fromisoformat(told),)
    back = (max(else_before.year - years, 1) for years in range(3))
    return tuple(else_before.replace(year=year, day=1) for year in back)


def order_claim(buyer_b2b_id: str, *, number: str, day: date) -> str:
    """The key of an order among the live orders of its buyer."""
    return f"{buyer_b2b_id}|{number}|{financial_year(day)}"


def supplier_claim(supplier: SupplierDetails, *, kind: str, number: str, day: date) -> str:
    """The key of a supplier's invoice or note: by GSTIN, or by B2B ID where there is none."""
    gstin = "" if isinstance(supplier.gstin, UnsetType) else supplier.gstin
    issuer = supplier.b2bId if gstin in UNREGISTERED else gstin
    return f"{issuer}|{kind}|{number.casefold()}|{financial_year(day)}"
