"""An invoice on several orders: each line is billed where there is room for it."""

from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from hundi.simulator import story
from tests.documents.bodies import line, order_of, put
from tests.documents.supplies import bill
from tests.trade.desk import Body, Desk
from tests.trade.plain import SEND, answer, id_of
from tests.trade.reading import Reads

A, B = id_of("PUR", 1), id_of("PUR", 2)
OVER = [
    ("INV-OVER-QUANTITY", "invoice.itemLists[0].quantity"),
    ("INV-OVER-VALUE", "invoice.valueDetails.assessmentValue"),
]


def pieces(quantity: int, serialno: str) -> Body:
    """A line of so many pieces at 10.00; it refers to line 1 of an order."""
    worth = f"{quantity * 10}.00"
    return line(
        taxable=worth, value=worth, rate="0", quantity=str(quantity), price="10", unit="NOS",
        serialno=serialno, orderLineReference="1",
    )  # fmt: skip


def billed(digit: int, *quantities: int, on: tuple[str, ...] = (A, B)) -> Body:
    """Invoice A1, A2, ... with a line for each quantity."""
    lines = [pieces(much, str(place)) for place, much in enumerate(quantities, start=1)]
    worth = f"{sum(quantities) * 10}.00"
    body = bill(lines, taxable=worth, total=worth)
    names: dict[str, Any] = {"objectId": id_of("INV", digit), "supplierInvoiceNumber": f"A{digit}"}
    return put(body, poDetails=[{"objectId": one} for one in on], **names)


async def ordered(trade: Desk) -> None:
    """Orders A and B, of 100 pieces each."""
    for object_id in (A, B):
        body = order_of([pieces(100, "1")], taxable="1000.00", total="1000.00")
        names = {"objectId": object_id, "buyerPONumber": f"NO-{object_id[-1]}"}
        await trade.send("purchase-order/req-send", put(body, **names))
        agreed = story.confirmation("ACCEPT", version=1, target="ACCEPTED", remarks="Yes")
        agreed["poConfirmation"] |= names
        await trade.send("purchase-order/req-confirm", agreed)


async def invoiced(trade: Desk) -> tuple[int, int]:
    """Pieces that are invoiced on A and on B."""
    both = [await trade.books(one) for one in (A, B)]
    one, two = (int(Decimal(books.get("line:1 quantity", 0)).scaleb(-3)) for books in both)
    return one, two


@pytest.mark.parametrize("quantities", [(100, 60), (60, 100)])
async def test_what_others_have_billed_is_not_free(
    trade: Desk, quantities: tuple[int, int]
) -> None:
    await ordered(trade)
    await trade.send(SEND, billed(1, 40, on=(A,)))
    await trade.send(SEND, billed(2, *quantities))
    assert await invoiced(trade) == (100, 100)


async def test_beside_a_full_order_the_other_one_is_billed(trade: Desk) -> None:
    await ordered(trade)
    await trade.send(SEND, billed(1, 100, on=(A,)))
    await trade.send(SEND, billed(2, 100))
    assert await invoiced(trade) == (100, 100)
    assert await trade.refused(SEND, billed(3, 1)) == OVER


@pytest.mark.parametrize("quantities", sorted(set(permutations((30, 50, 50, 70))))[:4])
async def test_the_order_of_the_lines_says_nothing(
    trade: Desk, quantities: tuple[int, ...]
) -> None:
    await ordered(trade)
    await trade.send(SEND, billed(1, *quantities))
    assert await invoiced(trade) == (100, 100)


async def test_what_the_stored_version_has_drawn_is_free_for_its_edit(trade: Desk) -> None:
    await ordered(trade)
    await trade.send(SEND, billed(1, 40, on=(A,)))
    await trade.send(SEND, billed(2, 60, 100))
    returned = answer(2, "RETURN", "UNDER REVIEW")
    await trade.send("invoice/req-confirm-invoice", returned)
    edited = billed(2, 100, 60)
    edited["invoice"]["objectVersion"] = {"currentVersion": 1, "newVersion": 2}
    edited["invoice"]["statusTransition"]["currentStatus"] = "UNDER REVIEW"
    await trade.send("invoice/req-edit-invoice", edited)
    assert await invoiced(trade) == (100, 100)


async def test_the_three_way_view_shows_what_was_booked(reads: Reads) -> None:
    """By what was ordered alone each of these lines would be A's, and B would have nothing."""
    trade = reads.trade
    await ordered(trade)
    await trade.send(SEND, billed(1, 90, on=(A,)))
    await trade.send(SEND, billed(2, 60))
    await trade.send(SEND, billed(3, 10, 40))
    assert await invoiced(trade) == (100, 100)
    for object_id in (A, B):
        [line] = (await reads.page("purchase-order", object_id))["threeWay"]["lines"]
        assert line["invoiced"] == "100.000"
