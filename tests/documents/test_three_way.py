"""The three-way view where the story does not go: several orders, edits, notes, and many lines."""

import gc
from decimal import Decimal
from time import process_time

from hundi.documents.invoice_bodies import InvoiceBody
from hundi.documents.note_bodies import Note, NoteBody
from hundi.documents.order_bodies import OrderBody
from hundi.documents.order_draws import OrderBook, book_of
from hundi.documents.three_way import Billed, ThreeWay, three_way
from hundi.exchange.views import DocumentView
from hundi.kernel.reading import read
from hundi.ledger.model import Balance
from hundi.simulator import story
from tests.trade import bills

OTHER = "PUR" + "B" * 32
BOOKS = {"due": Balance(debit=100_00, credit=40_00), "cash": Balance(debit=30_00),
         "split:TDS": Balance(debit=10_00), "split:ROUND OFF": Balance(debit=0, debit_pending=5)}  # fmt: skip


def order(object_id: str = story.OBJECT_ID, *, lines: int = 0, **changes: object) -> OrderBook:
    """The story's order, or one of many lines."""
    body = story.order(2, current_version=1, current_status="UNDER REVIEW")
    subject = body["purchaseOrder"]
    subject |= {"objectId": object_id, "buyerPONumber": f"NO/{object_id[-4:]}", **changes}
    if lines:
        subject["itemLists"] = many(subject["itemLists"][0], lines)
    view = DocumentView(
        object_id=object_id, status="ACCEPTED", version=2, agreed_version=2,
        number=subject["buyerPONumber"], body=read(story.dumps(body), OrderBody),
    )  # fmt: skip
    return book_of(view)


def many(line: dict, count: int) -> list[dict]:
    numbers = (str(place) for place in range(1, count + 1))
    return [line | {"serialno": number, "orderLineReference": number} for number in numbers]


def billed(*orders: str, number: int = 1, lines: int = 0, **changes: object) -> Billed:
    """An invoice of the story that names some orders."""
    named = {"poDetails": [{"objectId": one} for one in orders]}
    body = bills.invoice(number, **(named | changes))
    if lines:
        body["invoice"]["itemLists"] = many(body["invoice"]["itemLists"][0], lines)
    return Billed(invoice=read(story.dumps(body), InvoiceBody).invoice, accounts=BOOKS)


def noted(**changes: object) -> Note:
    return read(story.dumps(bills.note(**changes)), NoteBody).cdNote


def told(view: ThreeWay, serialno: str) -> tuple[str, str, str]:
    line = view.lines[serialno]
    return f"{line.invoiced:f}", f"{line.credited:f}", f"{line.net:f}"


def test_an_invoice_of_two_orders_counts_each_line_once() -> None:
    first, second = order(lines=1), order(OTHER)
    invoice = billed(story.OBJECT_ID, OTHER)
    here = three_way(second, [first], invoices=[invoice], notes=[])
    assert told(here, "3") == ("2400.000", "0", "2400.000")
    both = [three_way(one, [two], invoices=[invoice], notes=[])
            for one, two in ((first, second), (second, first))]  # fmt: skip
    taxable = sum(view.totals.taxable_invoiced.paise for view in both)
    assert taxable + both[0].totals.not_ordered.paise == 681_601_21


def test_an_invoice_that_names_the_order_no_more_is_not_in_its_view() -> None:
    view = three_way(order(), [order(OTHER)], invoices=[billed(OTHER)], notes=[])
    assert told(view, "1") == ("0", "0", "0")
    assert (view.totals.invoiced.text(), view.totals.settled.text()) == ("0.00", "0.00")


def test_an_invoice_may_name_the_order_by_its_number() -> None:
    book = order()
    invoice = billed(poDetails=[{"buyerPONumber": book.view.number.lower()}])
    assert told(three_way(book, [], invoices=[invoice], notes=[]), "2")[0] == "900.000"


def test_a_number_is_one_in_its_financial_year() -> None:
    """By its date an invoice of the last order of a year is not one of the first of the next."""
    last, first = (
        order(one, buyerPONumber="PO-1", orderDate=day)
        for one, day in ((story.OBJECT_ID, "2025-03-31"), (OTHER, "2025-04-01"))
    )
    invoice = billed(poDetails=[{"buyerPONumber": "PO-1", "orderDate": "2025-03-31"}])
    views = [three_way(one, [two], invoices=[invoice], notes=[])
             for one, two in ((last, first), (first, last))]  # fmt: skip
    assert [told(view, "2")[0] for view in views] == ["900.000", "0"]


def test_lines_that_no_order_has_are_told_apart() -> None:
    view = three_way(order(lines=2), [], invoices=[billed(story.OBJECT_ID)], notes=[])
    assert view.totals.not_ordered.text() == "10200.00", "line 3 of the invoice"


def test_a_credit_note_that_names_no_order_goes_by_its_invoice() -> None:
    view = three_way(order(), [], invoices=[billed(story.OBJECT_ID)], notes=[noted(poDetails=[])])
    assert told(view, "1") == ("1612.450", "12.150", "1600.300")


def test_a_credit_note_that_names_no_order_is_credited_once() -> None:
    """Two orders have a line 1; the goods tell which of them is given back."""
    other = many(story.order(2)["purchaseOrder"]["itemLists"][0], 1)
    other[0] |= {"hsnCode": "39234000", "unitPrice": Decimal(20)}
    first, second = order(), order(OTHER, itemLists=other)
    lines = [*bills.invoice()["invoice"]["itemLists"], *other]
    invoice = billed(story.OBJECT_ID, OTHER, itemLists=lines)
    note = noted(poDetails=[], itemLists=[other[0] | {"quantity": Decimal(10)}])
    views = [three_way(one, [two], invoices=[invoice], notes=[note])
             for one, two in ((first, second), (second, first))]  # fmt: skip
    assert [told(view, "1")[1] for view in views] == ["0", "10"]


def test_credit_notes_give_back_where_something_is_left() -> None:
    """Two orders of the same goods: the second note finds the first order given back already."""
    first, second = order(lines=1), order(OTHER, lines=1)
    [line] = many(bills.invoice()["invoice"]["itemLists"][0], 1)
    lines = [
        line | {"quantity": Decimal(3200)},
        line | {"serialno": "2", "quantity": Decimal(3200)},
    ]
    invoice = billed(story.OBJECT_ID, OTHER, itemLists=lines)
    notes = [noted(poDetails=[], itemLists=lines[:1])] * 2
    views = [three_way(one, [two], invoices=[invoice], notes=notes)
             for one, two in ((first, second), (second, first))]  # fmt: skip
    assert [told(view, "1") for view in views] == [("3200", "3200", "0")] * 2


def test_a_debit_note_gives_nothing_back() -> None:
    view = three_way(
        order(), [], invoices=[billed(story.OBJECT_ID)], notes=[noted(noteType="DEBIT")]
    )
    assert told(view, "1") == ("1612.450", "0", "1612.450")


def test_what_is_settled_is_posted_money_and_deductions() -> None:
    view = three_way(order(), [], invoices=[billed(story.OBJECT_ID)], notes=[])
    assert (view.totals.settled.text(), view.totals.due.text()) == ("40.00", "60.00")


def test_the_cost_of_a_line_stays_flat() -> None:
    """A thousand lines cost no more each than fifty: nothing is looked for by walking."""

    def cost(lines: int) -> float:
        book, invoice = order(lines=lines), billed(story.OBJECT_ID, lines=lines)
        begun = process_time()
        for _ in range(4000 // lines):
            view = three_way(book, [], invoices=[invoice] * 3, notes=[])
        assert view.lines["7"].invoiced == Decimal("4837.350")
        return process_time() - begun

    # The least of several: the collector and the neighbours only ever add.
    gc.disable()
    try:
        few, many = (min(cost(lines) for _ in range(5)) for lines in (50, 1000))
    finally:
        gc.enable()
    assert many < 3 * few
