"""The purchase order: what its four messages look like, how it lives, which rules it obeys.

Shapes and life cycle follow `contract/b2b-purchase-order.yaml` (`x-lifecycle`), row by row.
"""

from datetime import date
from functools import partial

from hundi.documents import order_rules, touched
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
from hundi.exchange.views import BodyRule, DocumentView
from hundi.kernel.fields import Group

BUYER, SUPPLIER = "buyer", "supplier"

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
    claim = order_claim(body.b2bIds.buyerB2BId, order.buyerPONumber, day)
    return (_touched(order, "purchaseOrder", claim=claim),)


def _message(
    name: str,
    *,
    sender: str,
    body: type[Group],
    subject: str,
    body_rules: tuple[BodyRule, ...] = (),
    reads: bool = False,
    **functions: object,
) -> MessageType:
    road = f"api/v0/purchase-order/{name}"
    return MessageType(
        name=name,
        document=PURCHASE_ORDER,
        path=f"/{road}",
        forward=road,
        inform=road.replace("/req-", "/resp-"),
        roles={BUYER: "buyerB2BId", SUPPLIER: "supplierB2BId"},
        sender=sender,
        receiver=SUPPLIER if sender == BUYER else BUYER,
        body=body,
        subject=subject,
        informs=("b2bIds", "resp", subject, "additionalInfos"),
        ack=Ack.ECHO,
        reads=reads,
        follows=(),
        postings=lambda *_: (),
        resolves=lambda _: None,
        body_rules=body_rules,
        **functions,  # type: ignore[arg-type]
    )


MESSAGES: tuple[MessageType, ...] = (
    _message(
        "req-send",
        sender=BUYER,
        body=OrderBody,
        subject="purchaseOrder",
        touches=_order_touched,
        action=lambda _: None,
        body_rules=order_rules.FIGURES,
        rules=order_rules.ORDER,
    ),
    _message(
        "req-confirm",
        sender=SUPPLIER,
        body=ConfirmBody,
        subject="poConfirmation",
        touches=lambda body: (_touched(body.poConfirmation, "poConfirmation", claim=None),),
        action=lambda body: body.poConfirmation.supplierResponse,
        rules=order_rules.CONFIRMED,
        amends=True,
    ),
    _message(
        "req-edit",
        sender=BUYER,
        body=OrderBody,
        subject="purchaseOrder",
        touches=_order_touched,
        action=lambda _: None,
        body_rules=order_rules.FIGURES,
        rules=(*order_rules.ORDER, *order_rules.AMENDMENT),
        reads=True,
    ),
    _message(
        "req-status-change",
        sender=BUYER,
        body=StatusChangeBody,
        subject="poStatus",
        touches=lambda body: (_touched(body.poStatus, "poStatus", claim=None),),
        action=lambda body: body.poStatus.buyerAction,
        rules=(order_rules.status_change_names_the_order,),
    ),
)
