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
    BID_TYPE,
    BIDDING,
    INITIATOR,
    LENDER,
    OFFERED,
    REQUEST_TYPE,
    REQUESTED,
)
from hundi.documents.invoice import INVOICE
from hundi.documents.messages import TRADERS, Way, message, no_action, resolves_nothing
from hundi.documents.transitions import rows
from hundi.exchange.definition import (
    LAPSE,
    Ack,
    DocumentType,
    Effect,
    MessageType,
    Touched,
    VersionRule,
)
from hundi.exchange.route import Route

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
    stake=None,
)
FINANCING_REQUEST = _type(
    name=REQUEST_TYPE,
    noun="financing request",
    author=INITIATOR,
    released=frozenset({DECLINED, EXPIRED}),
    moves=REQUEST_CYCLE,
)
BID = _type(
    name=BID_TYPE,
    noun="bid",
    author=LENDER,
    released=frozenset({REFUSED, EXPIRED}),
    moves=BID_CYCLE,
)
FINANCING_TYPES: tuple[DocumentType, ...] = (FINANCING_REQUEST, BID)


def _way(document: DocumentType, name: str, *, webhook: str, sender: str) -> Way:
    """The contract names these calls and their webhooks apart; only a request names the traders."""
    road = "api/v0/finance"
    return {
        "name": name,
        "document": document,
        "path": f"/{road}/{name}",
        "forward": f"{road}/{webhook}",
        "inform": f"{road}/resp{webhook[0].upper()}{webhook[1:]}",
        "roles": TRADERS if name == ASK else {},
        "sender": sender,
        "receiver": LENDER if sender == INITIATOR else INITIATOR,
    }


def _routed(_body: object) -> tuple[Touched, ...]:
    """What the message touches is told for each lender, by its route."""
    return ()


MESSAGES: tuple[MessageType, ...] = (
    message(
        _way(FINANCING_REQUEST, ASK, webhook="requestFinancing", sender=INITIATOR),
        body=FinancingBody,
        subject="financeRequest",
        informs=("resp", "b2bIds", "financeRequest"),
        touches=_routed,
        action=no_action,
        ack=Ack.RECEIPT,
        body_rules=financing_rules.FIGURES,
        rules=financing_rules.REQUEST,
        reads=True,
        amends=False,
        follows=(),
        postings=financing_rules.postings,
        resolves=resolves_nothing,
        route=Route(seeks=financing_routes.lenders_named, legs=financing_routes.asked),
    ),
    message(
        _way(BID, SHARE, webhook="shareBid", sender=LENDER),
        body=ShareBidBody,
        subject="bid",
        informs=("resp", "bid"),
        touches=_routed,
        action=no_action,
        ack=Ack.RECEIPT,
        body_rules=(bid_rules.bids_are_sound,),
        rules=bid_rules.SHARED,
        reads=True,
        amends=False,
        follows=(),
        postings=bid_ledger.bids_enter,
        resolves=resolves_nothing,
        route=Route(seeks=financing_routes.requests_bid_on, legs=financing_routes.bid_on),
    ),
    message(
        _way(FINANCING_REQUEST, ANSWER, webhook="respondBid", sender=INITIATOR),
        body=RespondBidBody,
        subject="bidResponse",
        informs=("resp", "bidResponse"),
        touches=_routed,
        action=no_action,
        ack=Ack.RECEIPT,
        body_rules=(bid_rules.one_is_accepted_at_most,),
        rules=bid_rules.ANSWERED,
        reads=True,
        amends=False,
        follows=(INVOICE.name,),
        postings=bid_ledger.one_is_taken,
        resolves=lambda action: True if action == "ACCEPT" else None,
        route=Route(seeks=financing_routes.requests_answered, legs=financing_routes.answered),
    ),
)
