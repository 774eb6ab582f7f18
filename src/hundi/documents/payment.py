"""The payment: money that has moved for invoices, told by the buyer and confirmed by the supplier.

Both messages are facts. Shapes and life cycle follow `contract/b2b-payment.yaml` (`x-lifecycle`).
Its states are the network's own: a payment carries no status on the wire, its invoices do, and
theirs is what the ledger gives.
"""

from functools import partial

from msgspec import structs

from hundi.documents import payment_rules
from hundi.documents.invoice import INVOICE
from hundi.documents.messages import (
    BUYER,
    SUPPLIER,
    between_traders,
    books_nothing,
    message,
    no_action,
    resolves_nothing,
)
from hundi.documents.payment_bodies import (
    ConfirmedInvoice,
    PayBody,
    PayConfirmationBody,
    Share,
)
from hundi.documents.payment_sums import share_path
from hundi.documents.touched import stateless
from hundi.documents.transitions import rows
from hundi.exchange.definition import (
    Ack,
    DocumentType,
    Effect,
    MessageType,
    Move,
    Touched,
    Touches,
    VersionRule,
)

PLATFORM = "platform"

INITIATED = "INITIATED"
DELIVERED = "DELIVERED"
FAILED = "FAILED"
CONFIRMED = "CONFIRMED"
REFUSED = "REFUSED"

PAY, CONFIRM, OUTCOME = "req-pay", "req-pay-confirmation", "resp-pay"


_facts = partial(rows, effect=Effect.FACT)
_kept = partial(_facts, version=VersionRule.KEEP)
_UNCONFIRMED = (INITIATED, DELIVERED, FAILED)

LIFE_CYCLE: tuple[Move, ...] = (
    *_facts(PAY, by=BUYER, action=None, sources=[""], target=INITIATED, version=VersionRule.FIRST),
    *_kept(OUTCOME, by=PLATFORM, action="SUCCESS", sources=[INITIATED], target=DELIVERED),
    *_kept(OUTCOME, by=PLATFORM, action="FAILURE", sources=[INITIATED], target=FAILED),
    *_facts(PAY, by=BUYER, action=None, sources=[FAILED], target=INITIATED,
            version=VersionRule.FIRST),
    *_kept(CONFIRM, by=SUPPLIER, action="ACCEPT", sources=_UNCONFIRMED, target=CONFIRMED),
    *_kept(CONFIRM, by=SUPPLIER, action="REJECT", sources=_UNCONFIRMED, target=REFUSED),
)  # fmt: skip
"""`resp-pay` is no call: the road makes that move when the payment's exchange has ended."""

PAYMENT = DocumentType(
    name="payment",
    noun="payment",
    author=BUYER,
    initial="",
    released=frozenset({REFUSED}),
    settled=frozenset(),
    withdrawal=None,
    shut_by=frozenset(),
    guarded=frozenset(),
    derive=None,
    moves=LIFE_CYCLE,
    stake=None,
)


def _payment(object_id: str, *, number: str, path: str, shared: str | None = None) -> Touched:
    """The payment itself."""
    plain = stateless(path, type_=PAYMENT.name, object_id=object_id, number=number)
    return structs.replace(plain, shared=shared)


def _invoice(named: Share | ConfirmedInvoice, path: str) -> Touched:
    """An invoice that stays free: an amount is held on it, or let go."""
    return Touched(
        type=INVOICE.name,
        how=Touches.HOLDS,
        object_id=named.objectId,
        number=named.supplierInvoiceNumber,
        claim=None,
        current_version=named.objectVersion.currentVersion,
        new_version=named.objectVersion.newVersion,
        current_status=named.statusTransition.currentStatus,
        new_status=named.statusTransition.newStatus,
        path=path,
        transition="statusTransition",
    )


def _paid(body: PayBody) -> tuple[Touched, ...]:
    payment = body.payment
    return (
        _payment(
            payment.objectId, number=payment.utr, path="payment", shared=payment.utr.casefold()
        ),
        *(_invoice(one, share_path(n)) for n, one in enumerate(payment.invoicesPayInfos)),
    )


def _confirmed(body: PayConfirmationBody) -> tuple[Touched, ...]:
    told = body.paymentConfirmation
    return (
        _payment(told.objectId, number=told.objectId, path="paymentConfirmation"),
        *(_invoice(one, payment_rules.invoice_path(n)) for n, one in enumerate(told.invoiceInfos)),
    )


MESSAGES: tuple[MessageType, ...] = (
    message(
        between_traders(PAYMENT, PAY, sender=BUYER),
        body=PayBody,
        subject="payment",
        informs=("resp", "b2bIds", "payment", "additionalInfos"),
        touches=_paid,
        action=no_action,
        ack=Ack.RECEIPT,
        body_rules=payment_rules.FIGURES,
        rules=payment_rules.PAYMENT,
        reads=True,
        amends=False,
        follows=(),
        postings=payment_rules.postings,
        resolves=resolves_nothing,
        route=None,
    ),
    message(
        between_traders(PAYMENT, CONFIRM, sender=SUPPLIER),
        body=PayConfirmationBody,
        subject="paymentConfirmation",
        informs=("resp", "b2bIds", "paymentConfirmation", "additionalInfo"),
        touches=_confirmed,
        action=lambda body: body.paymentConfirmation.supplierResponse,
        ack=Ack.RECEIPT,
        body_rules=(payment_rules.rejects_offplatform_only,),
        rules=payment_rules.CONFIRMATION,
        reads=True,
        amends=False,
        follows=(),
        postings=books_nothing,
        resolves=lambda action: action == "ACCEPT",
        route=None,
    ),
)
