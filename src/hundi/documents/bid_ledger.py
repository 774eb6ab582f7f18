"""What bids book on their request and on its invoices. Pure.

A request counts its open bids: a bid enters with its ack, and leaves when it is accepted, refused or
expired. On each invoice of the request, the acceptance of a bid is counted. In the trade story

    shared      debit open bids 1          credit bids 1
    accepted    debit bids 1               credit open bids 1
                debit assigning 1          credit assignments 1
"""

from hundi.documents.financing_bodies import RespondBidBody, ShareBidBody, answer_path
from hundi.documents.invoice_ledger import ASSIGNING, ASSIGNMENTS
from hundi.exchange.views import Posting, RuleContext
from hundi.ledger.model import Unit

OPEN_BIDS, BIDS = "open bids", "bids"
"""Accounts of a financing request: bids without an answer (debit), and what stands against them."""


def offered_by(context: RuleContext) -> set[str]:
    """The invoices that the request offers; all that it ever did where its body was erased."""
    body = None if context.document is None else context.document.body
    if body is None:
        return {ref for ref in context.held if ref.startswith("invoice/")}
    return {f"invoice/{invoice.objectId}" for invoice in body.financeRequest.invoices}


def bids_enter(_body: ShareBidBody, context: RuleContext) -> tuple[Posting, ...]:
    """Each is an open bid more until it ends: what is refused or expires is given back."""
    return tuple(
        Posting(ref="bid", debit=OPEN_BIDS, credit=BIDS, amount=1, unit=Unit.COUNT, sake=path)
        for path in context.moved[1:]
    )


def one_is_taken(body: RespondBidBody, context: RuleContext) -> tuple[Posting, ...]:
    """The bid that is taken is open no more, and its invoices are on their way to the lender."""
    accepted = any(
        one.response == "ACCEPT" and answer_path(place) in context.moved
        for place, one in enumerate(body.bidResponse.responses)
    )
    if not accepted:
        return ()
    offered = offered_by(context)
    return (
        Posting(ref="bidResponse", debit=BIDS, credit=OPEN_BIDS, amount=1, unit=Unit.COUNT),
        *(
            Posting(ref=ref, debit=ASSIGNING, credit=ASSIGNMENTS, amount=1, unit=Unit.COUNT)
            for ref in context.held
            if ref in offered
        ),
    )
