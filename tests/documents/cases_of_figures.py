"""Tolerances at their edges, round-offs, unknown amounts, prices, milestones."""

from decimal import Decimal

from hundi.simulator import story
from tests.documents.bodies import Body, line, many, order_of, put, small
from tests.documents.cases import Case, of

ITEM = "itemLists[0]"
TOTALS = "poValueDetails"
ONE = {"taxable": "1000.00", "value": "1180.00", "figures": {"IGST": "180.00"}}


def _edges(name: str, *, member: str, at: str, code: str, paise: tuple[int, ...]) -> list[Case]:
    """The story's order with one figure moved: just silent, just odd, just tolerated, beyond."""
    silent, odd, tolerated, beyond = paise
    verdicts = ((silent, ()), (odd, (f"{code}-ODD",)), (tolerated, (f"{code}-ODD",)),
                (-tolerated, (f"{code}-ODD",)), (beyond, (code,)), (-beyond, (code,)))  # fmt: skip
    return [
        Case(
            name=f"{name}-{'plus' if off > 0 else 'minus'}-{abs(off):03d}",
            why=f"The figure is {abs(off) / 100:.2f} {'more' if off > 0 else 'less'} than right.",
            body=_moved(member, off), findings=of(at, *codes),
        )
        for off, codes in verdicts
    ]  # fmt: skip


def _moved(member: str, off: int) -> Body:
    order = story.order(1)
    figure = order["purchaseOrder"]
    for step in member.split("__"):
        figure = figure[int(step) if step.isdigit() else step]
    return put(order, **{member: figure + Decimal(off).scaleb(-2)})


_EDGES = (
    *_edges(
        "total", member="poValueDetails__totalPOValue", at=f"{TOTALS}.totalPOValue",
        code="SUM-TOTAL", paise=(3, 4, 100, 101),
    ),
    *_edges(
        "taxable-total", member="poValueDetails__assessmentValue", at=f"{TOTALS}.assessmentValue",
        code="SUM-TAXABLE-TOTAL", paise=(3, 4, 100, 101),
    ),
    *_edges(
        "tax-total", member="poValueDetails__valueInfos__0__value", at=f"{TOTALS}.valueInfos",
        code="SUM-TAX-TOTAL", paise=(3, 4, 100, 101),
    ),
    *_edges(
        "line-value", member="itemLists__0__totalItemValue", at=f"{ITEM}.totalItemValue",
        code="SUM-LINE-VALUE", paise=(1, 2, 100, 101),
    ),
    *_edges(
        "taxable", member="itemLists__0__totalAmt", at=f"{ITEM}.assessmentAmount",
        code="SUM-TAXABLE", paise=(1, 2, 100, 101),
    ),
)  # fmt: skip


def _hundred_and_one(name: str, member: str, value: str, *codes: str) -> Case:
    at = "assessmentValue" if member == "assessmentValue" else "valueInfos"
    return Case(
        name=f"101-lines-{name}", why="A paisa a line passes in every sum of a document.",
        body=put(many(101, total="11918.00"), **{f"{TOTALS}__{member}": Decimal(value)}),
        findings=of(f"{TOTALS}.{at}", *codes),
    )  # fmt: skip


_MANY_LINES = (
    _hundred_and_one("taxable-plus-101", "assessmentValue", "10101.01"),
    _hundred_and_one("taxable-plus-102", "assessmentValue", "10101.02", "SUM-TAXABLE-TOTAL"),
    _hundred_and_one("tax-plus-101", "valueInfos__0__value", "1819.01"),
    _hundred_and_one("tax-plus-102", "valueInfos__0__value", "1819.02", "SUM-TAX-TOTAL"),
    Case(name="100-lines-plus-100", why="Both bounds meet at 1.00.", body=many(100, total="11801.00")),
    Case(
        name="100-lines-plus-101", why="1.01 over 100 lines is too much.",
        body=many(100, total="11801.01"), findings=of(f"{TOTALS}.totalPOValue", "SUM-TOTAL"),
    ),
    Case(
        name="101-lines-plus-101", why="A paisa a line passes where the lines are many.",
        body=many(101, total="11919.01"),
    ),
    Case(
        name="101-lines-plus-102", why="And no more than that.",
        body=many(101, total="11919.02"), findings=of(f"{TOTALS}.totalPOValue", "SUM-TOTAL"),
    ),
)  # fmt: skip


def _rounded(name: str, value: str, total: str, *codes: str) -> Case:
    return Case(
        name=f"round-off-{name}", why=f"ROUND_OFF of {value}; at most 99.99 either way.",
        body=small(**ONE, total=total, of_document={"ROUND_OFF": value}),
        findings=of(f"{TOTALS}.valueInfos", *codes),
    )  # fmt: skip


_ROUNDED = (
    _rounded("plus-9999", "99.99", "1279.99"),
    _rounded("minus-9999", "-99.99", "1080.01"),
    _rounded("plus-10000", "100.00", "1280.00", "SUM-ROUND-OFF"),
    _rounded("minus-10000", "-100.00", "1080.00", "SUM-ROUND-OFF"),
    Case(
        name="round-off-not-told",
        why="Rounded to the rupee without saying so.",
        body=put(story.order(1), poValueDetails__valueInfos=[]),
        findings=of(f"{TOTALS}.totalPOValue", "SUM-TOTAL-ODD"),
    ),
)


def _unknown(name: str, total: str, *codes: str) -> Case:
    figures = {"INSURANCE": "25.00", "PACKING": "40.00"}
    return Case(
        name=f"unknown-amounts-{name}", body=small(**ONE, total=total, of_document=figures),
        why="INSURANCE 25.00 and PACKING 40.00: each may belong to the sum or not.",
        findings=of(f"{TOTALS}.totalPOValue", *codes),
    )  # fmt: skip


def _discounts(
    name: str, why: str, *discounts: str, total: str, codes: tuple[str, ...] = ()
) -> Case:
    """A line of 1000.00 less 100.00, and discounts of the document."""
    figures = {"DISCOUNT": "100.00", "IGST": "162.00"}
    one = small(taxable="900.00", value="1062.00", total=total, quantity="10", price="100.00",
                total_amt="1000.00", figures=figures)  # fmt: skip
    told = [("IGST", "162.00"), *(("DISCOUNT", amount) for amount in discounts)]
    infos = [{"type": label, "value": Decimal(amount)} for label, amount in told]
    return Case(
        name=f"discounts-{name}", why=why, body=put(one, poValueDetails__valueInfos=infos),
        findings=of(f"{TOTALS}.totalPOValue", *codes),
    )  # fmt: skip


_UNKNOWN = (
    Case(
        name="charges-outside-the-total", why="A charge that the network knows is in the sum.",
        body=small(**ONE, of_document={"OTHER_CHARGES": "5.00"}),
        findings=of(f"{TOTALS}.totalPOValue", "SUM-TOTAL"),
    ),
    Case(
        name="round-off-told-and-not-made", why="-0.40 is told, the total is not rounded.",
        body=small(**ONE, of_document={"ROUND_OFF": "-0.40"}),
        findings=of(f"{TOTALS}.totalPOValue", "SUM-TOTAL-ODD"),
    ),
    _unknown("all", "1245.00"),
    _unknown("one", "1220.00"),
    _unknown("none", "1180.00"),
    _unknown("beyond", "1246.01", "SUM-TOTAL"),
    Case(
        name="unknown-amounts-eight", why="Beyond six the others go all or none.",
        body=small(**ONE, total="1188.00", of_document={f"FEE {n}": "1.00" for n in range(8)}),
    ),
    _discounts("one-repeated-one-after-tax", "The line's 100.00 again, and 50.00 after tax.",
               "100.00", "50.00", total="1012.00"),
    _discounts("both-after-tax", "Each may be given after tax.", "20.00", "50.00",
               total="992.00"),
    _discounts("neither-makes-the-total", "No choice of 100.00 and 50.00 makes 1000.00.",
               "100.00", "50.00", total="1000.00", codes=("SUM-TOTAL",)),
    _discounts("many", "Of seven they count all or none.", *["10.00"] * 7, total="1052.00",
               codes=("SUM-TOTAL",)),
    Case(
        name="unknown-amount-in-a-line", why="FREIGHT is a charge of the line.",
        body=order_of(
            [line(taxable="1000.00", value="1230.00", figures={"IGST": "180.00", "FREIGHT": "50.00"})],
            taxable="1000.00", total="1230.00", figures={"IGST": "180.00"},
        ),
    ),
    Case(
        name="unknown-amount-beside-a-line", why="FREIGHT is only told.",
        body=order_of(
            [line(taxable="1000.00", value="1180.00", figures={"IGST": "180.00", "FREIGHT": "50.00"})],
            taxable="1000.00", total="1180.00", figures={"IGST": "180.00"},
        ),
    ),
    Case(
        name="charges-of-line-and-document", why="Charges of both places may be summed.",
        body=small(
            taxable="1000.00", value="1190.00", total="1195.00",
            figures={"IGST": "180.00", "OTHER_CHARGES": "10.00"},
            of_document={"OTHER_CHARGES": "5.00"},
        ),
    ),
)  # fmt: skip


def _priced(name: str, why: str, *codes: str, **figures: str) -> Case:
    taxable = figures["taxable"]
    order = small(value=taxable, rate="0", **figures)
    return Case(name=name, why=why, body=order, findings=of(f"{ITEM}.totalAmt", *codes))


_PRICES = (
    _priced(
        "derived-price", "Row f on an order: the price was made of the total, to its last place.",
        quantity="1612.450", price="294.917", taxable="475538.71",
    ),
    _priced("price-off-by-100", "3 at 33.33 are 99.99.",
            quantity="3", price="33.33", taxable="100.99"),
    _priced("price-off-by-101", "3 at 33.33 are 99.99.", "SUM-QUANTITY-PRICE",
            quantity="3", price="33.33", taxable="101.00"),
    _priced("price-half-a-place-off", "10000 times half of 0.01 is 50.00.",
            quantity="10000", price="1.01", taxable="10150.00"),
    _priced("price-more-than-half-a-place-off", "One paisa more.", "SUM-QUANTITY-PRICE",
            quantity="10000", price="1.01", taxable="10150.01"),
    _priced("blanket-order", "Quantity 0 is limited by value only.",
            quantity="0", price="50.00", taxable="5000.00"),
    _priced("price-to-be-agreed", "Price 0 is not multiplied.",
            quantity="10", price="0", taxable="5000.00"),
)  # fmt: skip


def _milestones(name: str, why: str, *codes: str, **shares: str) -> Case:
    told = [{"dueDate": "2026-01-05", "amount": Decimal(share)} for share in shares.values()]
    order = put(small(**ONE), paymentMilestones=told)
    return Case(name=name, why=why, body=order, findings=of("paymentMilestones", *codes))


_SHARES = (
    _milestones("milestones", "Two shares make the total.", first="1000.00", second="180.00"),
    _milestones("milestones-short", "0.01 is missing.", "PO-MILESTONES",
                first="1000.00", second="179.99"),
    _milestones("milestones-over", "0.01 too much.", "PO-MILESTONES",
                first="1000.00", second="180.01"),
    Case(
        name="milestones-without-amounts", why="Days alone cannot miss the total.",
        body=put(small(**ONE), paymentMilestones=[{"dueDate": "2026-01-05"}]),
    ),
    Case(
        name="no-totals", why="A check whose inputs are absent is skipped.",
        body=put(story.order(2, current_version=2), poValueDetails={}),
    ),
    Case(
        name="no-lines", why="An order may be a subject and a sum.",
        body=order_of([], taxable="1000.00", total="1000.00"),
    ),
)  # fmt: skip

CASES = (*_EDGES, *_MANY_LINES, *_ROUNDED, *_UNKNOWN, *_PRICES, *_SHARES)
