"""The invoice: what its four messages look like, how it lives, what it books.

Shapes and life cycle follow `contract/b2b-invoice.yaml` (`x-lifecycle`), row by row; the rows that
the contract leaves to the ledger are `invoice_ledger.derive`.
"""

from collections.abc import Iterator
from datetime import date
from functools import partial

from msgspec import UnsetType

from hundi.documents import invoice_ledger, invoice_rules, order_draws, touched
from hundi.documents.invoice_bodies import (
    ConfirmBody,
    Invoice,
    InvoiceBody,
    StatusChangeBody,
)
from hundi.documents.messages import (
    BUYER,
    SUPPLIER,
    between_traders,
    message,
    no_action,
    resolves_nothing,
)
from hundi.documents.numbering import INVOICE as KIND
from hundi.documents.numbering import issued_on, order_claim, supplier_claim, years_of
from hundi.documents.purchase_order import PURCHASE_ORDER
from hundi.documents.supply_shapes import OrderReference
from hundi.documents.transitions import rows
from hundi.exchange.definition import Ack, DocumentType, Effect, MessageType, Touched, VersionRule
from hundi.exchange.views import Posting, RuleContext
from hundi.kernel.money import ZERO, Money

CREATED = "CREATED"
SENT = "SENT TO BUYER"
UNDER_REVIEW = "UNDER REVIEW"
ACCEPTED = invoice_ledger.ACCEPTED
REJECTED = "REJECTED"
CANCELLED = "CANCELLED"
PARTIALLY_PAID = invoice_ledger.PARTIALLY_PAID
PAID = invoice_ledger.PAID
CLOSED = invoice_ledger.CLOSED

_SEND, _CONFIRM, _EDIT, _CHANGE = (
    "req-send-invoice",
    "req-confirm-invoice",
    "req-edit-invoice",
    "req-status-change-invoice",
)

LIFE_CYCLE = (
    *rows(_SEND, by=SUPPLIER, action=None, sources=[CREATED], target=SENT,
          version=VersionRule.FIRST),
    *rows(_CONFIRM, by=BUYER, action="ACCEPT", sources=[SENT], target=ACCEPTED,
          version=VersionRule.AGREE),
    *rows(_CONFIRM, by=BUYER, action="REJECT", sources=[SENT], target=REJECTED,
          version=VersionRule.KEEP),
    *rows(_CONFIRM, by=BUYER, action="RETURN", sources=[SENT], target=UNDER_REVIEW,
          version=VersionRule.KEEP),
    *rows(_EDIT, by=SUPPLIER, action=None, sources=[SENT, UNDER_REVIEW], target=SENT,
          version=VersionRule.NEXT),
    *rows(_CHANGE, by=SUPPLIER, action="CANCEL", sources=[SENT, UNDER_REVIEW, REJECTED],
          target=CANCELLED, version=VersionRule.KEEP),
    *rows(_CHANGE, by=SUPPLIER, action="CLOSE", sources=[ACCEPTED, PAID], target=CLOSED,
          version=VersionRule.KEEP),
    *rows(_CHANGE, by=SUPPLIER, action="CANCEL", sources=[CREATED], target=CANCELLED,
          version=VersionRule.KEEP, effect=Effect.FACT),
    *rows(_CHANGE, by=SUPPLIER, action="CLOSE", sources=[PARTIALLY_PAID], target=CLOSED,
          version=VersionRule.KEEP),
)  # fmt: skip

INVOICE = DocumentType(
    name="invoice",
    noun="invoice",
    author=SUPPLIER,
    initial=CREATED,
    released=frozenset({REJECTED, CANCELLED}),
    settled=frozenset({PAID}),
    withdrawal="CANCEL",
    shut_by=frozenset({"REJECT", "CANCEL", "CLOSE"}),
    guarded=frozenset({invoice_ledger.DUE}),
    derive=invoice_ledger.derive,
    moves=LIFE_CYCLE,
    stake=invoice_ledger.FINANCED,
)


_touched = partial(
    touched.moved,
    type_=INVOICE.name,
    transition="statusTransition",
    number="supplierInvoiceNumber",
)


def _invoice_touched(body: InvoiceBody) -> tuple[Touched, ...]:
    """The invoice with its number and IRN, and the orders that it bills."""
    invoice = body.invoice
    day = issued_on(invoice.invoiceReferenceDetails, invoice.ts)
    claim = supplier_claim(
        invoice.supplierDetails, kind=KIND, number=invoice.supplierInvoiceNumber, day=day
    )
    tag = touched.registered_as(invoice.eInvoiceInfo)
    return (_touched(invoice, "invoice", claim=claim, tag=tag), *_orders(body))


def _orders(body: InvoiceBody) -> Iterator[Touched]:
    """Each order that is named: by its id, or by its number, of the year that its date tells."""
    day = issued_on(body.invoice.invoiceReferenceDetails, body.invoice.ts)
    for place, order in enumerate(body.invoice.poDetails):
        yield from touched.drawn_on(
            f"{order_draws.NAMED}{place}]",
            type_=PURCHASE_ORDER.name,
            object_id=order.objectId if isinstance(order.objectId, str) else "",
            number=order.buyerPONumber,
            claims=_claims_of(order, buyer=body.b2bIds.buyerB2BId, day=day),
        )


def _claims_of(order: OrderReference, *, buyer: str, day: date) -> list[str]:
    number = order.buyerPONumber
    if not isinstance(number, str) or not number:
        return []
    days = years_of(order.orderDate, else_before=day)
    return [order_claim(buyer, number=number, day=one) for one in days]


def _accepted(body: ConfirmBody, context: RuleContext) -> tuple[Posting, ...]:
    """Acceptance makes the buyer owe what the invoice asks for, less what it says was paid."""
    if body.invoiceConfirmation.buyerResponse != "ACCEPT" or context.document is None:
        return ()
    invoice: Invoice = context.document.body.invoice
    advance = invoice.advancePaymentDetails.paidAmount
    paid = ZERO if isinstance(advance, UnsetType) else max(ZERO, Money.of(advance))
    total = invoice_ledger.total_of(invoice)
    return invoice_ledger.acceptance("invoiceConfirmation", total=total.paise, advance=paid.paise)


def _closed(body: StatusChangeBody, context: RuleContext) -> tuple[Posting, ...]:
    """Closing waives what is still due."""
    if body.invoiceStatus.supplierAction != "CLOSE" or context.document is None:
        return ()
    due = context.document.balance(invoice_ledger.DUE)
    return invoice_ledger.closing("invoiceStatus", free=due.left)


MESSAGES: tuple[MessageType, ...] = (
    message(
        between_traders(INVOICE, _SEND, sender=SUPPLIER),
        body=InvoiceBody,
        subject="invoice",
        informs=("b2bIds", "resp", "invoice", "additionalInfo"),
        touches=_invoice_touched,
        action=no_action,
        ack=Ack.RECEIPT,
        body_rules=invoice_rules.FIGURES,
        rules=invoice_rules.NEW,
        reads=True,
        amends=False,
        follows=(),
        postings=order_draws.postings,
        resolves=resolves_nothing,
        route=None,
    ),
    message(
        between_traders(INVOICE, _CONFIRM, sender=BUYER),
        body=ConfirmBody,
        subject="invoiceConfirmation",
        informs=("b2bIds", "resp", "invoiceConfirmation", "additionalInfos"),
        touches=lambda body: (
            _touched(body.invoiceConfirmation, "invoiceConfirmation", claim=None),
        ),
        action=lambda body: body.invoiceConfirmation.buyerResponse,
        ack=Ack.RECEIPT,
        body_rules=(),
        rules=invoice_rules.CONFIRMED,
        reads=True,
        amends=False,
        follows=(PURCHASE_ORDER.name,),
        postings=_accepted,
        resolves=resolves_nothing,
        route=None,
    ),
    message(
        between_traders(INVOICE, _EDIT, sender=SUPPLIER),
        body=InvoiceBody,
        subject="invoice",
        informs=("b2bIds", "resp", "invoice", "additionalInfo"),
        touches=_invoice_touched,
        action=no_action,
        ack=Ack.RECEIPT,
        body_rules=invoice_rules.FIGURES,
        rules=invoice_rules.EDITED,
        reads=True,
        amends=False,
        follows=(PURCHASE_ORDER.name,),
        postings=order_draws.postings,
        resolves=resolves_nothing,
        route=None,
    ),
    message(
        between_traders(INVOICE, _CHANGE, sender=SUPPLIER),
        body=StatusChangeBody,
        subject="invoiceStatus",
        informs=("b2bIds", "resp", "invoiceStatus", "additionalInfos"),
        touches=lambda body: (_touched(body.invoiceStatus, "invoiceStatus", claim=None),),
        action=lambda body: body.invoiceStatus.supplierAction,
        ack=Ack.RECEIPT,
        body_rules=(),
        rules=invoice_rules.CHANGED,
        reads=False,
        amends=False,
        follows=(PURCHASE_ORDER.name,),
        postings=_closed,
        resolves=resolves_nothing,
        route=None,
    ),
)
