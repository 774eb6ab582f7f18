"""The purchase order: what its four messages look like, how it lives, which rules it obeys.

Shapes and life cycle follow `contract/b2b-purchase-order.yaml` (`x-lifecycle`), row by row.
"""

from datetime import date
from functools import partial

from hundi.documents import order_rules, touched
from hundi.documents.messages import (
    BUYER,
    SUPPLIER,
    between_traders,
    books_nothing,
    message,
    no_action,
    resolves_nothing,
)
from hundi.documents.numbering import order_claim
from hundi.documents.order_bodies import (
    ConfirmBody,
    OrderBody,
    StatusChangeBody,
)
from hundi.documents.transitions import rows
from hundi.exchange.definition import (
    Ack,
    DocumentType,
    Effect,
    Guard,
    MessageType,
    Move,
    Touched,
    VersionRule,
)
from hundi.exchange.views import DocumentView

CREATED = "CREATED"
SENT = "SENT TO SUPPLIER"
UNDER_REVIEW = "UNDER REVIEW"
ACCEPTED = "ACCEPTED"
REJECTED = "REJECTED"
CANCELLED = "CANCELLED"
CLOSED = "CLOSED"


def an_earlier_version_was_accepted(view: DocumentView) -> bool:
    """The order is an amendment of one that is in force."""
    return view.agreed_version is not None


def no_earlier_version_was_accepted(view: DocumentView) -> bool:
    """Nothing of the order is in force yet."""
    return view.agreed_version is None


def no_live_invoice(view: DocumentView) -> bool:
    """No invoice that is neither rejected nor cancelled names the order."""
    return view.balance(order_rules.LIVE_INVOICES).taken == 0


ACCEPTED_BEFORE = Guard(
    an_earlier_version_was_accepted, "before a version of it was accepted: CANCEL it"
)
NEVER_ACCEPTED = Guard(no_earlier_version_was_accepted)
NOT_BILLED = Guard(
    no_live_invoice,
    "while an invoice of it is live: CLOSE it, or see that the invoice is rejected or cancelled first",
)
_CONFIRM, _CHANGE = "req-confirm", "req-status-change"

LIFE_CYCLE: tuple[Move, ...] = (
    *rows("req-send", by=BUYER, action=None, sources=[CREATED], target=SENT,
            version=VersionRule.FIRST),
    *rows(_CONFIRM, by=SUPPLIER, action="ACCEPT", sources=[SENT], target=ACCEPTED,
            version=VersionRule.AGREE),
    *rows(_CONFIRM, by=SUPPLIER, action="REJECT", sources=[SENT], target=REJECTED,
            version=VersionRule.KEEP, guard=NEVER_ACCEPTED),
    *rows(_CONFIRM, by=SUPPLIER, action="RETURN", sources=[SENT], target=UNDER_REVIEW,
            version=VersionRule.KEEP),
    *rows("req-edit", by=BUYER, action=None, sources=[SENT, UNDER_REVIEW], target=SENT,
            version=VersionRule.NEXT),
    *rows(_CHANGE, by=BUYER, action="CANCEL", sources=[SENT, UNDER_REVIEW, REJECTED],
            target=CANCELLED, version=VersionRule.KEEP, guard=NOT_BILLED),
    *rows(_CHANGE, by=BUYER, action="CLOSE", sources=[ACCEPTED], target=CLOSED,
            version=VersionRule.KEEP),
    *rows(_CHANGE, by=BUYER, action="CANCEL", sources=[CREATED], target=CANCELLED,
            version=VersionRule.KEEP, effect=Effect.FACT),
    *rows("req-edit", by=BUYER, action=None, sources=[ACCEPTED], target=SENT,
            version=VersionRule.NEXT),
    *rows(_CHANGE, by=BUYER, action="CANCEL", sources=[ACCEPTED], target=CANCELLED,
            version=VersionRule.KEEP, guard=NOT_BILLED),
    *rows(_CONFIRM, by=SUPPLIER, action="REJECT", sources=[SENT], target=ACCEPTED,
            version=VersionRule.RESTORE, guard=ACCEPTED_BEFORE),
    *rows(_CHANGE, by=BUYER, action="CLOSE", sources=[SENT, UNDER_REVIEW], target=CLOSED,
            version=VersionRule.RESTORE, guard=ACCEPTED_BEFORE),
)  # fmt: skip

PURCHASE_ORDER = DocumentType(
    name="purchase-order",
    noun="order",
    author=BUYER,
    initial=CREATED,
    released=frozenset({REJECTED, CANCELLED}),
    settled=frozenset(),
    withdrawal="CANCEL",
    shut_by=frozenset({"CANCEL", "CLOSE"}),
    guarded=frozenset(),
    derive=None,
    moves=LIFE_CYCLE,
    stake=None,
)


_touched = partial(
    touched.moved,
    type_=PURCHASE_ORDER.name,
    transition="poStatusTransition",
    number="buyerPONumber",
)


def _order_touched(body: OrderBody) -> tuple[Touched, ...]:
    """The order, and its number: unique for the buyer's B2B ID in the financial year of its date."""
    order = body.purchaseOrder
    day = date.fromisoformat(order.orderDate)
    claim = order_claim(body.b2bIds.buyerB2BId, number=order.buyerPONumber, day=day)
    return (_touched(order, "purchaseOrder", claim=claim),)


MESSAGES: tuple[MessageType, ...] = (
    message(
        between_traders(PURCHASE_ORDER, "req-send", sender=BUYER),
        body=OrderBody,
        subject="purchaseOrder",
        informs=("b2bIds", "resp", "purchaseOrder", "additionalInfos"),
        touches=_order_touched,
        action=no_action,
        ack=Ack.ECHO,
        body_rules=order_rules.FIGURES,
        rules=order_rules.ORDER,
        reads=False,
        amends=False,
        follows=(),
        postings=books_nothing,
        resolves=resolves_nothing,
        route=None,
    ),
    message(
        between_traders(PURCHASE_ORDER, _CONFIRM, sender=SUPPLIER),
        body=ConfirmBody,
        subject="poConfirmation",
        informs=("b2bIds", "resp", "poConfirmation", "additionalInfos"),
        touches=lambda body: (_touched(body.poConfirmation, "poConfirmation", claim=None),),
        action=lambda body: body.poConfirmation.supplierResponse,
        ack=Ack.ECHO,
        body_rules=(),
        rules=order_rules.CONFIRMED,
        reads=False,
        amends=True,
        follows=(),
        postings=books_nothing,
        resolves=resolves_nothing,
        route=None,
    ),
    message(
        between_traders(PURCHASE_ORDER, "req-edit", sender=BUYER),
        body=OrderBody,
        subject="purchaseOrder",
        informs=("b2bIds", "resp", "purchaseOrder", "additionalInfos"),
        touches=_order_touched,
        action=no_action,
        ack=Ack.ECHO,
        body_rules=order_rules.FIGURES,
        rules=(*order_rules.ORDER, *order_rules.AMENDMENT),
        reads=True,
        amends=False,
        follows=(),
        postings=books_nothing,
        resolves=resolves_nothing,
        route=None,
    ),
    message(
        between_traders(PURCHASE_ORDER, _CHANGE, sender=BUYER),
        body=StatusChangeBody,
        subject="poStatus",
        informs=("b2bIds", "resp", "poStatus", "additionalInfos"),
        touches=lambda body: (_touched(body.poStatus, "poStatus", claim=None),),
        action=lambda body: body.poStatus.buyerAction,
        ack=Ack.ECHO,
        body_rules=(),
        rules=(order_rules.status_change_names_the_order,),
        reads=False,
        amends=False,
        follows=(),
        postings=books_nothing,
        resolves=resolves_nothing,
        route=None,
    ),
)
