"""Financing messages of the story for any lenders, bids and answers, by the names in the bodies."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from hundi.simulator import story_financing
from hundi.simulator.story import Body
from hundi.simulator.story_financing import ASKED, LENDER_A, LENDER_B, REQUEST_ID
from tests.trade.bills import INVOICES

LENDERS = {one.financier_id: one for one in (LENDER_A, LENDER_B)}
BIDS = {one.bid_id: one for one in (LENDER_A, LENDER_B)}
_ACCEPTED = {"statusTransition": {"currentStatus": "ACCEPTED", "newStatus": "ACCEPTED"}}


def financing(
    invoices: Sequence[Body],
    *,
    lenders: Sequence[str] = tuple(LENDERS),
    request_id: str = REQUEST_ID,
    asked: str = ASKED,
) -> Body:
    """Body of `req-financing`: invoices as they were sent, ACCEPTED by now."""
    offered = [invoice | _ACCEPTED for invoice in invoices]
    body = story_financing.financing_request(offered, request_id=request_id)
    body["financeRequest"]["financeId"][0]["financierId"] = list(lenders)
    body["financeRequest"]["financingRequestAmount"] = Decimal(asked)
    return body


def bid(*bid_ids: str, request_id: str = REQUEST_ID) -> Body:
    """Body of `share-bid` with some of the story's bids, of one lender or of both."""
    each = [
        story_financing.bid(BIDS[one], INVOICES[2][0], request_id=request_id) for one in bid_ids
    ]
    body = each[0]
    body["bid"]["bidDetails"] = [detail for one in each for detail in one["bid"]["bidDetails"]]
    return body


def bid_answer(decisions: Mapping[str, str], *, request_id: str = REQUEST_ID) -> Body:
    """Body of `respond-bid`: ACCEPT or REJECT by bidId. It names no B2B IDs: the ids lead to them."""
    answers = [(BIDS[bid_id], response) for bid_id, response in decisions.items()]
    body = story_financing.bid_response(answers, request_id=request_id)
    del body["b2bIds"]
    return body
