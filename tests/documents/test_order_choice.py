"""A line of an invoice is billed on the order that it would be if all were looked at one by one."""

import gc
from decimal import Decimal
from time import process_time
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hundi.documents import order_draws
from hundi.documents.order_draws import Draw, OrderBook, Ordered, Taken, key_of, same_unit
from hundi.documents.shapes import LineItem
from hundi.exchange.views import DocumentView
from hundi.kernel.fields import Figure
from hundi.kernel.money import Money

KEYS, GOODS, PRICES, UNITS = ("1", "2"), ("7214", "7215"), ("10", "10.5"), ("KGS", "NOS")
LINES = st.tuples(
    st.sampled_from(KEYS), st.sampled_from(GOODS), st.sampled_from(PRICES),
    st.integers(0, 9), st.sampled_from(UNITS),
)  # fmt: skip
Line = tuple[str, str, str, int, str]


def item(line: Line) -> LineItem:
    key, goods, price, quantity, unit = line
    return LineItem(
        serialno=key, productDescription="Rod", quantity=Figure(quantity), unitPrice=Figure(price),
        totalItemValue=Figure(0), hsnCode=goods, unit=unit,
    )  # fmt: skip


class Bill:
    """As much of an invoice as is asked for."""

    def __init__(self, lines: list[Line]) -> None:
        self.itemLists = [item(line) for line in lines]


def book(place: int, lines: list[Line]) -> OrderBook:
    view = DocumentView(
        object_id=f"PO{place}", status="ACCEPTED", version=1, agreed_version=1, number=str(place)
    )
    items = {line[0]: item(line) for line in lines}
    return OrderBook(
        view, {key: Ordered(one, Decimal(one.quantity), Money(0)) for key, one in items.items()}
    )


def room(book: OrderBook, serialno: str) -> Decimal:
    """The later an order the more of it is invoiced, so that some have nothing left."""
    return order_draws.as_ordered(book, serialno) - int(book.view.number)


def one_by_one(bill: Any, books: list[OrderBook]) -> list[dict[str, list[int]]]:
    """Places that each order gets, every order being looked at for every line."""
    draws = [Draw(book, {}) for book in books]
    largest = sorted(enumerate(bill.itemLists), key=lambda line: -line[1].quantity)
    for place, line in largest:
        key = key_of(line)
        fitting = [draw for draw in draws if key in draw.book.lines]
        if fitting:
            min(fitting, key=lambda draw: _unlike(line, draw)).take(line, place)
    return [{key: sorted(taken.places) for key, taken in draw.taken.items()} for draw in draws]


def _unlike(line: LineItem, draw: Draw) -> tuple[bool, bool, bool, Decimal]:
    ordered = draw.book.lines[key_of(line)]
    free = room(draw.book, key_of(line)) - draw.taken.get(key_of(line), Taken()).quantity
    lacks = free < line.quantity
    return (
        line.hsnCode != ordered.item.hsnCode,
        line.unitPrice != ordered.item.unitPrice,
        lacks,
        -free if lacks else free,
    )


@given(orders=st.lists(st.lists(LINES, max_size=3), max_size=9), lines=st.lists(LINES, max_size=12))
def test_the_choice_is_that_of_looking_at_every_order(
    orders: list[list[Line]], lines: list[Line]
) -> None:
    books = [book(n, some) for n, some in enumerate(orders)]
    draws, strangers = order_draws.drawn(Bill(lines), books, room)  # type: ignore[arg-type]
    found = [{key: taken.places for key, taken in draw.taken.items()} for draw in draws]
    assert found == one_by_one(Bill(lines), books)
    assert strangers == [
        n for n, one in enumerate(lines) if not any(one[0] in b.lines for b in books)
    ]


def test_units_are_counted_apart() -> None:
    assert not same_unit(item(("1", "7214", "10", 1, "KGS")), item(("1", "7214", "10", 1, "NOS")))


def test_thousands_of_lines_on_thousands_of_orders_take_no_square_of_time() -> None:
    def cost(many: int) -> float:
        lines: list[Line] = [("1", "7214", "10", 3, "KGS")] * many
        books = [book(n, [("1", "7214", "10", 4, "KGS")]) for n in range(many)]
        started = process_time()
        draws, _ = order_draws.drawn(Bill(lines), books)  # type: ignore[arg-type]
        spent = process_time() - started
        assert [one.taken["1"].places for one in draws] == [[n] for n in range(many)]
        return spent

    # The best of three: a machine may become slower between the two of one.
    gc.disable()
    try:
        ratio = min(cost(4_000) / cost(1_000) for _ in range(3))
    finally:
        gc.enable()
    assert ratio < 9, "the square of four is sixteen"
