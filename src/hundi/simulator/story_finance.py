"""The financing of the trade story: two lenders are asked for bids on invoice 2, and one is taken.

The numbers are those of `tests/data/trade_story.json`, and a test holds the two together.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from hundi.simulator.story import BUYER, DEVICE, SUPPLIER, Body, Business
from hundi.simulator.story_money import INVOICE_2

FA_ID = "FA-PRETEND"
REQUEST_ID = "FINREQ-2526-0031"
ASKED = "736813.00"
BIDS = {
    "BID-A1": ("LENDER-A", "736813.00", "8.95"),
    "BID-B1": ("LENDER-B", "663131.70", "8.60"),
}
LENDERS = {
    "LENDER-A": Business(
        "Fictional Factors Limited",
        "ZZZCF0701L",
        "27ZZZCF0701L1Z5",
        "27",
        "Mumbai",
        "MAHARASHTRA",
        "400001",
    ),
    "LENDER-B": Business(
        "Pretend Finance Limited",
        "ZZZCP0702M",
        "29ZZZCP0702M1ZO",
        "29",
        "Bengaluru",
        "KARNATAKA",
        "560001",
    ),
}


def financing(
    invoices: Sequence[Body],
    *,
    lenders: Sequence[str] = tuple(LENDERS),
    request_id: str = REQUEST_ID,
    asked: str = ASKED,
) -> Body:
    """Body of `req-financing`: the supplier offers accepted invoices (subjects of `req-send`)."""
    request = {
        "initiatorB2BId": SUPPLIER.b2b_id,
        "financingRequestId": request_id,
        "financeId": [{"faId": FA_ID, "financierId": list(lenders)}],
        "b2bPAN": {"buyerPAN": BUYER.pan, "supplierPAN": SUPPLIER.pan},
        "costOfFundBearer": "SUPPLIER",
        "financingRequestAmount": Decimal(asked),
        "financingType": "FACTORING",
        "invoices": [_accepted(one) for one in invoices],
    }
    ids = {"buyerB2BId": BUYER.b2b_id, "supplierB2BId": SUPPLIER.b2b_id}
    return {
        "initiatorEntity": "SUPPLIER",
        "b2bIds": ids,
        "device": DEVICE,
        "financeRequest": request,
    }


def _accepted(invoice: Body) -> Body:
    return invoice | {"statusTransition": {"currentStatus": "ACCEPTED", "newStatus": "ACCEPTED"}}


def bid(*bid_ids: str, request_id: str = REQUEST_ID) -> Body:
    """Body of `share-bid` with some of the story's bids."""
    subject = {
        "faId": FA_ID,
        "financingRequestId": request_id,
        "financingRequestAmount": Decimal(ASKED),
        "bidDetails": [_detail(one) for one in bid_ids],
    }
    return {"initiatorEntity": "FINANCIER", "device": DEVICE, "bid": subject}


def _detail(bid_id: str) -> Body:
    lender, approved, rate = BIDS[bid_id]
    return {
        "bidId": bid_id,
        "financierId": lender,
        "approvedAmount": Decimal(approved),
        "bidValue": Decimal(rate),
        "invoiceFinDetails": [{"objectId": INVOICE_2, "approvedAmount": Decimal(approved)}],
    }


def bid_answer(decisions: Mapping[str, str], *, request_id: str = REQUEST_ID) -> Body:
    """Body of `respond-bid`: ACCEPT or REJECT by bidId."""
    subject = {
        "faId": FA_ID,
        "financingRequestId": request_id,
        "responses": [
            {"bidId": bid_id, "financierId": BIDS[bid_id][0], "response": response}
            for bid_id, response in decisions.items()
        ],
    }
    return {"initiatorEntity": "SUPPLIER", "device": DEVICE, "bidResponse": subject}
