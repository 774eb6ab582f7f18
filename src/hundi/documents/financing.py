"""Financing: lenders are asked for bids on accepted invoices, bid, and are answered.

Two documents live here, the request (its author asks) and the bid (its author lends); their states
are the network's own and never on the wire. Life cycle of the request by
`contract/b2b-financing.yaml` (`x-lifecycle`). A call goes to each of `lenders(body)`: so many
exchanges under one receipt. The road does not carry that yet, so nothing here is registered.
"""

from collections.abc import Mapping
from functools import partial

from hundi.documents import bid_rules, financing_rules
from hundi.documents.bid_rules import answer_path, shared, shared_path
from hundi.documents.financing_bodies import FinancingBody, RespondBidBody, ShareBidBody
from hundi.documents.financing_rules import lenders, offered_path
from hundi.documents.invoice import INVOICE
from hundi.documents.transitions import rows
from hundi.exchange.definition import (
    Ack,
    DocumentType,
    Effect,
    MessageType,
    RuleContext,
    Touched,
    Touches,
    VersionRule,
)
from hundi.kernel.fields import Group

INITIATOR, LENDER, PLATFORM = "initiator", "lender", "platform"

REQUESTED = "REQUESTED"
BIDDING = "BIDDING"
ACCEPTED = "ACCEPTED"
DECLINED = "DECLINED"
EXPIRED = "EXPIRED"
OFFERED = bid_rules.OFFERED
REFUSED = "REFUSED"

ASK, SHARE, ANSWER, TIMEOUT = "req-financing", "share-bid", "respond-bid", "expiry"

_kept = partial(rows, version=VersionRule.KEEP)
_expired = partial(_kept, by=PLATFORM, action=None, target=EXPIRED, effect=Effect.FACT)

REQUEST_CYCLE = (
    *rows(ASK, by=INITIATOR, action=None, sources=[""], target=REQUESTED,
          version=VersionRule.FIRST),
    *_kept(SHARE, by=LENDER, action=None, sources=[REQUESTED, BIDDING], target=BIDDING,
           effect=Effect.FACT),
    *_kept(ANSWER, by=INITIATOR, action="ACCEPT", sources=[BIDDING], target=ACCEPTED),
    *_kept(ANSWER, by=INITIATOR, action="REJECT", sources=[BIDDING], target=DECLINED),
    *_expired(TIMEOUT, sources=[REQUESTED, BIDDING]),
)  # fmt: skip
"""A bid is a fact to the request: lenders bid side by side, and none keeps another one waiting."""

BID_CYCLE = (
    *rows(SHARE, by=LENDER, action=None, sources=[""], target=OFFERED,
          version=VersionRule.FIRST, effect=Effect.FACT),
    *_kept(ANSWER, by=INITIATOR, action="ACCEPT", sources=[OFFERED], target=ACCEPTED),
    *_kept(ANSWER, by=INITIATOR, action="REJECT", sources=[OFFERED], target=REFUSED),
    *_expired(TIMEOUT, sources=[OFFERED]),
)  # fmt: skip

_type = partial(
    DocumentType,
    initial="",
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


def _moved(kind: DocumentType, object_id: str, path: str) -> Touched:
    """A request or a bid: it has neither number, versions nor statuses on the wire."""
    return Touched(
        type=kind.name,
        how=Touches.MOVES,
        object_id=object_id,
        number=object_id,
        claim=None,
        current_version=None,
        new_version=None,
        current_status=None,
        new_status=None,
        path=path,
        transition="",
    )


def _asked(body: FinancingBody) -> tuple[Touched, ...]:
    """The request, and the invoices that it offers: they stay free."""
    request = body.financeRequest
    invoices = (
        Touched(
            type=INVOICE.name,
            how=Touches.HOLDS,
            object_id=invoice.objectId,
            number=invoice.supplierInvoiceNumber,
            claim=None,
            current_version=invoice.objectVersion.currentVersion,
            new_version=invoice.objectVersion.newVersion,
            current_status=invoice.statusTransition.currentStatus,
            new_status=invoice.statusTransition.newStatus,
            path=offered_path(place),
            transition="statusTransition",
        )
        for place, invoice in enumerate(request.invoices)
    )
    return (_moved(FINANCING_REQUEST, request.financingRequestId, "financeRequest"), *invoices)


def _shared(body: ShareBidBody) -> tuple[Touched, ...]:
    """The request that is bid on, and each bid. A bid that names no request finds none."""
    request = body.bid.financingRequestId or ""
    bids = (_moved(BID, one.bidId, shared_path(n)) for n, one in enumerate(shared(body)))
    return (_moved(FINANCING_REQUEST, request, "bid"), *bids)


def _answered(body: RespondBidBody) -> tuple[Touched, ...]:
    """The request, and each bid that is answered."""
    told = body.bidResponse
    bids = (_moved(BID, one.bidId, answer_path(n)) for n, one in enumerate(told.responses))
    return (_moved(FINANCING_REQUEST, told.financingRequestId, "bidResponse"), *bids)


def decisions(body: RespondBidBody) -> Mapping[str, str]:
    """The action on each bid that is answered, by JSON path.

    Where one is accepted, bids of the request that are not named are refused too.
    """
    return {answer_path(n): one.response for n, one in enumerate(body.bidResponse.responses)}


def refused_too(body: RespondBidBody, context: RuleContext) -> tuple[str, ...]:
    """Bids of the request that end because another one is accepted, by their `ref` in the context."""
    if bid_rules.action(body) != "ACCEPT":
        return ()
    named = {one.bidId for one in body.bidResponse.responses}
    return tuple(
        ref
        for ref, view in context.held.items()
        if ref.startswith(f"{BID.name}/") and view.status == OFFERED
        if view.object_id not in named
    )


def answered_lenders(body: RespondBidBody) -> tuple[tuple[str, str], ...]:
    """Who is answered: (financierId, JSON path), each lender once."""
    found: dict[str, str] = {}
    for place, one in enumerate(body.bidResponse.responses):
        found.setdefault(one.financierId, f"{answer_path(place)}.financierId")
    return tuple(found.items())


def bidder(body: ShareBidBody) -> str:
    """The lender who shares: his financierId, "" where the message has no bid."""
    return shared(body)[0].financierId if shared(body) else ""


def _message(
    name: str, *, sender: str, body: type[Group], subject: str, webhook: str, **functions: object
) -> MessageType:
    road = "api/v0/finance"
    return MessageType(
        name=name,
        document=FINANCING_REQUEST,
        path=f"/{road}/{name}",
        forward=f"{road}/{webhook}",
        inform=f"{road}/resp{webhook[0].upper()}{webhook[1:]}",
        sender=sender,
        receiver=LENDER if sender == INITIATOR else INITIATOR,
        body=body,
        subject=subject,
        ack=Ack.RECEIPT,
        reads=True,
        **functions,  # type: ignore[arg-type]
    )


FINANCING_MESSAGES: tuple[MessageType, ...] = (
    _message(
        ASK,
        sender=INITIATOR,
        body=FinancingBody,
        subject="financeRequest",
        webhook="requestFinancing",
        roles={"buyer": "buyerB2BId", "supplier": "supplierB2BId"},
        touches=_asked,
        action=lambda _: None,
        follows=(),
        body_rules=financing_rules.FIGURES,
        rules=financing_rules.REQUEST,
        postings=financing_rules.postings,
        resolves=lambda _: None,
    ),
    _message(
        SHARE,
        sender=LENDER,
        body=ShareBidBody,
        subject="bid",
        webhook="shareBid",
        roles={},
        touches=_shared,
        action=lambda _: None,
        follows=(),
        body_rules=(bid_rules.of_one_lender,),
        rules=(bid_rules.bids_answer_the_request,),
        postings=bid_rules.bids_enter,
        resolves=lambda _: None,
    ),
    _message(
        ANSWER,
        sender=INITIATOR,
        body=RespondBidBody,
        subject="bidResponse",
        webhook="respondBid",
        roles={"buyer": "buyerB2BId", "supplier": "supplierB2BId"},
        touches=_answered,
        action=bid_rules.action,
        follows=(BID.name,),
        body_rules=(bid_rules.one_is_accepted_at_most,),
        rules=(bid_rules.answers_fit_the_bids,),
        postings=bid_rules.bids_leave,
        resolves=lambda body: bid_rules.action(body) == "ACCEPT",
    ),
)

__all__ = [
    "BID", "FINANCING_MESSAGES", "FINANCING_REQUEST", "FINANCING_TYPES", "answered_lenders",
    "bidder", "decisions", "lenders", "refused_too",
]  # fmt: skip
