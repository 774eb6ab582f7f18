"""The trade rules of an invoice: what is refused, what is warned about. Pure.

Taxes are due with an invoice, so their kind and their amounts are refused where an order is warned.
Its orders are judged in `order_billing`.
"""

from collections.abc import Iterator

from msgspec import UnsetType

from hundi.documents import invoice_ledger, order_billing, sums
from hundi.documents.erased import accepted_unread, erased
from hundi.documents.invoice_bodies import (
    ConfirmBody,
    Invoice,
    InvoiceBody,
    StatusChangeBody,
)
from hundi.documents.invoice_figures import ROOT, lines_of, stated
from hundi.documents.line_rules import each_line, milestones_make_the_total
from hundi.documents.numbering import issued_on
from hundi.documents.parties_named import number_is_its_own, number_is_kept, parties_named
from hundi.documents.strictness import strictness_of_supplies
from hundi.documents.tax_kinds import Supply, tax_identity
from hundi.documents.totals import charged, taxes_of, totals_of
from hundi.documents.under_way import note_under_way
from hundi.exchange.views import RuleContext
from hundi.kernel.faults import Code, Fault, Kind
from hundi.kernel.money import ZERO, Money

STRICTNESS = strictness_of_supplies("INV", noun="invoice", root=ROOT, strict=True)

AMOUNT = Code(
    "INV-AMOUNT", Kind.RULE, "An invoice says what is to be paid, and it is not below zero."
)
ADVANCE = Code("INV-ADVANCE", Kind.RULE, "What was paid in advance is below zero.")
FUTURE = Code("INV-FUTURE", Kind.RULE, "An invoice is not dated in the future.")
NUMBER_CHANGED = Code("INV-NUMBER-CHANGED", Kind.RULE, "An edit keeps the invoice's number.")
REGISTERED = Code("INV-REGISTERED", Kind.RULE, "An invoice with an IRN is never edited.")
BELOW_NOTES = Code(
    "INV-BELOW-NOTES", Kind.RULE, "An edit asks for less than the invoice's credit notes give back."
)
FINANCED = Code(
    "INV-FINANCED", Kind.RULE, "An invoice that is financed, or about to be, is not ended."
)
CODES = (
    *STRICTNESS.codes, AMOUNT, ADVANCE, FUTURE, NUMBER_CHANGED, REGISTERED, BELOW_NOTES,
    FINANCED,
)  # fmt: skip


def parties(body: InvoiceBody, context: RuleContext) -> Iterator[Fault]:
    """The invoice's parties are the message's."""
    invoice = body.invoice
    yield from parties_named(
        body.b2bIds,
        supplier=invoice.supplierDetails,
        buyer=invoice.buyerDetails,
        context=context,
        codes=STRICTNESS,
    )


def not_in_the_future(body: InvoiceBody, context: RuleContext) -> Iterator[Fault]:
    """A tax invoice records what has been supplied; tomorrow's is sent tomorrow."""
    day = issued_on(body.invoice.invoiceReferenceDetails, body.invoice.ts)
    if day > context.today:
        detail = f"The invoice is of {day}, today is {context.today} in India. Send it on its day."
        path = f"{ROOT}.invoiceReferenceDetails.invoiceDate"
        yield FUTURE.at(path, detail, invoice=day.isoformat(), today=context.today.isoformat())


def figures(body: InvoiceBody) -> Iterator[Fault]:
    """Taxes, lines, totals and amounts; every line is taken apart once."""
    invoice = body.invoice
    lines, told = lines_of(invoice), stated(invoice)
    details = invoice.transactionDetails
    supply = Supply(
        supplier=invoice.supplierDetails,
        buyer=invoice.buyerDetails,
        charged=charged(lines, told),
        supply_type=details.supplyType,
        reverse_charge=details.reverseChargeTax,
        igst=details.igstChargable,
    )
    yield from tax_identity(supply, STRICTNESS)
    untaxed = supply.may_leave_out_tax
    yield from each_line(invoice.itemLists, lines, STRICTNESS, untaxed=untaxed)
    yield from taxes_of(lines, told, STRICTNESS.line_tax)
    yield from totals_of(lines, told, untaxed=untaxed)
    yield from _amounts(invoice)


def _amounts(invoice: Invoice) -> Iterator[Fault]:
    """What the books are made of: a total, an advance; and the plan of payments."""
    total = sums.money(invoice.valueDetails.totalInvoiceValue)
    path = f"{ROOT}.valueDetails.totalInvoiceValue"
    if total is None:
        detail = "The invoice states no total. Say what is to be paid, 0.00 where nothing is."
        yield AMOUNT.at(path, detail, least="0.00")
    elif total < ZERO:
        detail = (
            f"The total is {total.text()}; the least is 0.00. Send a credit note to give back more."
        )
        yield AMOUNT.at(path, detail, stated=total.text(), least="0.00")
    advance = sums.money(invoice.advancePaymentDetails.paidAmount)
    if advance is not None and advance < ZERO:
        detail = f"The advance is {advance.text()}; the least is 0.00. State what was paid."
        path = f"{ROOT}.advancePaymentDetails.paidAmount"
        yield ADVANCE.at(path, detail, stated=advance.text(), least="0.00")
    yield from milestones_make_the_total(invoice.paymentMilestones, total, STRICTNESS)


def edit_keeps_the_number(body: InvoiceBody, context: RuleContext) -> Iterator[Fault]:
    """The number is the invoice's name in the supplier's books and in his tax return."""
    yield from number_is_kept(
        body.invoice.supplierInvoiceNumber,
        f"{ROOT}.supplierInvoiceNumber",
        context=context,
        noun="invoice",
        code=NUMBER_CHANGED,
    )


def not_registered(body: InvoiceBody, context: RuleContext) -> Iterator[Fault]:
    """With its IRN the stored invoice stands in the tax authority's registry, word for word."""
    if context.document is None:
        return
    stored: InvoiceBody | None = context.document.body
    if stored is None:
        what = f"Invoice {context.document.number}"
        yield erased(ROOT, what=what, advice="Cancel it and raise it anew.")
        return
    irn = stored.invoice.eInvoiceInfo.irnNumber
    if not isinstance(irn, UnsetType) and irn:
        detail = (
            f"Invoice {body.invoice.supplierInvoiceNumber} has the IRN {irn} and cannot change."
            " Cancel it and raise it anew, or send a note once it is accepted."
        )
        yield REGISTERED.at(f"{ROOT}.eInvoiceInfo.irnNumber", detail, irn=irn)


def not_below_its_notes(body: InvoiceBody, context: RuleContext) -> Iterator[Fault]:
    """Live credit notes give back no more than the invoice and its debit notes ask for."""
    if context.document is None:
        return
    noted = Money(context.document.balance(invoice_ledger.CREDITED).taken)
    raised = Money(-context.document.balance(invoice_ledger.DEBIT_NOTES).net)
    total = invoice_ledger.total_of(body.invoice)
    if total + raised < noted:
        least = noted - raised
        detail = (
            f"Credit notes of {noted.text()} stand against the invoice, its new total is"
            f" {total.text()}. Ask for {least.text()} or more, or cancel it and raise it anew."
        )
        facts = {"stated": total.text(), "noted": noted.text(), "least": least.text()}
        yield BELOW_NOTES.at(f"{ROOT}.valueDetails.totalInvoiceValue", detail, **facts)


def confirmation_names_the_invoice(body: ConfirmBody, context: RuleContext) -> Iterator[Fault]:
    """The number in the confirmation is the invoice's."""
    number = body.invoiceConfirmation.supplierInvoiceNumber
    path = "invoiceConfirmation.supplierInvoiceNumber"
    yield from number_is_its_own(number, path, context=context, codes=STRICTNESS)


def what_is_accepted_is_known(body: ConfirmBody, context: RuleContext) -> Iterator[Fault]:
    """Acceptance makes the buyer owe what the stored invoice asks for."""
    response, path = body.invoiceConfirmation.buyerResponse, "invoiceConfirmation"
    return accepted_unread(response, context.document, path=path, noun="Invoice")


def status_change_names_the_invoice(
    body: StatusChangeBody, context: RuleContext
) -> Iterator[Fault]:
    """The number in the status change is the invoice's."""
    number, path = body.invoiceStatus.supplierInvoiceNumber, "invoiceStatus.supplierInvoiceNumber"
    yield from number_is_its_own(number, path, context=context, codes=STRICTNESS)


def no_note_is_under_way(_body: StatusChangeBody, context: RuleContext) -> Iterator[Fault]:
    """CLOSE waives what is due, and what a note reserves of it would come back if it is declined.

    What it books on an invoice that is cancelled meanwhile would be lost.
    """
    if context.document is not None:
        yield from note_under_way(context.document, "invoiceStatus.objectId")


def rejected_when_no_note_is_under_way(body: ConfirmBody, context: RuleContext) -> Iterator[Fault]:
    """What a note books on an invoice that is rejected meanwhile would be lost."""
    if body.invoiceConfirmation.buyerResponse == "REJECT" and context.document is not None:
        yield from note_under_way(context.document, "invoiceConfirmation.objectId")


def not_financed(body: StatusChangeBody, context: RuleContext) -> Iterator[Fault]:
    """A lender counts on the invoice: neither CANCEL nor CLOSE takes it away from under him."""
    if context.document is None:
        return
    count, action = (
        context.document.balance(invoice_ledger.FINANCED).taken,
        body.invoiceStatus.supplierAction,
    )
    if count > 0:
        detail = (
            f"{action} is refused: {count} financing of invoice {context.document.number} is open"
            " or has led to an assignment. Wait for an open one to end; an assigned invoice stays."
        )
        yield FINANCED.at("invoiceStatus.supplierAction", detail, action=action, financings=count)


FIGURES = (figures,)
"""Rules that need nothing but the invoice."""
_EVERY = (parties, not_in_the_future)
NEW = (*_EVERY, order_billing.it_fits_its_orders)
EDITED = (
    *_EVERY,
    edit_keeps_the_number,
    not_registered,
    not_below_its_notes,
    order_billing.it_fits_its_orders,
)
CONFIRMED = (
    confirmation_names_the_invoice,
    what_is_accepted_is_known,
    rejected_when_no_note_is_under_way,
)
CHANGED = (status_change_names_the_invoice, not_financed, no_note_is_under_way)
