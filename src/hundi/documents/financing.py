"""Financing: lenders are asked for bids on accepted invoices, bid, and are answered.

Two documents live here. A request to n lenders is n documents `financing-request`, one for each pair
of initiator and lender: each is seen, answered and expires by itself. A bid is the lender's. Their
states are the network's own and never on the wire. Life cycle of the request by
`contract/b2b-financing.yaml` (`x-lifecycle`). Who speaks to whom is `financing_routes`.
"""

from functools import partial

from hundi.documents import bid_ledger, bid_rules, financing_routes, financing_rules
from hundi.documents.financing_bodies import FinancingBody, RespondBidBody, ShareBidBody
from hundi.documents.financing_routes import (
    BIDDING,
    INITIATOR,
    LENDER,
    OFFERED,
    REQUESTED,
)
from hundi.documents.invoice import INVOICE
from hundi.documents.transitions import rows
from hundi.exchange.definition import LAPSE, Ack, DocumentType, Effect, MessageType, VersionRule
from hundi.exchange.route import Route
from hundi.kernel.fields import Group

PLATFORM = "platform"

ACCEPTED = "ACCEPTED"
DECLINED = "DECLINED"
EXPIRED = "EXPIRED"
REFUSED = "REFUSED"

ASK, SHARE, ANSWER = "req-financing", "share-bid", "respond-bid"

_kept = partial(rows, version=VersionRule.KEEP)
_expired = partial(_kept, by=PLATFORM, action=None, target=EXPIRED, effect=Effect.FACT)

REQUEST_CYCLE = (
    *rows(ASK, by=INITIATOR, action=None, sources=[""], target=REQUESTED,
          version=VersionRule.FIRST),
    *_kept(SHARE, by=LENDER, action=None, sources=[REQUESTED, BIDDING], target=BIDDING),
    *_kept(ANSWER, by=INITIATOR, action="ACCEPT", sources=[BIDDING], target=ACCEPTED),
    *_kept(ANSWER, by=INITIATOR, action="REJECT", sources=[BIDDING], target=DECLINED),
    *_expired(LAPSE, sources=[REQUESTED, BIDDING]),
)  # fmt: skip

BID_CYCLE = (
    *rows(SHARE, by=LENDER, action=None, sources=[""], target=OFFERED,
          version=VersionRule.FIRST),
    *_kept(ANSWER, by=INITIATOR, action="ACCEPT", sources=[OFFERED], target=ACCEPTED),
    *_kept(ANSWER, by=INITIATOR, action="REJECT", sources=[OFFERED], target=REFUSED),
    *_expired(LAPSE, sources=[OFFERED]),
)  # fmt: skip

_type = partial(
    DocumentType,
    initial="",
    settled=frozenset(),
    withdrawal=None,
    shut_by=frozenset(),
    guarded=frozenset(),
    derive=None,
)
FINANCING_REQUEST = _type(
    name="financing-request",
    noun="financing request",
    author=INITIATOR,
    released=frozenset({DECLINED, EXPIRED}),
    moves=REQUEST_CYCLE,
)
BID = _type(
    name="bid",
    noun="bid",
    author=LENDER,
    released=frozenset({REFUSED, EXPIRED}),
    moves=BID_CYCLE,
)
FINANCING_TYPES: tuple[DocumentType, ...] = (FINANCING_REQUEST, BID)


def _message(
    name: str,
    *,
    document: DocumentType,
    body: type[Group],
    subject: str,
    webhook: str,
    **functions: object,
) -> MessageType:
    road = "api/v0/finance"
    sender = LENDER if name == SHARE else INITIATOR
    return MessageType(
        name=name,
        document=document,
        path=f"/{road}/{name}",
        forward=f"{road}/{webhook}",
        inform=f"{road}/resp{webhook[0].upper()}{webhook[1:]}",
        roles={"buyer": "buyerB2BId", "supplier": "supplierB2BId"} if name == ASK else {},
        sender=sender,
        receiver=LENDER if sender == INITIATOR else INITIATOR,
        body=body,
        subject=subject,
        informs=("resp", "b2bIds", subject) if name == ASK else ("resp", subject),
        touches=lambda _: (),
        action=lambda _: None,
        ack=Ack.RECEIPT,
        reads=True,
        **functions,  # type: ignore[arg-type]
    )  # fmt: skip


MESSAGES: tuple[MessageType, ...] = (
    _message(
        ASK,
        document=FINANCING_REQUEST,
        body=FinancingBody,
        subject="financeRequest",
        webhook="requestFinancing",
        follows=(),
        body_rules=financing_rules.FIGURES,
        rules=financing_rules.REQUEST,
        postings=financing_rules.postings,
        resolves=lambda _: None,
        route=Route(seeks=financing_routes.lenders_named, legs=financing_routes.asked),
    ),
    _message(
        SHARE,
        document=BID,
        body=ShareBidBody,
        subject="bid",
        webhook="shareBid",
        follows=(),
        body_rules=(bid_rules.bids_are_sound,),
        rules=bid_rules.SHARED,
        postings=bid_ledger.bids_enter,
        resolves=lambda _: None,
        route=Route(seeks=financing_routes.requests_bid_on, legs=financing_routes.bid_on),
    ),
    _message(
        ANSWER,
        document=FINANCING_REQUEST,
        body=RespondBidBody,
        subject="bidResponse",
        webhook="respondBid",
        follows=(INVOICE.name,),
        body_rules=(bid_rules.one_is_accepted_at_most,),
        rules=bid_rules.ANSWERED,
        postings=bid_ledger.one_is_taken,
        resolves=lambda action: True if action == "ACCEPT" else None,
        route=Route(seeks=financing_routes.requests_answered, legs=financing_routes.answered),
    ),
)
