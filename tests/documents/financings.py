"""Financing messages to bend, and what the network knows when they come."""

from typing import Any

from hundi.simulator import story_financing, story_supplies
from tests.documents.bodies import Body
from tests.documents.payments import TWO, bend, books, held


def offered(**changes: object) -> Body:
    """Invoice 2 of the story as lenders are shown it: as it was sent, but ACCEPTED by now."""
    invoice = story_supplies.invoice(2)["invoice"]
    accepted = {"currentStatus": "ACCEPTED", "newStatus": "ACCEPTED"}
    return bend(invoice | {"statusTransition": accepted}, **changes)


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
