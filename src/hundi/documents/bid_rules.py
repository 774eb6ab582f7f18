"""What a bid may offer and how it may be answered. Pure. Its price is carried, never computed.

What a bid books, and how a request counts those that are open, is in `bid_ledger`.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence

from msgspec import UnsetType

from hundi.documents.bid_ledger import OPEN_BIDS, offered_by
from hundi.documents.erased import erased
from hundi.documents.financing_bodies import (
    BidDecision,
    BidDetail,
    FinanceRequest,
    FinancingBody,
    RespondBidBody,
    ShareBidBody,
    answer_path,
    shared,
    shared_path,
)
from hundi.documents.financing_rules import FINANCED_BEFORE, NOT_FINANCEABLE
from hundi.documents.invoice_ledger import ACCEPTED, FINANCED
from hundi.documents.payment_bodies import PaidAmount
from hundi.documents.sums import sum_of
from hundi.documents.under_way import note_under_way
from hundi.exchange.views import DocumentView, Party, RuleContext
from hundi.kernel.faults import Code, Fault, Kind
from hundi.kernel.listing import NAMED, listed
from hundi.kernel.money import Money
from hundi.parties.model import IS_PAID

MOST_OPEN = 20
"""Open bids of one lender on a request: whoever accepts one refuses all others, of all lenders."""

NO_BID = Code("FIN-NO-BID", Kind.RULE, "The message shares no bid.")
BID_TWICE = Code("FIN-BID-TWICE", Kind.RULE, "One message names the same bid twice.")
BID_SUM = Code("FIN-BID-SUM", Kind.RULE, "The approved parts do not make the approved amount.")
OVER_ASKED = Code("FIN-OVER-ASKED", Kind.RULE, "A bid approves more than what is asked for.")
OTHER_ASKED = Code(
    "FIN-OTHER-ASKED", Kind.RULE, "The bid repeats another amount than what is asked for."
)
NOT_OFFERED = Code(
    "FIN-NOT-OFFERED", Kind.RULE, "A bid names an invoice twice, or one that is not offered."
)
NOT_ASKED = Code("FIN-NOT-ASKED", Kind.RULE, "The bid is of a lender who was not asked.")
SEVERAL_ACCEPTED = Code("FIN-SEVERAL-ACCEPTED", Kind.RULE, "More than one bid is accepted.")
OTHER_BID = Code(
    "FIN-OTHER-BID", Kind.RULE, "The bid is of another lender or on another financing request."
)
ACCEPTED_AMOUNT = Code(
    "FIN-ACCEPTED-AMOUNT", Kind.RULE, "More is accepted than the bid approves, or of a refused one."
)
ACCEPTED_LESS = Code(
    "FIN-ACCEPTED-LESS", Kind.WARNING, "Less is accepted than what the bid approves."
)
LEFT_OPEN = Code(
    "FIN-LEFT-OPEN", Kind.RULE, "An answer ends the request, so it is to every open bid."
)
LENDER_LEVEL = Code(
    "FIN-LENDER-LEVEL",
    Kind.RULE,
    "A lender is verified to level 3, for he is paid: documents and account have been seen.",
)
TOO_MANY_BIDS = Code(
    "FIN-TOO-MANY-BIDS", Kind.RULE, "A lender has more open bids on a request than it may have."
)
CODES = (
    NO_BID, LENDER_LEVEL, TOO_MANY_BIDS, BID_TWICE, BID_SUM, OVER_ASKED, OTHER_ASKED, NOT_OFFERED, NOT_ASKED,
    SEVERAL_ACCEPTED, OTHER_BID, ACCEPTED_AMOUNT, ACCEPTED_LESS, LEFT_OPEN,
)  # fmt: skip


def bids_are_sound(body: ShareBidBody) -> Iterator[Fault]:
    """Each bid is shared once and makes its sum. A platform may share those of several lenders."""
    bids = shared(body)
    if not bids:
        yield NO_BID.at("bid.bidDetails", "The message shares 0 bids. Share one or more.", bids=0)
    yield from _twice(bids, [shared_path(n) for n in range(len(bids))])
    for place, one in enumerate(bids):
        yield from _sum(one, shared_path(place))


def _twice(bids: Sequence[BidDetail | BidDecision], paths: Sequence[str]) -> Iterator[Fault]:
    """A bid is named by its lender and its id: two lenders may use the same id."""
    times = Counter((one.financierId, one.bidId) for one in bids)
    for one, path in zip(bids, paths, strict=True):
        many = times[one.financierId, one.bidId]
        if many > 1:
            detail = f"The message names the bid {one.bidId} {many} times. Name it once."
            yield BID_TWICE.at(f"{path}.bidId", detail, bidId=one.bidId, times=many)


def _sum(one: BidDetail, path: str) -> Iterator[Fault]:
    """Exact: what is approved on the invoices is what is approved."""
    if not one.invoiceFinDetails:
        return
    stated = Money.of(one.approvedAmount)
    made = sum_of(Money.of(part.approvedAmount) for part in one.invoiceFinDetails)
    if stated != made:
        detail = (
            f"The bid {one.bidId} approves {stated.text()}, its invoices make {made.text()}."
            " Correct the figure or its parts."
        )
        facts = {"stated": stated.text(), "sum": made.text(), "bidId": one.bidId}
        yield BID_SUM.at(f"{path}.approvedAmount", detail, **facts)


def bids_answer_the_request(body: ShareBidBody, context: RuleContext) -> Iterator[Fault]:
    """Of a lender who was asked, on what was offered, up to what was asked for."""
    if context.document is None:
        return
    stored: FinancingBody | None = context.document.body
    if stored is None:
        yield erased(
            "bid.financingRequestId", what="The financing request", advice="Ask for a new one."
        )
        return
    request = stored.financeRequest
    asked, repeated = Money.of(request.financingRequestAmount), body.bid.financingRequestAmount
    if not isinstance(repeated, UnsetType) and Money.of(repeated) != asked:
        told = Money.of(repeated).text()
        detail = f"{asked.text()} is asked for, the bid says {told}. Repeat what is asked for."
        path = "bid.financingRequestAmount"
        yield OTHER_ASKED.at(path, detail, asked=asked.text(), stated=told)
    moved, offered = set(context.moved), {invoice.objectId for invoice in request.invoices}
    lenders = _lenders(body.bid.faId, request)
    for place, one in enumerate(shared(body)):
        path = shared_path(place)
        if path not in moved:
            continue
        if one.financierId not in lenders:
            yield _not_asked(body.bid.faId, one, path, request=request)
        yield from _at_most(one.approvedAmount, asked, path, what=f"The bid {one.bidId}")
        yield from _parts(one, path, offered)


def _lenders(platform: str | UnsetType, request: FinanceRequest) -> set[str]:
    """The lenders whom a request asks on a platform, or anywhere."""
    return {
        lender
        for provider in request.financeId
        if isinstance(platform, UnsetType) or provider.faId == platform
        for lender in provider.financierId or ()
    }


def _not_asked(
    platform: str | UnsetType, one: BidDetail, path: str, *, request: FinanceRequest
) -> Fault:
    where = "any platform" if isinstance(platform, UnsetType) else platform
    detail = (
        f"The request {request.financingRequestId} does not ask {one.financierId} on {where}."
        " Bid as a lender who was asked."
    )
    facts = {"financierId": one.financierId, "faId": where}
    return NOT_ASKED.at(f"{path}.financierId", detail, **facts)


def who_bids_may_be_paid(body: ShareBidBody, context: RuleContext) -> Iterator[Fault]:
    """A lender who buys an invoice is paid for it: he is verified as far as a supplier who is."""
    own = (shared_path(n) for n in range(len(shared(body))) if shared_path(n) in context.moved)
    yield from _verified(context.parties.get(context.sender), next(own, "bid"))


def whose_bid_is_taken_may_be_paid(body: RespondBidBody, context: RuleContext) -> Iterator[Fault]:
    """His level may have been lowered since he has bid."""
    for place, answer in enumerate(body.bidResponse.responses):
        path = answer_path(place)
        if answer.response == "ACCEPT" and path in context.moved:
            yield from _verified(context.parties.get(context.receiver), path)


def _verified(lender: Party | None, path: str) -> Iterator[Fault]:
    if lender is not None and lender.level < IS_PAID:
        detail = (
            f"{lender.b2b_id} is verified to level {lender.level}; level {IS_PAID} is paid, and a"
            " lender is. The operator gives it once documents and account are verified."
        )
        facts = {"level": lender.level, "needed": IS_PAID}
        yield LENDER_LEVEL.at(f"{path}.financierId", detail, **facts)


def bids_are_few(_body: ShareBidBody, context: RuleContext) -> Iterator[Fault]:
    """An answer ends a request, so it is to all of the lender's bids: they must fit into one."""
    if context.document is None:
        return
    open_, more = context.document.balance(OPEN_BIDS).taken, len(context.moved) - 1
    if open_ + more > MOST_OPEN:
        detail = (
            f"{open_} bids of the lender are open on this request and {more} are shared; at most"
            f" {MOST_OPEN} may be. Share fewer, or wait for an answer."
        )
        facts = {"open": open_, "shared": more, "most": MOST_OPEN}
        yield TOO_MANY_BIDS.at("bid.bidDetails", detail, **facts)


def _at_most(approved: PaidAmount, asked: Money, path: str, *, what: str) -> Iterator[Fault]:
    amount = Money.of(approved)
    if amount > asked:
        detail = (
            f"{what} approves {amount.text()}, {asked.text()} is asked for. Approve that or less."
        )
        facts = {"approved": amount.text(), "asked": asked.text()}
        yield OVER_ASKED.at(f"{path}.approvedAmount", detail, **facts)


def _parts(one: BidDetail, path: str, offered: Collection[str]) -> Iterator[Fault]:
    """Each part is on an invoice of the request, each invoice once."""
    parts = one.invoiceFinDetails or ()
    times = Counter(part.objectId for part in parts)
    for place, part in enumerate(parts):
        here = f"{path}.invoiceFinDetails[{place}]"
        if part.objectId not in offered or times[part.objectId] > 1:
            how = "not offered" if part.objectId not in offered else "named twice"
            detail = f"{part.objectId} is {how}; a bid names invoices of the request, each once."
            facts = {"invoice": part.objectId, "trouble": how}
            yield NOT_OFFERED.at(f"{here}.objectId", detail, **facts)
        if not isinstance(part.financingRequestAmount, UnsetType):
            most = Money.of(part.financingRequestAmount)
            what = f"The bid on {part.objectId}"
            yield from _at_most(part.approvedAmount, most, here, what=what)


def one_is_accepted_at_most(body: RespondBidBody) -> Iterator[Fault]:
    """Each bid has one answer, and one of them at most is ACCEPT."""
    answers = body.bidResponse.responses
    paths = [answer_path(place) for place in range(len(answers))]
    yield from _twice(answers, paths)
    accepted = [place for place, one in enumerate(answers) if one.response == "ACCEPT"]
    if len(accepted) > 1:
        names = [answers[place].bidId for place in accepted]
        detail = f"{listed(names)} are all accepted. Accept one bid; the others are refused."
        for place in accepted:
            yield SEVERAL_ACCEPTED.at(f"{paths[place]}.response", detail, bids=names[:NAMED])


def answers_fit_the_bids(body: RespondBidBody, context: RuleContext) -> Iterator[Fault]:
    """Each answer to this lender against the bid that it answers, and all against the open bids."""
    answers = [(answer_path(n), one) for n, one in enumerate(body.bidResponse.responses)]
    answers = [(path, one) for path, one in answers if path in context.held]
    bids = _bids(context.held[path].body for path, _ in answers)
    for path, answer in answers:
        message = context.held[path].body
        if message is not None:
            bid = bids[id(message), answer.bidId]
            yield from _answer(body, answer, path, bid=bid, message=message)
        elif answer.response == "ACCEPT":
            yield erased(
                path, what=f"The bid {answer.bidId}", advice="Refuse it, and ask for a new one."
            )
    if context.document is None:
        return
    open_, answered = context.document.balance(OPEN_BIDS).net, len(context.moved) - 1
    if answered < open_:
        detail = (
            f"{open_} bids of the lender are open, {answered} are answered; an answer ends the"
            " request. Answer all of them, or wait."
        )
        yield LEFT_OPEN.at("bidResponse.responses", detail, open=open_, answered=answered)


def _bids(messages: Iterable[ShareBidBody | None]) -> dict[tuple[int, str], BidDetail]:
    """Bids by the message that shared them, and their id: one may have been shared anew."""
    each = {id(one): one for one in messages if one is not None}
    return {(n, bid.bidId): bid for n, message in each.items() for bid in shared(message)}


def _answer(
    body: RespondBidBody,
    answer: BidDecision,
    path: str,
    *,
    bid: BidDetail,
    message: ShareBidBody,
) -> Iterator[Fault]:
    wanted = (bid.financierId, message.bid.financingRequestId)
    stated = (answer.financierId, body.bidResponse.financingRequestId)
    if stated != wanted:
        detail = (
            f"The bid {bid.bidId} is of {wanted[0]} on {wanted[1]}, not of {stated[0]} on"
            f" {stated[1]}. Check which is meant."
        )
        yield OTHER_BID.at(f"{path}.bidId", detail, bid=list(wanted), stated=list(stated))
    yield from _amount(answer, bid, path)


def _amount(answer: BidDecision, bid: BidDetail, path: str) -> Iterator[Fault]:
    """A bid is taken at what it approves; less is odd, more or a refused one's cannot be."""
    if isinstance(answer.acceptedAmount, UnsetType):
        return
    refused = answer.response == "REJECT"
    accepted = Money.of(answer.acceptedAmount)
    most = Money(0) if refused else Money.of(bid.approvedAmount)
    if accepted == most:
        return
    code = ACCEPTED_AMOUNT if accepted > most else ACCEPTED_LESS
    advice = " Accept that or less." if code is ACCEPTED_AMOUNT else " Both sides are told."
    how = "refused" if refused else "accepted"
    detail = (
        f"The bid {bid.bidId} is {how} with {accepted.text()}; it can be for {most.text()}.{advice}"
    )
    facts = {"accepted": accepted.text(), "most": most.text(), "bidId": bid.bidId}
    yield code.at(f"{path}.acceptedAmount", detail, **facts)


def invoices_are_still_free(body: RespondBidBody, context: RuleContext) -> Iterator[Fault]:
    """A bid is accepted on invoices that are unpaid and that no other lender has bought.

    On those that the request offers now: one that was declined and sent anew may have offered others.
    """
    offered = offered_by(context)
    for place, answer in enumerate(body.bidResponse.responses):
        path = answer_path(place)
        if answer.response != "ACCEPT" or path not in context.moved:
            continue
        for ref, view in context.held.items():
            if ref in offered:
                yield from _free(view, f"{path}.response")


def _free(view: DocumentView, path: str) -> Iterator[Fault]:
    facts = {"number": view.number, "status": view.status}
    if view.balance(FINANCED).net:
        detail = f"Invoice {view.number} was assigned to a lender; an invoice is financed once."
        yield FINANCED_BEFORE.at(path, detail, number=view.number)
    elif view.status != ACCEPTED:
        detail = (
            f"Invoice {view.number} is {view.status} by now; only what is {ACCEPTED} and unpaid is"
            " financed. Refuse the bid."
        )
        yield NOT_FINANCEABLE.at(path, detail, wanted=ACCEPTED, **facts)
    else:
        yield from note_under_way(view, path)


SHARED = (who_bids_may_be_paid, bids_are_few, bids_answer_the_request)
ANSWERED = (whose_bid_is_taken_may_be_paid, answers_fit_the_bids, invoices_are_still_free)
