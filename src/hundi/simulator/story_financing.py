"""Financing in the trade story: the supplier asks two lenders for bids on invoice 2 and takes one.

The invoice travels whole inside the request, so it is handed in by who builds it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from hundi.simulator.story import BUYER, DEVICE, SUPPLIER, Body, Business

PLATFORM = "FA-PRETEND"
REQUEST_ID = "FINREQ-2526-0031"
ASKED = "736813.00"


@dataclass(frozen=True, slots=True)
class Lender:
    """A lender of the story, his place on the financing platform and his bid."""

    business: Business
    financier_id: str
    bid_id: str
    approved: str
    percent: str


LENDER_A = Lender(
    Business(
        "Fictional Factors Limited",
        "ZZZCF0701L",
        "27ZZZCF0701L1Z5",
        "27",
        "Mumbai",
        "MAHARASHTRA",
        "400001",
    ),
    "LENDER-A",
    "BID-A1",
    "736813.00",
    "8.95",
)
LENDER_B = Lender(
    Business(
        "Pretend Finance Limited",
        "ZZZCP0702M",
        "29ZZZCP0702M1ZO",
        "29",
        "Bengaluru",
        "KARNATAKA",
        "560001",
    ),
    "LENDER-B",
    "BID-B1",
    "663131.70",
    "8.60",
)
LENDERS = (LENDER_A, LENDER_B)


def financing_request(invoices: Sequence[Body], *, request_id: str = REQUEST_ID) -> Body:
    """Body of `req-financing`: the supplier asks both lenders, the cost of funds is his."""
    return {
        "initiatorEntity": "SUPPLIER",
        "b2bIds": _ids(),
        "device": DEVICE,
        "financeRequest": {
            "initiatorB2BId": SUPPLIER.b2b_id,
            "financingRequestId": request_id,
            "financeId": [{"faId": PLATFORM, "financierId": [one.financier_id for one in LENDERS]}],
            "b2bPAN": {"buyerPAN": BUYER.pan, "supplierPAN": SUPPLIER.pan},
            "costOfFundBearer": "SUPPLIER",
            "financingRequestAmount": Decimal(ASKED),
            "financingType": "FACTORING",
            "invoices": list(invoices),
        },
    }


def bid(lender: Lender, invoice: str, *, request_id: str = REQUEST_ID) -> Body:
    """Body of `share-bid`: what a lender approves on one invoice, at his rate."""
    approved = Decimal(lender.approved)
    part = {
        "objectId": invoice,
        "approvedAmount": approved,
        "financingRequestAmount": Decimal(ASKED),
    }
    detail = {
        "bidId": lender.bid_id,
        "financierId": lender.financier_id,
        "approvedAmount": approved,
        "bidValue": Decimal(lender.percent),
        "invoiceFinDetails": [part],
        "financeTermDoc": "",
    }
    return {
        "initiatorEntity": "FINANCIER",
        "device": DEVICE,
        "bid": {
            "faId": PLATFORM,
            "financingRequestId": request_id,
            "financingRequestAmount": Decimal(ASKED),
            "bidDetails": [detail],
        },
    }


def bid_response(
    decisions: Sequence[tuple[Lender, str]] = ((LENDER_A, "ACCEPT"), (LENDER_B, "REJECT")),
    *,
    request_id: str = REQUEST_ID,
) -> Body:
    """Body of `respond-bid`: the story takes BID-A1 and refuses BID-B1."""
    return {
        "initiatorEntity": "SUPPLIER",
        "b2bIds": _ids(),
        "device": DEVICE,
        "bidResponse": {
            "faId": PLATFORM,
            "financingRequestId": request_id,
            "responses": [_decision(lender, response) for lender, response in decisions],
        },
    }


def _decision(lender: Lender, response: str) -> Body:
    decision: Body = {
        "bidId": lender.bid_id,
        "financierId": lender.financier_id,
        "response": response,
        "remarks": "Taken" if response == "ACCEPT" else "Another bid was taken",
    }
    taken = {"acceptedAmount": Decimal(lender.approved)} if response == "ACCEPT" else {}
    return decision | taken


def _ids() -> Body:
    return {"buyerB2BId": BUYER.b2b_id, "supplierB2BId": SUPPLIER.b2b_id}
