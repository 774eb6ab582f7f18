"""Who speaks to whom in financing: a call's lenders, and the requests that its ids lead to. Pure.

A request to a lender is the document `financingRequestId/financierId` of the initiator; a bid is the
document `bidId` of the lender. Each lender gets his own part of a message, never another one's.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from msgspec import UnsetType, structs

from hundi.documents import bid_rules, financing_rules
from hundi.documents.financing_bodies import (
    BidDecision,
    FinancingBody,
    RespondBidBody,
    ShareBidBody,
    answer_path,
    shared,
    shared_path,
)
from hundi.documents.financing_rules import lenders, offered_path
from hundi.documents.invoice import INVOICE
from hundi.documents.touched import stateless
from hundi.exchange.definition import Touched, Touches
from hundi.exchange.route import Cut, Found, Leg, Listed, Seeks
from hundi.kernel.faults import Code, Fault, Kind
from hundi.ledger.model import Key

INITIATOR, LENDER = "initiator", "lender"
REQUEST_TYPE, BID_TYPE = "financing-request", "bid"
REQUESTED, BIDDING, OFFERED = "REQUESTED", "BIDDING", "OFFERED"
LIVE = (REQUESTED, BIDDING)

REQUEST_UNKNOWN = Code(
    "FIN-REQUEST-UNKNOWN",
    Kind.UNKNOWN,
    "No party that the client serves has sent or received such a financing request.",
)
AMBIGUOUS = Code(
    "FIN-AMBIGUOUS", Kind.CONFLICT, "Several parties have an open financing request of this id."
)
NOT_THE_LENDER = Code(
    "FIN-NOT-THE-LENDER", Kind.RIGHTS, "The client does not serve the lender that the bid names."
)
NOT_THE_INITIATOR = Code(
    "FIN-NOT-THE-INITIATOR", Kind.RIGHTS, "The client serves neither of the parties in b2bIds."
)
CODES = (REQUEST_UNKNOWN, AMBIGUOUS, NOT_THE_LENDER, NOT_THE_INITIATOR)

Legs = tuple[Leg, ...] | tuple[Fault, ...]


def _moved(
    type_: str,
    *,
    object_id: str,
    path: str,
    number: str,
    member: str,
    action: str | None,
    hastens: tuple[Key, ...] = (),
) -> Touched:
    """A request or a bid, each named by a member of its own."""
    plain = stateless(path, type_=type_, object_id=object_id, number=number)
    return structs.replace(plain, action=action, hastens=hastens, id_member=member)


def _bid(bid_id: str, path: str, *, action: str | None = None) -> Touched:
    return _moved(
        BID_TYPE, object_id=bid_id, path=path, number=bid_id, member="bidId", action=action
    )


def _request(
    request_id: str,
    *,
    lender: str,
    path: str,
    action: str | None = None,
    hastens: tuple[Key, ...] = (),
) -> Touched:
    return _moved(
        REQUEST_TYPE,
        object_id=f"{request_id}/{lender}",
        path=path,
        number=request_id,
        member="financingRequestId",
        action=action,
        hastens=hastens,
    )


def lenders_named(body: FinancingBody) -> Seeks:
    """Lenders are named as their platforms call them."""
    return Seeks(financiers=tuple((one.fa_id, one.financier_id) for one in lenders(body)))


def asked(body: FinancingBody, found: Found) -> Legs:
    """One exchange for each lender. A lender whom nobody knows is told where parties are judged."""
    request, ids = body.financeRequest, body.b2bIds
    invoices = tuple(_offered(body))
    legs = tuple(
        Leg(
            parties={
                INITIATOR: request.initiatorB2BId,
                LENDER: found.financiers.get(
                    (one.fa_id, one.financier_id),
                    f"lender {one.financier_id} of platform {one.fa_id}",
                ),
                "buyer": ids.buyerB2BId,
                "supplier": ids.supplierB2BId,
            },
            paths={INITIATOR: "financeRequest.initiatorB2BId", LENDER: one.path},
            touched=(
                _request(
                    request.financingRequestId, lender=one.financier_id, path="financeRequest"
                ),
                *invoices,
            ),
            action=None,
        )
        for one in lenders(body)
    )
    return legs or tuple(financing_rules.each_platform_has_lenders(body))


def _offered(body: FinancingBody) -> Iterator[Touched]:
    """The invoices of the request, between buyer and supplier: they stay free."""
    for place, invoice in enumerate(body.financeRequest.invoices):
        yield Touched(
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
            between=("supplier", "buyer"),
        )


def _places_of_lenders(body: ShareBidBody) -> Mapping[str, list[int]]:
    """Which bids of the message are whose."""
    places: dict[str, list[int]] = {}
    for place, one in enumerate(shared(body)):
        places.setdefault(one.financierId, []).append(place)
    return places


def _bid_on(body: ShareBidBody) -> str:
    told = body.bid.financingRequestId
    return "" if isinstance(told, UnsetType) else told


def requests_bid_on(body: ShareBidBody) -> Seeks:
    """The requests that the bids answer, as their lenders have received them."""
    names, platform = tuple(_places_of_lenders(body)), body.bid.faId
    return Seeks(
        financiers=()
        if isinstance(platform, UnsetType)
        else tuple((platform, name) for name in names),
        received=tuple((REQUEST_TYPE, f"{_bid_on(body)}/{name}") for name in names),
    )


def bid_on(body: ShareBidBody, found: Found) -> Legs:
    """One exchange for each lender, to the party that asked him."""
    legs: list[Leg] = []
    faults: list[Fault] = []
    for lender, places in _places_of_lenders(body).items():
        leg = _bids_of(body, lender, places, found=found)
        if isinstance(leg, Leg):
            legs.append(leg)
        else:
            faults.append(leg)
    if not shared(body):
        return tuple(bid_rules.bids_are_sound(body))
    rights = tuple(fault for fault in faults if fault.code == NOT_THE_LENDER.name)
    return rights or tuple(faults) or tuple(legs)


def _bids_of(
    body: ShareBidBody, lender: str, places: Sequence[int], *, found: Found
) -> Leg | Fault:
    path, request_id = f"{shared_path(places[0])}.financierId", _bid_on(body)
    platform = body.bid.faId
    known = None if isinstance(platform, UnsetType) else found.financiers.get((platform, lender))
    if known is not None and known not in found.mine:
        detail = f"Your client does not serve {lender}. Share bids of lenders that it serves."
        return NOT_THE_LENDER.at(path, detail, financierId=lender)
    named = [
        one
        for one in found.received
        if one.key[2] == f"{request_id}/{lender}" and known in {None, one.counterparty_b2b}
    ]
    request = _the_one(named, path="bid.financingRequestId", request_id=request_id)
    if isinstance(request, Fault):
        return request
    details = shared(body)
    return Leg(
        parties={INITIATOR: request.author_b2b, LENDER: request.counterparty_b2b},
        paths={INITIATOR: "bid.financingRequestId", LENDER: path},
        touched=(
            _request(request_id, lender=lender, path="bid"),
            *(_bid(details[n].bidId, shared_path(n)) for n in places),
        ),
        action=None,
        cut=Cut(member=("bid", "bidDetails"), keep=tuple(places)),
    )


def _the_one(named: Sequence[Listed], *, path: str, request_id: str) -> Listed | Fault:
    """The request that an id leads to: of several the one that is open."""
    if not named:
        detail = f"Your client serves no party to a financing request {request_id}. Check the id."
        return REQUEST_UNKNOWN.at(path, detail, financingRequestId=request_id)
    chosen = [one for one in named if one.status in LIVE] or named
    authors = sorted({one.author_b2b for one in chosen})
    if len(authors) > 1:
        detail = (
            f"{' and '.join(authors)} each have a financing request {request_id}. Ask one of them"
            " for a request with another id."
        )
        return AMBIGUOUS.at(path, detail, financingRequestId=request_id, initiators=authors)
    return chosen[0]


def requests_answered(body: RespondBidBody) -> Seeks:
    """The requests to all lenders under one id, and the bids on them."""
    return Seeks(authored=((REQUEST_TYPE, body.bidResponse.financingRequestId),))


def answered(body: RespondBidBody, found: Found) -> Legs:
    """One exchange for each lender who is answered.

    Where a bid is accepted, every other open bid on the request is refused, named or not.
    """
    told, path = body.bidResponse, "bidResponse.financingRequestId"
    ids = None if isinstance(body.b2bIds, UnsetType) else body.b2bIds
    between = None if ids is None else {ids.buyerB2BId, ids.supplierB2BId}
    if between is not None and between.isdisjoint(found.mine):
        detail = "Your client serves neither of the two parties. Answer as the one that asked."
        return (NOT_THE_INITIATOR.at("b2bIds", detail),)
    named = [one for one in found.authored if between is None or one.author_b2b in between]
    one_of_them = _the_one(named, path=path, request_id=told.financingRequestId)
    if isinstance(one_of_them, Fault):
        return (one_of_them,)
    requests = {
        one.key[2].removeprefix(f"{told.financingRequestId}/"): one
        for one in named
        if one.author_b2b == one_of_them.author_b2b
    }
    strangers = tuple(_not_asked(body, requests))
    return strangers or tuple(_answers(body, requests))


def _not_asked(body: RespondBidBody, requests: Mapping[str, Listed]) -> Iterator[Fault]:
    request_id = body.bidResponse.financingRequestId
    for place, one in enumerate(body.bidResponse.responses):
        if one.financierId not in requests:
            detail = f"{one.financierId} was not asked in {request_id}. Check the lender."
            where = f"{answer_path(place)}.financierId"
            yield REQUEST_UNKNOWN.at(where, detail, financierId=one.financierId)


def _answers(body: RespondBidBody, requests: Mapping[str, Listed]) -> Iterator[Leg]:
    """The lender whose bid is taken comes first; the others hear of it once he has agreed."""
    by_lender: dict[str, list[tuple[int, BidDecision]]] = {}
    for place, one in enumerate(body.bidResponse.responses):
        by_lender.setdefault(one.financierId, []).append((place, one))
    taken = [one.financierId for one in body.bidResponse.responses if one.response == "ACCEPT"]
    for lender in sorted(requests, key=lambda lender: lender not in taken):
        request, said = requests[lender], by_lender.get(lender, [])
        names = {one.bidId for _, one in said}
        unnamed = [bid for bid in _open_bids(request) if bid.key[2] not in names] if taken else []
        if said or (unnamed and request.status in LIVE):
            others = [one for one in requests.values() if one is not request]
            leg = _answer(body, lender, request, said=said, unnamed=unnamed, others=others)
            yield replace(leg, follows=bool(taken) and lender not in taken)


def _answer(
    body: RespondBidBody,
    lender: str,
    request: Listed,
    *,
    said: Sequence[tuple[int, BidDecision]],
    unnamed: Sequence[Listed],
    others: Sequence[Listed],
) -> Leg:
    """What one lender is told; nobody has to answer the others any more once he has lent."""
    accepts = any(one.response == "ACCEPT" for _, one in said)
    action = "ACCEPT" if accepts else "REJECT"
    hastens = tuple(_still_open(others)) if accepts else ()
    place = said[0][0] if said else 0
    return Leg(
        parties={INITIATOR: request.author_b2b, LENDER: request.counterparty_b2b},
        paths={
            INITIATOR: "bidResponse.financingRequestId",
            LENDER: f"{answer_path(place)}.financierId",
        },
        touched=(
            _request(
                body.bidResponse.financingRequestId,
                lender=lender,
                path="bidResponse",
                action=action,
                hastens=hastens,
            ),
            *(_bid(one.bidId, answer_path(n), action=one.response) for n, one in said),
            *(_bid(one.key[2], "bidResponse.responses", action="REJECT") for one in unnamed),
        ),
        action=action,
        cut=Cut(
            member=("bidResponse", "responses"),
            keep=tuple(n for n, _ in said),
            add=tuple(
                {"bidId": one.key[2], "financierId": lender, "response": "REJECT"}
                for one in unnamed
            ),
        ),
    )


def _open_bids(request: Listed) -> Iterator[Listed]:
    return (one for one in request.referring if one.key[1] == BID_TYPE and one.status == OFFERED)


def _still_open(requests: Sequence[Listed]) -> Iterator[Key]:
    for one in requests:
        if one.status in LIVE:
            yield one.key
            yield from (bid.key for bid in _open_bids(one))
