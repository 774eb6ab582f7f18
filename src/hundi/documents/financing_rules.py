"""Who may ask lenders for bids, on which invoices, and for how much. Pure.

Lenders see an invoice for the first time in the request, so the copy that it carries is held
against the invoice that the network knows.
"""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from hundi.documents.financing_bodies import FinancingBody
from hundi.documents.invoice_bodies import Invoice
from hundi.documents.invoice_ledger import ACCEPTED, BILLED, DUE, FINANCED, total_of
from hundi.exchange.views import DocumentView, Posting, RuleContext
from hundi.kernel.faults import Code, Fault, Kind
from hundi.kernel.money import Money
from hundi.ledger.model import Unit

INITIATOR = Code(
    "FIN-INITIATOR", Kind.RULE, "Financing is asked for by the buyer or the supplier of invoices."
)
INITIATOR_ENTITY = Code(
    "FIN-INITIATOR-ENTITY", Kind.WARNING, "initiatorEntity names the other party of the invoices."
)
NO_LENDER = Code("FIN-NO-LENDER", Kind.RULE, "A financing platform is named without a lender.")
LENDER_TWICE = Code("FIN-LENDER-TWICE", Kind.RULE, "A lender is asked twice in one request.")
PAN = Code("FIN-PAN", Kind.RULE, "The PAN is not the one that the network knows of the party.")
INVOICE_TWICE = Code("FIN-INVOICE-TWICE", Kind.RULE, "A request offers the same invoice twice.")
NUMBER_MISMATCH = Code("FIN-NUMBER-MISMATCH", Kind.RULE, "The invoice offered has another number.")
NOT_FINANCEABLE = Code(
    "FIN-NOT-FINANCEABLE", Kind.RULE, "Only invoices that are accepted and unpaid are financed."
)
FINANCED_BEFORE = Code(
    "FIN-FINANCED", Kind.RULE, "The invoice is in another financing request, or was assigned."
)
ASKED_AMOUNT = Code(
    "FIN-ASKED-AMOUNT", Kind.RULE, "What is asked is nothing, or more than the invoices' due."
)
COPY_TOTAL = Code(
    "FIN-COPY-TOTAL", Kind.RULE, "The invoice that lenders are shown has another total."
)
COPY = Code(
    "FIN-COPY", Kind.WARNING, "The invoice that lenders are shown differs from the one accepted."
)
CODES = (
    INITIATOR, INITIATOR_ENTITY, NO_LENDER, LENDER_TWICE, PAN, INVOICE_TWICE, NUMBER_MISMATCH,
    NOT_FINANCEABLE, FINANCED_BEFORE, ASKED_AMOUNT, COPY_TOTAL, COPY,
)  # fmt: skip

_ROOT = "financeRequest"
# What lenders decide by. The rest (dates of sending, references) may be written anew.
_SHOWN = (
    "supplierDetails", "buyerDetails", "itemLists", "valueDetails", "supplierBankAccountDetails",
    "invoiceReferenceDetails", "eInvoiceInfo",
)  # fmt: skip


def offered_path(place: int) -> str:
    """The JSON path of an invoice that a request offers."""
    return f"{_ROOT}.invoices[{place}]"


class Lender(NamedTuple):
    """A lender as a request names it, and where."""

    fa_id: str
    financier_id: str
    path: str


def lenders(body: FinancingBody) -> tuple[Lender, ...]:
    """Who is asked, in the body's order; each is an exchange."""
    return tuple(
        Lender(provider.faId, lender, f"{_ROOT}.financeId[{place}].financierId[{which}]")
        for place, provider in enumerate(body.financeRequest.financeId)
        for which, lender in enumerate(provider.financierId or ())
    )


def who_asks_whom(body: FinancingBody) -> Iterator[Fault]:
    """The initiator is a party of the invoices; every platform comes with lenders, each once."""
    yield from _initiator(body)
    yield from each_platform_has_lenders(body)
    names = [one.financier_id for one in lenders(body)]
    asked = Counter(names)
    for lender, one in zip(names, lenders(body), strict=True):
        if asked[lender] > 1:
            detail = f"The lender {lender} is named {asked[lender]} times. Name it once."
            yield LENDER_TWICE.at(one.path, detail, financierId=lender, times=asked[lender])


def each_platform_has_lenders(body: FinancingBody) -> Iterator[Fault]:
    """Nobody is asked by naming a platform alone."""
    for place, provider in enumerate(body.financeRequest.financeId):
        if not provider.financierId:
            detail = (
                f"The platform {provider.faId} is named without a lender. Name the lenders that"
                " are to bid in financierId."
            )
            path = f"{_ROOT}.financeId[{place}].financierId"
            yield NO_LENDER.at(path, detail, faId=provider.faId)


def _initiator(body: FinancingBody) -> Iterator[Fault]:
    ids, asking = body.b2bIds, body.financeRequest.initiatorB2BId
    roles = {ids.buyerB2BId: "BUYER", ids.supplierB2BId: "SUPPLIER"}
    if asking not in roles:
        detail = (
            f"{asking} asks for financing of invoices between {ids.buyerB2BId} and"
            f" {ids.supplierB2BId}. Only one of these two may."
        )
        facts = {"initiator": asking, "buyer": ids.buyerB2BId, "supplier": ids.supplierB2BId}
        yield INITIATOR.at(f"{_ROOT}.initiatorB2BId", detail, **facts)
    elif body.initiatorEntity.upper() != roles[asking]:
        detail = (
            f"initiatorEntity is {body.initiatorEntity}, but {asking} is the {roles[asking]} of"
            " these invoices."
        )
        facts = {"stated": body.initiatorEntity, "role": roles[asking], "initiator": asking}
        yield INITIATOR_ENTITY.at("initiatorEntity", detail, **facts)


def something_is_asked(body: FinancingBody) -> Iterator[Fault]:
    """An amount, on invoices that are named once each."""
    request = body.financeRequest
    if not request.financingRequestAmount:
        detail = "0.00 is asked for. Ask for an amount, up to what is due on the invoices."
        yield ASKED_AMOUNT.at(f"{_ROOT}.financingRequestAmount", detail, asked="0.00")
    times = Counter(invoice.objectId for invoice in request.invoices)
    for place, invoice in enumerate(request.invoices):
        count = times[invoice.objectId]
        if count > 1:
            detail = f"The request offers {invoice.objectId} {count} times. Offer it once."
            path = f"{offered_path(place)}.objectId"
            yield INVOICE_TWICE.at(path, detail, invoice=invoice.objectId, times=count)


def pans_are_the_parties(body: FinancingBody, context: RuleContext) -> Iterator[Fault]:
    """Lenders know businesses by PAN; a PAN of somebody else would borrow his name."""
    pans, ids = body.financeRequest.b2bPAN, body.b2bIds
    for name, stated, b2b_id in (
        ("buyerPAN", pans.buyerPAN, ids.buyerB2BId),
        ("supplierPAN", pans.supplierPAN, ids.supplierB2BId),
    ):
        known = context.parties[b2b_id].pan
        if stated != known:
            shown = f"{known[:2]}…{known[-1:]}"
            detail = f"{stated} is not the PAN of {b2b_id}, which is {shown}. Correct it."
            facts = {"stated": stated, "b2bId": b2b_id, "known": shown}
            yield PAN.at(f"{_ROOT}.b2bPAN.{name}", detail, **facts)


def invoices_can_be_financed(body: FinancingBody, context: RuleContext) -> Iterator[Fault]:
    """Every invoice is accepted, unpaid, not financed yet, and shown to lenders as it is."""
    due, known = Money(0), 0
    for place, invoice in enumerate(body.financeRequest.invoices):
        path = offered_path(place)
        view = context.held.get(path)
        if view is None:
            continue
        due, known = due + Money(view.balance(DUE).left), known + 1
        yield from _financeable(invoice, path, view, own=financing_account(body))
        yield from _copy(invoice, path, view)
    asked = Money.of(body.financeRequest.financingRequestAmount)
    if known and asked > due:
        detail = (
            f"{asked.text()} is asked for, on invoices of which {due.text()} is due. Ask for that"
            " or less."
        )
        path = f"{_ROOT}.financingRequestAmount"
        yield ASKED_AMOUNT.at(path, detail, asked=asked.text(), due=due.text())


def financing_account(body: FinancingBody) -> str:
    """Account of an invoice that tells one request's reservations from those of others.

    A lender may be asked later, or again, in the same request; it is one financing all the same.
    """
    request = body.financeRequest
    return f"{FINANCED}:{request.initiatorB2BId}/{request.financingRequestId}"


def _financeable(invoice: Invoice, path: str, view: DocumentView, *, own: str) -> Iterator[Fault]:
    number = invoice.supplierInvoiceNumber
    if number.casefold() != view.number.casefold():
        detail = f"The invoice's number is {view.number}, not {number}. Check which is meant."
        facts = {"number": view.number, "stated": number}
        yield NUMBER_MISMATCH.at(f"{path}.supplierInvoiceNumber", detail, **facts)
    if view.status != ACCEPTED:
        detail = (
            f"Invoice {number} is {view.status}; only what is {ACCEPTED} and unpaid is financed."
        )
        facts = {"number": number, "status": view.status, "wanted": ACCEPTED}
        yield NOT_FINANCEABLE.at(f"{path}.statusTransition.currentStatus", detail, **facts)
    financed = view.balance(FINANCED)
    if financed.taken > view.balance(own).credit_pending:
        how = "was assigned to a lender" if financed.net else "is in a request that is open"
        detail = f"Invoice {number} {how}; an invoice is financed once. Leave it out."
        yield FINANCED_BEFORE.at(f"{path}.objectId", detail, number=number, state=how)


def _copy(invoice: Invoice, path: str, view: DocumentView) -> Iterator[Fault]:
    """The total decides what a lender buys; other differences are told to all."""
    right = Money(-view.balance(BILLED).net)
    shown = total_of(invoice)
    if shown != right:
        detail = (
            f"Lenders are shown a total of {shown.text()}; the invoice that was accepted asks for"
            f" {right.text()}. Send the invoice as it is."
        )
        where = f"{path}.valueDetails.totalInvoiceValue"
        yield COPY_TOTAL.at(where, detail, stated=shown.text(), total=right.text())
    if view.body is None:
        return
    stored: Invoice = view.body.invoice
    for name in _SHOWN:
        if getattr(invoice, name) != getattr(stored, name):
            number = invoice.supplierInvoiceNumber
            detail = f"{name} of invoice {number} is not what the buyer has accepted."
            yield COPY.at(f"{path}.{name}", detail, member=name, number=number)


def postings(body: FinancingBody, _context: RuleContext) -> tuple[Posting, ...]:
    """Each invoice counts as financed from the ack on, once for each lender who is asked.

    Posted by the acceptance of a bid, void when the lender's bids are refused or his time is over.
    """
    return tuple(
        Posting(
            ref=offered_path(place),
            debit=FINANCED,
            credit=financing_account(body),
            amount=1,
            unit=Unit.COUNT,
            standing=True,
        )
        for place in range(len(body.financeRequest.invoices))
    )


FIGURES = (who_asks_whom, something_is_asked)
"""Rules that need nothing but the request."""
REQUEST = (pans_are_the_parties, invoices_can_be_financed)
