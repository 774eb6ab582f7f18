"""Financing messages to bend, and what the network knows when they come."""

import json
from copy import deepcopy
from decimal import Decimal
from functools import cache
from typing import Any

import yaml

from hundi.simulator import story, story_financing, story_money
from tests.documents.bodies import Body
from tests.documents.payments import TWO, bend, books, held
from tests.house.sources import ROOT

_NUMBERS = json.loads((ROOT / "tests/data/trade_story.json").read_text(encoding="utf-8"))


@cache
def _frame() -> Body:
    """The invoice of the contract's example: every member that an invoice must have."""
    contract = yaml.safe_load((ROOT / "contract/b2b-financing.yaml").read_text(encoding="utf-8"))
    example = contract["components"]["examples"]["RequestFinancingRequest"]["value"]
    [invoice] = json.loads(json.dumps(example["financeRequest"]["invoices"]), parse_float=Decimal)
    return dict(invoice)


def offered(**changes: object) -> Body:
    """Invoice 2 of the story as lenders are shown it: one line is enough for them here."""
    told = _NUMBERS["invoice2"]
    invoice = deepcopy(_frame()) | {
        "objectId": TWO,
        "supplierInvoiceNumber": story_money.NUMBERS[TWO],
        "ts": "2025-12-05T10:00:00+05:30",
        "supplierBankAccountDetails": story_money.OF_SUPPLIER,
        "valueDetails": {
            "assessmentValue": Decimal(told["assessmentValue"]),
            "totalInvoiceValue": Decimal(told["total"]),
            "valueInfos": [],
        },
    }
    for name, party in (("supplierDetails", story.SUPPLIER), ("buyerDetails", story.BUYER)):
        invoice[name] |= {"b2bId": party.b2b_id, "gstin": party.gstin, "legalName": party.name}
    return bend(invoice, **changes)


def request(**changes: object) -> Body:
    """The story's request: `financeRequest__financingRequestId="F"` changes a member."""
    return bend(story_financing.financing_request([offered()]), **changes)


def bid_a(**changes: object) -> Body:
    """Lender A's bid; `approvedAmount="1.00"` changes a member of the bid itself."""
    changed = {f"bid__bidDetails__0__{name}": value for name, value in changes.items()}
    return bend(story_financing.bid(story_financing.LENDER_A, TWO), **changed)


def bid_b() -> Body:
    return story_financing.bid(story_financing.LENDER_B, TWO)


SECOND: dict[str, Any] = held(TWO, "ACCEPTED", books(73750200))
"""Invoice 2 before its financing."""
ASKED_FOR = held(
    TWO, "ACCEPTED", books(73750200) | {"financed": [0, 0, 1, 0], "financings": [0, 0, 0, 1]}
)
ASSIGNED = held(TWO, "ACCEPTED", books(73750200, financed=1))
