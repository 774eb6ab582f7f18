"""The story's own messages, and rows h, i, x, y, z of its "accept, warn, refuse"."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from hundi.exchange.views import DocumentView
from hundi.simulator import story
from tests.documents.bodies import Body, put
from tests.documents.cases import LIVE, Case, balances, of

SENT, REVIEW, ACCEPTED = "SENT TO SUPPLIER", "UNDER REVIEW", "ACCEPTED"


def stored(
    status: str,
    version: int,
    *,
    agreed: int | None = None,
    number: str = story.NUMBER,
    drawn: Mapping[str, int] | None = None,
) -> DocumentView:
    return DocumentView(
        status=status,
        version=version,
        agreed_version=agreed,
        number=number,
        balances=balances(drawn or {}),
    )


IN_FORCE = stored(ACCEPTED, 2, agreed=2, drawn=LIVE)
_IN_FORCE: dict[str, Any] = {"document": IN_FORCE, "stored": story.order(2)}


def _open(place: int) -> dict[str, Any]:
    """The order in force with one line of an open quantity."""
    quantity = {f"itemLists__{place}__quantity": Decimal(0)}
    return _IN_FORCE | {"stored": put(story.order(2), **quantity)}


def _taxes_extra() -> Body:
    order = story.order(2, current_version=1, current_status=REVIEW)
    subject = order["purchaseOrder"]
    for line in subject["itemLists"]:
        line["itemValueDetails"] = [d for d in line["itemValueDetails"] if d["type"] == "DISCOUNT"]
        line["totalItemValue"] = line["assessmentAmount"]
    totals = {
        "assessmentValue": Decimal("1389184.00"),
        "totalPOValue": Decimal("1389184.00"),
        "valueInfos": [],
    }
    return put(order, poValueDetails=totals, paymentMilestones=[])


def _edit(number: str = story.NUMBER) -> Body:
    return story.order(2, current_version=1, current_status=REVIEW, number=number)


def _amendment() -> Body:
    return story.order(3, current_version=2, current_status=ACCEPTED)


def _lowered() -> Body:
    """Line 1 at 3100.000, all its sums right, so that only the lowering can be refused."""
    return put(
        _amendment(),
        itemLists__0__quantity=Decimal("3100.000"),
        itemLists__0__totalAmt=Decimal("925815.00"),
        itemLists__0__itemValueDetails__0__value=Decimal("11572.69"),
        itemLists__0__itemValueDetails__1__value=Decimal("45712.12"),
        itemLists__0__assessmentAmount=Decimal("914242.31"),
        itemLists__0__totalItemValue=Decimal("959954.43"),
        poValueDetails__assessmentValue=Decimal("1351912.22"),
        poValueDetails__totalPOValue=Decimal("1420834.00"),
        poValueDetails__valueInfos__0__value=Decimal("68921.62"),
        poValueDetails__valueInfos__1__value=Decimal("0.16"),
    )


def _line_left_out() -> Body:
    """Only lines 1 and 2 of version 3, all sums right."""
    order = _amendment()
    return put(
        order,
        itemLists=order["purchaseOrder"]["itemLists"][:2],
        poValueDetails__assessmentValue=Decimal("1371203.91"),
        poValueDetails__totalPOValue=Decimal("1439764.00"),
        poValueDetails__valueInfos__0__value=Decimal("68560.20"),
        poValueDetails__valueInfos__1__value=Decimal("-0.11"),
    )


def _line_split() -> Body:
    """Version 3 with line 1 in two halves: each half of its figures, all sums as before."""
    order = _amendment()
    half = put(
        order,
        itemLists__0__quantity=Decimal("1600.000"),
        itemLists__0__totalAmt=Decimal("477840.00"),
        itemLists__0__itemValueDetails__0__value=Decimal("5973.00"),
        itemLists__0__itemValueDetails__1__value=Decimal("23593.35"),
        itemLists__0__assessmentAmount=Decimal("471867.00"),
        itemLists__0__totalItemValue=Decimal("495460.35"),
    )["purchaseOrder"]["itemLists"]
    return put(order, itemLists=[half[0], *half])


def _answer(response: str, target: str, number: str = story.NUMBER) -> Body:
    return story.confirmation(response, version=2, target=target, remarks="Seen", number=number)


def _change(action: str, source: str, target: str, number: str = story.NUMBER) -> Body:
    return story.status_change(
        action, version=2, source=source, target=target, remarks="Plan changed", number=number
    )


_ORDERS = (
    Case(name="story-order-v1", why="The story's first version.", body=story.order(1)),
    Case(
        name="story-order-v2", why="The second version, after the supplier returned the first.",
        message="req-edit", body=_edit(), document=stored(REVIEW, 1),
    ),
    Case(
        name="story-order-v3-branch", message="req-edit", body=_amendment(), **_IN_FORCE,
        why="Row x: an amendment; line 1 stands over the order and is not lowered.",
    ),
    Case(
        name="row-h-taxes-extra", message="req-edit", document=stored(REVIEW, 1),
        why="Row h: no tax amounts at all, the rates kept.", body=_taxes_extra(),
    ),
    Case(
        name="row-i-delivery-before-order", message="req-edit", document=stored(REVIEW, 1),
        why="Row i: delivery is due before the order's date.",
        body=put(_edit(), deliveryDate="2025-11-02"),
        findings=of("deliveryDate", "PO-DELIVERY-DATE"),
    ),
    Case(
        name="delivery-on-the-day-of-order", why="Delivered over the counter.",
        body=put(story.order(1), deliveryDate="2025-11-03"),
    ),
    Case(
        name="row-y-below-invoiced", message="req-edit", body=_lowered(), **_IN_FORCE,
        why="Row y: 3100.000 asked when 3208.750 are invoiced.",
        findings=of("itemLists[0].quantity", "PO-BELOW-INVOICED"),
    ),
    Case(
        name="row-y-line-left-out", message="req-edit", body=_line_left_out(), **_IN_FORCE,
        why="To leave a line out is to lower it to nothing.",
        findings=of("itemLists", "PO-BELOW-INVOICED"),
    ),
    Case(
        name="blanket-line-counted-below-invoiced", message="req-edit", body=_lowered(),
        **_open(0), why="An open quantity of which 3208.750 are invoiced becomes 3100.000.",
        findings=of("itemLists[0].quantity", "PO-BELOW-INVOICED"),
    ),
    Case(
        name="blanket-line-left-out", message="req-edit", body=_line_left_out(), **_open(2),
        why="Of an open quantity 2400.000 are invoiced, and nothing is to be left of it.",
        findings=of("itemLists", "PO-BELOW-INVOICED"),
    ),
    Case(
        name="blanket-line-stays-open", message="req-edit", **_open(0),
        body=put(_amendment(), itemLists__0__quantity=Decimal(0)),
        why="An open quantity that stays open is not lowered.",
    ),
    Case(
        name="amendment-into-another-year", message="req-edit", **_IN_FORCE,
        why="While it is asked, the order agreed on is found by its number and year.",
        body=put(_amendment(), orderDate="2026-04-01", deliveryDate="2026-05-01"),
        findings=of("orderDate", "PO-YEAR-CHANGED"),
    ),
    Case(
        name="line-split-in-two", message="req-edit", body=_line_split(), **_IN_FORCE,
        why="Lines of one serialno count together: 3200.000 in two parts is not lowered.",
        findings=of("itemLists[0].serialno", "PO-LINE-TWICE")
        + of("itemLists[1].serialno", "PO-LINE-TWICE"),
    ),
    Case(
        name="edit-with-another-number", message="req-edit", document=stored(REVIEW, 1),
        why="A new number is a new order.", body=_edit("ILT/PO/25-26/0418"),
        findings=of("buyerPONumber", "PO-NUMBER-CHANGED"),
    ),
)  # fmt: skip

_ANSWERS = (
    Case(
        name="confirm-accept", why="The supplier agrees.", message="req-confirm",
        body=_answer("ACCEPT", ACCEPTED), document=stored(SENT, 2), target=ACCEPTED,
    ),
    Case(
        name="confirm-reject", why="The supplier will not.", message="req-confirm",
        body=_answer("REJECT", "REJECTED"), document=stored(SENT, 2), target="REJECTED",
    ),
    Case(
        name="confirm-reject-of-an-amendment", message="req-confirm",
        why="What was agreed before stays agreed.", body=_answer("REJECT", ACCEPTED),
        document=stored(SENT, 2, agreed=1), target=ACCEPTED,
    ),
    Case(
        name="confirm-return", why="The supplier wants changes.", message="req-confirm",
        body=_answer("RETURN", REVIEW), document=stored(SENT, 2), target=REVIEW,
    ),
    Case(
        name="confirm-with-another-number", why="Two orders were mixed up.", message="req-confirm",
        body=_answer("ACCEPT", ACCEPTED, "ILT/PO/25-26/0418"), document=stored(SENT, 2),
        target=ACCEPTED, findings=(("PO-NUMBER-MISMATCH", "poConfirmation.buyerPONumber"),),
    ),
    Case(
        name="status-cancel", why="Nothing was delivered.", message="req-status-change",
        body=_change("CANCEL", ACCEPTED, "CANCELLED"),
        document=stored(ACCEPTED, 2, agreed=2), target="CANCELLED",
    ),
    Case(
        name="status-close", why="Short closed.", message="req-status-change",
        body=_change("CLOSE", ACCEPTED, "CLOSED"), document=IN_FORCE, target="CLOSED",
    ),
    Case(
        name="status-change-with-another-number", why="Two orders were mixed up.",
        message="req-status-change", document=IN_FORCE, target="CLOSED",
        body=_change("CLOSE", ACCEPTED, "CLOSED", "ILT/PO/25-26/0418"),
        findings=(("PO-NUMBER-MISMATCH", "poStatus.buyerPONumber"),),
    ),
    Case(
        name="row-z-cancel-with-live-invoice", message="req-status-change", document=IN_FORCE,
        why="Row z: an invoice lives on the order: it can be closed, not cancelled.",
        body=_change("CANCEL", ACCEPTED, "CANCELLED"), target=None,
    ),
    Case(
        name="row-z-cancel-of-a-pending-amendment", message="req-status-change",
        why="The same while an amendment waits for its answer.",
        body=_change("CANCEL", SENT, "CANCELLED"), target=None,
        document=stored(SENT, 3, agreed=2, drawn=LIVE),
    ),
)  # fmt: skip

CASES = (*_ORDERS, *_ANSWERS)
