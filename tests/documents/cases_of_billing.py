"""Invoices against their orders: rows j, k and l, tolerances, prices, days."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from tests.documents.bodies import Amounts, Body, amounts, line, order_of, put
from tests.documents.cases import Case, Stored
from tests.documents.cases_of_invoices import AFTER_1, FIRST, ORDER, OVER_1, SECOND
from tests.documents.supplies import DRAWN_BY_1, ORDER_AT, at, bill, order, sent, small

VALUE, QUANTITY = "valueDetails.assessmentValue", "itemLists[0].quantity"
DETAILS = FIRST["invoice"]["poDetails"]


def _grown(quantity: str, total: str, discount: str, taxable: str, igst: str, value: str) -> Body:
    """Invoice 2 with another line 1; its totals follow."""
    rest = (Decimal("231607.41"), Decimal("11580.37"))
    whole = Decimal(taxable) + rest[0], Decimal(igst) + rest[1]
    exact = sum(whole)
    paid = exact.quantize(Decimal(1)).quantize(Decimal("0.01"))
    infos = amounts({"IGST": str(whole[1]), "ROUND_OFF": str(paid - exact)})
    return put(
        SECOND,
        itemLists__0__quantity=Decimal(quantity),
        itemLists__0__totalAmt=Decimal(total),
        itemLists__0__assessmentAmount=Decimal(taxable),
        itemLists__0__totalItemValue=Decimal(value),
        itemLists__0__itemValueDetails=amounts({"DISCOUNT": discount, "IGST": igst}),
        valueDetails={
            "assessmentValue": whole[0], "totalInvoiceValue": paid, "valueInfos": infos,
        },
    )  # fmt: skip


_J = _grown("1747.550", "521905.81", "6523.82", "515381.99", "25769.10", "541151.09")
_K = _grown("1747.551", "521906.11", "6523.83", "515382.28", "25769.11", "541151.39")

_ROWS = (
    sent("row-j-within-tolerance", "Row j: up to 105 % of 3200.000 kg.", _J,
         *OVER_1, *at(VALUE, "INV-OVER-VALUE-ODD"), held=AFTER_1),
    sent("row-k-beyond-tolerance", "Row k: a gram more.", _K,
         *at(QUANTITY, "INV-OVER-QUANTITY"), *at(VALUE, "INV-OVER-VALUE-ODD"), held=AFTER_1),
    sent(
        "row-l-order-closed-later", "Row l: dated before the order was closed.", SECOND,
        *OVER_1, *at("poDetails[0]", "INV-ORDER-CLOSED-ODD"),
        held={ORDER_AT: order("CLOSED", drawn=DRAWN_BY_1, closed="2025-12-10")},
    ),
    sent(
        "row-l-order-closed-on-the-day", "The closing day itself passes.", SECOND,
        *OVER_1, *at("poDetails[0]", "INV-ORDER-CLOSED-ODD"),
        held={ORDER_AT: order("CLOSED", drawn=DRAWN_BY_1, closed="2025-12-05")},
    ),
    sent(
        "row-l-order-closed-before", "Dated a day after the closing.", SECOND,
        *OVER_1, *at("poDetails[0]", "INV-ORDER-CLOSED"),
        held={ORDER_AT: order("CLOSED", drawn=DRAWN_BY_1, closed="2025-12-04")},
    ),
    sent("order-not-agreed", "Nobody has accepted it yet.", FIRST,
         *at("poDetails[0]", "INV-ORDER-NOT-AGREED"),
         held={ORDER_AT: order("SENT TO SUPPLIER", agreed=None)}),
    sent("order-under-amendment", "The last agreed version stays in force.", FIRST,
         held={ORDER_AT: order("SENT TO SUPPLIER", agreed=2)}),
    sent("order-cancelled", "There is nothing left to bill.", FIRST,
         *at("poDetails[0]", "INV-ORDER-ENDED"), held={ORDER_AT: order("CANCELLED", agreed=2)}),
    sent("order-rejected", "Nothing was agreed.", FIRST,
         *at("poDetails[0]", "INV-ORDER-ENDED"), held={ORDER_AT: order("REJECTED", agreed=None)}),
    sent("order-off-the-network", "Real, and the network sets no limits.", FIRST,
         *at("poDetails[0]", "INV-ORDER-UNKNOWN")),
    sent("order-with-another-number", "The id is that of ILT/PO/25-26/0417.",
         put(FIRST, poDetails__0__buyerPONumber="ILT/PO/25-26/0418"),
         *at("poDetails[0]", "INV-ORDER-NUMBER"), held=ORDER),
    sent("order-named-twice", "By id, and by number and date: one order.",
         put(FIRST, poDetails=[*DETAILS, DETAILS[0] | {"objectId": ""}]), held=ORDER),
    sent("order-of-another-year-with-the-same-number", "An order of the year before is not known.",
         put(FIRST, poDetails=[*DETAILS, DETAILS[0] | {"objectId": "", "orderDate": "2025-03-31"}]),
         *at("poDetails[1]", "INV-ORDER-UNKNOWN"), held=ORDER),
    sent("invoice-before-its-order", "2 November, and the order is of the 3rd.",
         put(FIRST, invoiceReferenceDetails__invoiceDate="2025-11-02"),
         *at("invoiceReferenceDetails.invoiceDate", "INV-BEFORE-ORDER"), held=ORDER),
)  # fmt: skip


def _ordered(
    lines: Sequence[Body],
    *,
    taxable: str,
    infos: Sequence[Body] = (),
    figures: Amounts | None = None,
    drawn: dict[str, int] | None = None,
) -> dict[str, Stored]:
    """An order of other lines, and what invoices have taken of it."""
    body = order_of(lines, taxable=taxable, total=taxable, figures=figures)
    return {ORDER_AT: order(body=put(body, poInfos=list(infos)), drawn=drawn)}


def _one(quantity: str, taxable: str, **more: Any) -> Body:
    return line(taxable=taxable, value=taxable, rate="0", quantity=quantity,
                price=more.pop("price", "10"), **more)  # fmt: skip


def _billed(quantity: str, taxable: str, **more: Any) -> Body:
    """An invoice of one untaxed line, on the story's order."""
    return bill([_one(quantity, taxable, **more)], taxable=taxable, total=taxable)


def _on_order(body: Body) -> Body:
    return put(body, poDetails=DETAILS)


def _limit(name: str, why: str, *codes: tuple[str, str], billed: Body, held: Any) -> Case:
    return sent(name, why, _on_order(billed), *codes, held=held)


def _percent(value: str) -> list[Body]:
    return [{"name": "overDeliveryPercent", "value": value}]


_HUNDRED = [_one("100", "1000.00")]
_COUNTED = [_one("100", "1000.00", unit="NOS")]
_FORTY = [_one("100", "1000.00", unit="NOS", serialno=str(n + 1)) for n in range(40)]
_IGST = {"IGST": "180.00"}


def _inside(total: str, igst: str, value: str, *, price: str = "118") -> Body:
    """Ten pieces at a price that may hold the tax; the taxable amount is not told."""
    return line(taxable=total, value=value, quantity="10", price=price, unit="NOS",
                figures={"IGST": igst}, assessmentAmount="")  # fmt: skip


_INSIDE = _inside("1180.00", "180.00", "1180.00") | {"assessmentAmount": Decimal("1000.00")}
_OVER, _OVER_ODD = at(QUANTITY, "INV-OVER-QUANTITY"), at(QUANTITY, "INV-OVER-QUANTITY-ODD")
_RICH, _RICH_ODD = at(VALUE, "INV-OVER-VALUE"), at(VALUE, "INV-OVER-VALUE-ODD")
_PRICE = at("itemLists[0].unitPrice", "INV-PRICE")

_TOLERANCES = (
    _limit("usual-tolerance-of-weights", "No word in the order: 5 % of what is weighed.",
           *_OVER_ODD, *_RICH_ODD, billed=_billed("105", "1050.00"),
           held=_ordered(_HUNDRED, taxable="1000.00")),
    _limit("beyond-the-usual-tolerance", "105.001 of 100.000 kg.",
           *_OVER, *_RICH_ODD, billed=_billed("105.001", "1050.01"),
           held=_ordered(_HUNDRED, taxable="1000.00")),
    _limit("counted-goods-have-none", "101 of 100 pieces.", *_OVER, *_RICH,
           billed=_billed("101", "1010.00", unit="NOS"),
           held=_ordered(_COUNTED, taxable="1000.00", infos=_percent("10"))),
    _limit("tolerance-of-ten-percent", "The order allows more.", *_OVER_ODD, *_RICH_ODD,
           billed=_billed("110", "1100.00"),
           held=_ordered(_HUNDRED, taxable="1000.00", infos=_percent("10 %"))),
    _limit("tolerance-of-nothing", "The order allows none.", *_OVER, *_RICH,
           billed=_billed("101", "1010.00"),
           held=_ordered(_HUNDRED, taxable="1000.00", infos=_percent("0"))),
    _limit("tolerance-that-is-no-number", "Then it is the usual one.", *_OVER_ODD, *_RICH_ODD,
           billed=_billed("105", "1050.00"),
           held=_ordered(_HUNDRED, taxable="1000.00", infos=_percent("some"))),
    _limit("free-goods-do-not-count", "100 billed, 10 free: 100 count.",
           billed=_billed("100", "1000.00", unit="NOS", freeQuantity=10),
           held=_ordered(_COUNTED, taxable="1000.00")),
    _limit("two-lines-on-one", "60 and 60 of 100 ordered.", *_OVER, *_RICH,
           billed=bill(
               [_one("60", "600.00", serialno=n, orderLineReference="1") for n in ("1", "2")],
               taxable="1200.00", total="1200.00"),
           held=_ordered(_HUNDRED, taxable="1000.00")),
    _limit("dearer-within-the-quantity", "The value is limited too.", *_RICH, *_PRICE,
           billed=_billed("100", "1100.00", price="11"),
           held=_ordered(_HUNDRED, taxable="1000.00")),
    _limit("price-printed-with-two-decimals", "1.23 stands for 1.234567; 500.00 is rounding.",
           billed=_billed("100000", "123000.00", price="1.23"),
           held=_ordered([_one("100000", "123456.70", price="1.234567")], taxable="123456.70")),
    _limit("price-of-a-whole-rupee", "1 is 1.00: 50 paise more a piece are another price.", *_PRICE,
           billed=_billed("100000", "150000.00", price="1"),
           held=_ordered([_one("200000", "200000.00", price="1")], taxable="200000.00")),
    _limit("price-with-tax-inside", "As ordered; the taxable amount of 1000.00 is left to be seen.",
           billed=bill([_INSIDE | {"assessmentAmount": ""}], taxable="1000.00", total="1180.00",
                       figures=_IGST),
           held=_ordered([_INSIDE], taxable="1000.00", figures=_IGST)),
    _limit("price-with-tax-inside-dearer", "1239.00 hold 189.00 of tax: 1050.00.",
           *_RICH, *_PRICE,
           billed=bill([_inside("1239.00", "189.00", "1239.00", price="123.9")], taxable="1050.00",
                       total="1239.00", figures={"IGST": "189.00"}),
           held=_ordered([_INSIDE], taxable="1000.00", figures=_IGST)),
    _limit("price-that-only-shows-less-tax", "1360.00 are asked, so 1180.00 are before tax.",
           *_RICH, *_PRICE,
           billed=bill([_inside("1180.00", "180.00", "1360.00")], taxable="1180.00",
                       total="1360.00", figures=_IGST),
           held=_ordered([_INSIDE], taxable="1000.00", figures=_IGST)),
    _limit("reverse-charge-holds-no-tax", "180.00 is 18 % of 1000.00, so none is inside.",
           billed=bill([_inside("1000.00", "180.00", "1000.00", price="100")], taxable="1000.00",
                       total="1000.00", figures=_IGST,
                       transactionDetails__reverseChargeTax="YES"),
           held=_ordered([_INSIDE], taxable="1000.00", figures=_IGST)),
    _limit("cheaper", "In the buyer's favour, and odd.", *_PRICE,
           billed=_billed("100", "900.00", price="9"), held=_ordered(_HUNDRED, taxable="1000.00")),
    _limit("a-paisa-of-rounding", "Rounding alone never passes a limit.",
           billed=_billed("50", "500.01"),
           held=_ordered(_HUNDRED, taxable="1000.00", drawn={
               "line:1 quantity": 50_000, "taxable": 50_000, "live invoices": 1})),
    _limit("many-lines-and-invoices-are-no-rounding", "2.41 over; 40 lines, 200 bills: 2.40.",
           *_RICH, billed=_billed("100", "1001.00", unit="NOS"),
           held=_ordered(_FORTY, taxable="40000.00", drawn={
               "taxable": 3_900_141, "live invoices": 199})),
    _limit("a-paisa-a-line-and-invoice", "2.40 over is what rounding can do.",
           billed=_billed("100", "1001.00", unit="NOS"),
           held=_ordered(_FORTY, taxable="40000.00", drawn={
               "taxable": 3_900_140, "live invoices": 199})),
)  # fmt: skip

_BLANKET = [line(taxable="1000.00", value="1000.00", rate="0", quantity="0", price="0",
                 total_amt="1000.00")]  # fmt: skip
_OPEN = [line(taxable="0.00", value="0.00", rate="0", quantity="0", price="10")]
_NO_AMOUNTS = {"totalAmt": "", "assessmentAmount": ""}
_UNPRICED = _one("100", "0.00", unit="NOS", price="0", **_NO_AMOUNTS)
_CALLED = _one("0", "0.00", **_NO_AMOUNTS)
_FREIGHT = {"OTHER_CHARGES": "50.00"}

_ODDITIES = (
    _limit("blanket-order", "No quantity is agreed: 700 are billed.",
           billed=_billed("700", "700.00", price="1"), held=_ordered(_BLANKET, taxable="1000.00")),
    _limit("blanket-order-used-up", "Its value limits it.", *_RICH,
           billed=_billed("700", "1200.00", price="1.714286"),
           held=_ordered(_BLANKET, taxable="1000.00")),
    _limit("rate-contract", "Neither quantity nor value: nothing limits it.",
           billed=_billed("700", "7000.00"), held=_ordered(_OPEN, taxable="0.00")),
    _limit("price-to-be-agreed", "The order tells no value; its quantity is the limit.",
           billed=_billed("100", "1000.00", unit="NOS"),
           held=_ordered([_UNPRICED], taxable="0.00")),
    _limit("price-to-be-agreed-and-more-billed", "100 are ordered, at whatever price.", *_OVER,
           billed=_billed("101", "1010.00", unit="NOS"),
           held=_ordered([_UNPRICED], taxable="0.00")),
    _limit("blanket-with-the-order-s-value-alone", "100000.00 is agreed for whatever is called.",
           *_RICH, billed=_billed("900000", "9000000.00"),
           held=_ordered([_CALLED], taxable="100000.00")),
    _limit("blanket-within-the-order-s-value", "All of it.", billed=_billed("10000", "100000.00"),
           held=_ordered([_CALLED], taxable="100000.00")),
    _limit("value-left-for-an-unpriced-line", "1000.00 for line 1, 500.00 for the other.", *_RICH,
           billed=_billed("51", "510.00", serialno="2", unit="NOS"),
           held=_ordered([*_COUNTED, _UNPRICED | {"serialno": "2"}], taxable="1500.00",
                         drawn={"taxable": 100_000, "live invoices": 1})),
    _limit("value-of-the-priced-line-alone", "Nothing is said of the other: it is not limited.",
           billed=_billed("51", "510.00", serialno="2", unit="NOS"),
           held=_ordered([*_COUNTED, _UNPRICED | {"serialno": "2"}], taxable="1000.00",
                         drawn={"taxable": 100_000, "live invoices": 1})),
    _limit("freight-is-no-value-of-a-line", "The order's 1050.00 hold its freight.",
           billed=_billed("51", "510.00", serialno="2", unit="NOS"),
           held=_ordered([*_COUNTED, _UNPRICED | {"serialno": "2"}], taxable="1050.00",
                         figures=_FREIGHT, drawn={"taxable": 100_000, "live invoices": 1})),
    _limit("line-not-ordered", "Told, and counted against nothing.",
           *at("itemLists[0].orderLineReference", "INV-NOT-ORDERED"),
           billed=_billed("1", "90000.00", price="90000", serialno="9"),
           held=_ordered(_HUNDRED, taxable="1000.00")),
    _limit("another-unit", "2 boxes are no 2 kg.", *at("itemLists[0].unit", "INV-UNIT"),
           billed=_billed("2", "1000.00", price="500", unit="BOX"),
           held=_ordered(_HUNDRED, taxable="1000.00")),
    _limit("unit-in-small-letters", "kgs is KGS.", billed=_billed("100", "1000.00", unit="kgs"),
           held=_ordered(_HUNDRED, taxable="1000.00")),
    _limit("freight-not-ordered", "Charged, and not agreed.",
           *at("valueDetails.valueInfos", "INV-FREIGHT"),
           billed=small(taxable="1000.00", value="1000.00", total="1050.00", rate="0",
                        quantity="100", price="10", of_document=_FREIGHT),
           held=_ordered(_HUNDRED, taxable="1000.00")),
    _limit("mrp-is-not-billed", "Printed on the bag, and in no sum.",
           billed=_billed("100", "1000.00", figures={"MRP": "1500.00"}),
           held=_ordered(_HUNDRED, taxable="1000.00")),
    _limit("mrp-told-and-freight-billed", "FREIGHT of 50.00 alone makes the total.",
           *at("valueDetails.valueInfos", "INV-FREIGHT"),
           billed=bill([_one("100", "1000.00", figures={"MRP": "1500.00"})],
                       taxable="1000.00", total="1050.00", figures={"FREIGHT": "50.00"}),
           held=_ordered(_HUNDRED, taxable="1000.00", figures={"FREIGHT": "49.00"})),
    _limit("mrp-told-and-freight-ordered", "50.00 as agreed; the MRP is no charge.",
           billed=bill([_one("100", "1000.00", figures={"MRP": "1500.00"})],
                       taxable="1000.00", total="1050.00", figures={"FREIGHT": "50.00"}),
           held=_ordered(_HUNDRED, taxable="1000.00", figures={"FREIGHT": "50.00"})),
    _limit("freight-ordered", "As the order has it.",
           billed=small(taxable="1000.00", value="1000.00", total="1050.00", rate="0",
                        quantity="100", price="10", of_document=_FREIGHT),
           held=_ordered(_HUNDRED, taxable="1000.00", figures=_FREIGHT)),
)  # fmt: skip

_OTHER_ID = "PUR" + "B" * 32
_BOTH = [*DETAILS, {"objectId": _OTHER_ID}]


def _two(hsn: str, price: str, taxable: str) -> tuple[Body, Body]:
    """An invoice of 10 and 100 on two orders of one line 1 each, and the second order."""
    unlike = _one("10", taxable, price=price, hsnCode=hsn)
    lines = [unlike | {"orderLineReference": "1"}, _one("100", "1000.00") | {"serialno": "2"}]
    lines[1]["orderLineReference"] = "1"
    total = str(Decimal("1000.00") + Decimal(taxable))
    second = put(order_of([unlike], taxable=taxable, total=taxable), buyerPONumber="ILT/PO/2")
    return put(bill(lines, taxable=total, total=total), poDetails=_BOTH), second


def _held(second: Body, **drawn: int) -> dict[str, Stored]:
    accounts = {"line:1 quantity": drawn.get("quantity", 0), "taxable": drawn.get("taxable", 0)}
    other = order(body=second, object_id=_OTHER_ID, drawn=accounts)
    return _ordered(_HUNDRED, taxable="1000.00") | {"invoice.poDetails[1]": other}


_BY_GOODS, _SECOND_BY_GOODS = _two("39234000", "10", "100.00")
_BY_PRICE, _SECOND_BY_PRICE = _two("52052410", "200", "2000.00")
_SEVERAL = (
    sent("two-orders-told-apart-by-goods", "Each has a line 1; the HSN tells which is billed.",
         _BY_GOODS, held=_held(_SECOND_BY_GOODS)),
    sent("two-orders-told-apart-by-price", "The same goods at two prices.", _BY_PRICE,
         held=_held(_SECOND_BY_PRICE)),
    sent("second-order-used-up", "Its line 1 is full; the first one's is not.", _BY_GOODS,
         *_OVER, *_RICH, held=_held(_SECOND_BY_GOODS, quantity=10_000, taxable=10_000)),
)  # fmt: skip

CASES = (*_ROWS, *_TOLERANCES, *_ODDITIES, *_SEVERAL)
