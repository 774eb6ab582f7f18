"""Honest orders always pass, however they round; wrong ones never do; no body breaks the rules."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from itertools import combinations
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hundi.documents import order_rules
from hundi.documents.order_bodies import OrderBody
from hundi.documents.sums import loose_sums, nearest, sum_of
from hundi.exchange.views import DocumentView, Party, RuleContext
from hundi.kernel.faults import Fault, split
from hundi.kernel.money import Money
from hundi.kernel.reading import read
from hundi.ledger.model import Balance
from hundi.simulator import story
from tests.documents.bodies import Body, amounts, line, order_of, put

PAISA = Decimal("0.01")
RULES = (*order_rules.ORDER, *order_rules.AMENDMENT)
_encoder = msgspec.json.Encoder(decimal_format="number")


def findings(body: Body, document: DocumentView | None = None) -> list[Fault]:
    parties = {
        one.b2b_id: Party(one.b2b_id, one.b2b_id, one.name, one.pan, (one.gstin,))
        for one in (story.BUYER, story.SUPPLIER)
    }
    context = RuleContext(today=date(2026, 1, 31), parties=parties, document=document)
    typed = read(_encoder.encode(body), OrderBody)
    asked = [fault for rule in RULES for fault in rule(typed, context)]
    return asked + [fault for rule in order_rules.FIGURES for fault in rule(typed)]


@dataclass(frozen=True)
class Goods:
    """What one line sells."""

    quantity: Decimal
    price: Decimal
    discount: Decimal
    rate: Decimal


@dataclass(frozen=True)
class Rounding:
    """An accounting package's way: how a half falls, and whether tax is made per line or once."""

    way: str
    per_line: bool

    def paise(self, exact: Decimal) -> Decimal:
        return exact.quantize(PAISA, self.way)


WAYS = {
    "per line, half up": Rounding(ROUND_HALF_UP, per_line=True),
    "per line, half even": Rounding(ROUND_HALF_EVEN, per_line=True),
    "once per document": Rounding(ROUND_HALF_UP, per_line=False),
}
GOODS = st.builds(
    Goods,
    quantity=st.integers(0, 10**8).map(lambda n: Decimal(n).scaleb(-3)),
    price=st.integers(0, 10**10).map(lambda n: Decimal(n).scaleb(-6)),
    discount=st.integers(0, 99_999).map(lambda n: Decimal(n).scaleb(-5)),
    rate=st.sampled_from([Decimal(r) for r in ("0", "0.25", "3", "5", "12", "18", "28", "40")]),
)
LINES = st.lists(GOODS, min_size=1, max_size=12)


def computed(goods: Sequence[Goods], how: Rounding, *, within: bool, rounded: bool) -> Body:
    """An order as a package would print it. `within` one state: two halves of the tax."""
    names = {"CGST": Decimal("0.5"), "SGST": Decimal("0.5")} if within else {"IGST": Decimal(1)}
    lines, exact, printed = [], dict.fromkeys(names, Decimal(0)), dict.fromkeys(names, Decimal(0))
    taxable_total = Decimal(0)
    for place, one in enumerate(goods):
        total = how.paise(one.quantity * one.price)
        discount = how.paise(total * one.discount)
        taxable = total - discount
        shares = {tax: taxable * one.rate / 100 * share for tax, share in names.items()}
        taxes = {tax: how.paise(share) for tax, share in shares.items()}
        for tax in names:
            exact[tax] += shares[tax]
            printed[tax] += taxes[tax]
        taxable_total += taxable
        lines.append(
            line(
                taxable=str(taxable), value=str(taxable + sum(taxes.values())), rate=str(one.rate),
                quantity=str(one.quantity), price=str(one.price), total_amt=str(total),
                figures={"DISCOUNT": str(discount)} | {t: str(v) for t, v in taxes.items()},
                serialno=str(place + 1),
            )
        )  # fmt: skip
    levied = printed if how.per_line else {tax: how.paise(exact[tax]) for tax in names}
    due = taxable_total + sum(levied.values())
    whole = due.quantize(Decimal(1), how.way) if rounded else due
    figures = {tax: str(value) for tax, value in levied.items()}
    if rounded:
        figures["ROUND_OFF"] = str(whole - due)
    order = order_of(lines, taxable=str(taxable_total), total=str(whole), figures=figures)
    return put(order, buyerDetails__placeOfSupply="33" if within else "27")


@given(goods=LINES, how=st.sampled_from(list(WAYS)), within=st.booleans(), rounded=st.booleans())
def test_no_honest_way_to_round_is_remarked(
    goods: list[Goods], how: str, within: bool, rounded: bool
) -> None:
    assert not findings(computed(goods, WAYS[how], within=within, rounded=rounded))


@given(goods=LINES, how=st.sampled_from(list(WAYS)), within=st.booleans())
def test_a_total_that_is_rounded_without_saying_so_is_not_refused(
    goods: list[Goods], how: str, within: bool
) -> None:
    order = computed(goods, WAYS[how], within=within, rounded=True)
    kept = [f for f in order["purchaseOrder"]["poValueDetails"]["valueInfos"]
            if f["type"] != "ROUND_OFF"]  # fmt: skip
    faults, warnings = split(findings(put(order, poValueDetails__valueInfos=kept)))
    assert not faults
    assert {fault.code for fault in warnings} <= {"SUM-TOTAL-ODD"}


@given(
    total=st.integers(100, 10**9).map(lambda paise: Decimal(paise).scaleb(-2)),
    rate=st.sampled_from([Decimal(rate) for rate in ("3", "5", "12", "18", "28", "40")]),
    cess=st.sampled_from([Decimal(rate) for rate in ("0", "1", "12.5", "22", "290")]),
    freight=st.integers(0, 10**6).map(lambda paise: Decimal(paise).scaleb(-2)),
)
def test_prices_with_tax_and_cess_inside_and_taxed_freight_are_not_refused(
    total: Decimal, rate: Decimal, cess: Decimal, freight: Decimal
) -> None:
    taxable, of_freight, cess_of_freight = (
        exact.quantize(PAISA, ROUND_HALF_UP)
        for exact in (total * 100 / (100 + rate + cess), freight * rate / 100, freight * cess / 100)
    )
    tax, more = ((taxable * r / 100).quantize(PAISA, ROUND_HALF_UP) for r in (rate, cess))
    one = line(
        taxable=str(taxable), value=str(taxable + tax + more), rate=str(rate), price=str(total),
        total_amt=str(total), figures={"IGST": str(tax), "CESS": str(more)},
    )  # fmt: skip
    levies = {"IGST": str(tax + of_freight), "CESS": str(more + cess_of_freight)}
    whole = taxable + tax + more + freight + of_freight + cess_of_freight
    totals = {"FREIGHT": str(freight), **levies}
    order = order_of([one], taxable=str(taxable), total=str(whole), figures=totals)
    faults, _ = split(findings(order))
    assert not faults


MEMBERS = {
    "SUM-TOTAL": ("poValueDetails__totalPOValue", "poValueDetails.totalPOValue"),
    "SUM-TAXABLE-TOTAL": ("poValueDetails__assessmentValue", "poValueDetails.assessmentValue"),
    "SUM-TAX-TOTAL": ("poValueDetails__valueInfos__0__value", "poValueDetails.valueInfos"),
    "SUM-LINE-VALUE": ("itemLists__0__totalItemValue", "itemLists[0].totalItemValue"),
    "SUM-TAXABLE": ("itemLists__0__assessmentAmount", "itemLists[0].assessmentAmount"),
}


@given(
    goods=LINES,
    how=st.sampled_from(list(WAYS)),
    code=st.sampled_from(list(MEMBERS)),
    # The tolerance, and what honest rounding of twelve lines may have used of it.
    more=st.integers(100 + 13, 10**7).map(lambda paise: Decimal(paise).scaleb(-2)),
)
def test_more_than_the_tolerance_is_always_refused(
    goods: list[Goods], how: str, code: str, more: Decimal
) -> None:
    order = computed(goods, WAYS[how], within=False, rounded=False)
    member, path = MEMBERS[code]
    figure: Any = order["purchaseOrder"]
    for step in member.split("__"):
        figure = figure[int(step) if step.isdigit() else step]
    faults, _ = split(findings(put(order, **{member: figure + more})))
    assert (code, f"purchaseOrder.{path}") in {(fault.code, fault.path) for fault in faults}


@given(goods=LINES, off=st.integers(102, 10_000), sign=st.sampled_from([1, -1]))
def test_a_total_just_beyond_the_tolerance_is_refused(
    goods: list[Goods], off: int, sign: int
) -> None:
    """Rate 0: there is one right sum, so a paisa beyond 1.00 (and 0.01 rounding) is seen."""
    free = [Goods(one.quantity, one.price, one.discount, Decimal(0)) for one in goods]
    order = computed(free, WAYS["per line, half up"], within=False, rounded=False)
    total = order["purchaseOrder"]["poValueDetails"]["totalPOValue"]
    moved = put(order, poValueDetails__totalPOValue=total + sign * Decimal(off).scaleb(-2))
    assert "SUM-TOTAL" in {fault.code for fault in findings(moved)}


def figure(places: int, *, least: int = -(10**15), most: int = 10**15) -> st.SearchStrategy[Any]:
    """Any number that the shape allows; its written form too: exponents, trailing zeros."""
    scale = 10**places
    plain = st.integers(least * scale, most * scale).map(lambda n: Decimal(n).scaleb(-places))
    edges = [Decimal(least), Decimal(most), Decimal("1E3"), Decimal("1.000000000000"), Decimal(0)]
    return (
        plain
        | st.sampled_from(edges).map(lambda n: max(n, Decimal(least)))
        | st.just(Decimal(1).scaleb(-places))
    )


AMOUNT, PRICE, QUANTITY = figure(2), figure(6), figure(3, least=0)
RATE = figure(3, least=0, most=1000)
LABEL = st.sampled_from(
    ["IGST", "CGST", "SGST", "CESS", "STATE_CESS", "OTHER_CHARGES", "DISCOUNT", "TCS", "ROUND_OFF",
     "PRE_TAX_VALUE", "igst", "FREIGHT", "", "PACKING"]
)  # fmt: skip
FIGURES = st.lists(
    st.fixed_dictionaries({"type": LABEL, "value": AMOUNT}) | st.just({}), max_size=9
)
WILD_LINE = st.fixed_dictionaries(
    {
        "serialno": st.sampled_from(["1", "2", "", " quantity"]),
        "productDescription": st.just(""),
        "quantity": QUANTITY,
        "unitPrice": PRICE,
        "totalItemValue": AMOUNT,
    },
    optional={
        "totalAmt": AMOUNT,
        "assessmentAmount": AMOUNT,
        "gstRate": RATE,
        "hsnCode": st.sampled_from(["", "9983", "52052", "52052410"]),
        "isService": st.sampled_from(["YES", "NO", "", "maybe"]),
        "itemValueDetails": FIGURES,
    },
)
WILD_TOTALS = st.fixed_dictionaries(
    {}, optional={"assessmentValue": AMOUNT, "totalPOValue": AMOUNT, "valueInfos": FIGURES}
)
SHARES = st.lists(
    st.fixed_dictionaries({}, optional={"dueDate": st.just("9999-12-31"), "amount": AMOUNT}),
    max_size=4,
)
STORED = st.none() | st.builds(
    DocumentView,
    status=st.just("ACCEPTED"),
    version=st.just(2),
    agreed_version=st.none() | st.just(2),
    number=st.sampled_from([story.NUMBER, "other"]),
    balances=st.dictionaries(
        st.sampled_from(["line:1 quantity", "line:1 ordered", "line: quantity", "line:9 quantity",
                         "live invoices", "line:"]),
        st.integers(0, 10**18).map(lambda held: Balance(debit=held)),
    ),
    body=st.sampled_from([None, read(story.dumps(story.order(2)), OrderBody)]),
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    lines=st.lists(WILD_LINE, max_size=4),
    totals=WILD_TOTALS,
    shares=SHARES,
    gstin=st.sampled_from(["", "URP", story.SUPPLIER.gstin, "00AAAAAAAAAAAAA"]),
    place=st.sampled_from(["", "27", "33", "96", "MH", "²³"]),
    day=st.sampled_from(["0001-01-01", "2025-11-03", "9999-12-31"]),
    stored=STORED,
)
def test_rules_never_raise(
    lines: list[Body],
    totals: Body,
    shares: list[Body],
    gstin: str,
    place: str,
    day: str,
    stored: DocumentView | None,
) -> None:
    order = put(
        story.order(1), itemLists=lines, poValueDetails=totals, paymentMilestones=shares,
        supplierDetails__gstin=gstin, buyerDetails__placeOfSupply=place, deliveryDate=day,
    )  # fmt: skip
    for fault in findings(order, stored):
        assert fault.path
        assert len(fault.detail) < 1_000
        msgspec.json.encode(fault.as_json())


def test_the_widest_line_is_judged() -> None:
    """A product of 39 digits is compared, not tripped over."""
    most = Decimal("1E15")
    one = line(taxable="0", value="0", rate="0") | {"quantity": most, "unitPrice": most}
    codes = {fault.code for fault in findings(order_of([one], taxable="0", total="0"))}
    assert codes == {"SUM-QUANTITY-PRICE"}


def steps(count: int, *, wrong: bool) -> int:
    """How many calls the rules make for an order of so many lines: work, whatever the clock."""
    tax, value = ("19.00", "121.00") if wrong else ("18.00", "118.00")
    lines = [
        line(taxable="100.00", value=value, figures={"IGST": tax, "FREIGHT": "1.00"},
             serialno=str(n))
        for n in range(count)
    ]  # fmt: skip
    body = order_of(lines, taxable=f"{100 * count}.00", total=f"{118 * count}.00")
    typed = read(
        _encoder.encode(
            put(body, poValueDetails__valueInfos=amounts({"IGST": f"{18 * count}.00"}))
        ),
        OrderBody,
    )
    party = Party("", "", "", story.BUYER.pan, ())
    parties = {story.BUYER.b2b_id: party, story.SUPPLIER.b2b_id: party}
    drawn = {f"line:{n} quantity": Balance(debit=2_000) for n in range(count)}
    stored = DocumentView(
        status="ACCEPTED", version=1, agreed_version=1, number=story.NUMBER, balances=drawn,
        body=typed,
    )  # fmt: skip
    context = RuleContext(today=date(2026, 1, 31), parties=parties, document=stored)
    calls = 0

    def counted(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    sys.setprofile(counted)
    try:
        for rule in RULES:
            for _ in rule(typed, context):
                pass
        for body_rule in order_rules.FIGURES:
            for _ in body_rule(typed):
                pass
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("wrong", [False, True], ids=["right", "wrong"])
def test_cost_of_a_line_is_flat_to_1000_lines(wrong: bool) -> None:
    steps(1, wrong=wrong)  # whatever is done once only
    first = steps(200, wrong=wrong) - steps(100, wrong=wrong)
    last = steps(1_000, wrong=wrong) - steps(900, wrong=wrong)
    assert first > 0
    assert last <= first * 1.02


def test_unknown_amounts_make_a_bounded_number_of_sums() -> None:
    """Forty amounts would make 2^40 sums. Of six any may count; the others go all or none."""
    amounts = [Money(2**n) for n in range(40)]
    made = loose_sums(amounts)
    assert len(made) == 2**7
    assert made == sorted(made)
    assert {0, 0b111111, 2**40 - 1, 2**40 - 64} <= set(made)


@given(
    amounts=st.lists(st.integers(-(10**6), 10**6).map(Money), max_size=6),
    sums=st.lists(st.integers(-(10**6), 10**6).map(Money), min_size=1, max_size=4),
    stated=st.integers(-(10**7), 10**7).map(Money),
)
def test_the_nearest_sum_is_found(amounts: list[Money], sums: list[Money], stated: Money) -> None:
    """The same as to try every sum with every choice of amounts."""
    choices = [
        sum_of(chosen) for n in range(len(amounts) + 1) for chosen in combinations(amounts, n)
    ]
    least = min(abs(stated - right - more) for right in sums for more in choices)
    found = nearest(stated, sums, loose_sums(amounts))
    assert abs(stated - found) == least
    assert any(found == right + more for right in sums for more in choices)


def test_wild_figures_are_shape_valid() -> None:
    """The strategies above draw what a partner may really send, at the very limits."""
    wide = {"quantity": Decimal("1E15"), "unitPrice": Decimal("-1E15"), "gstRate": Decimal(1000)}
    one = line(taxable="1E15", value="-1E15", rate="1000") | wide
    assert findings(order_of([one], taxable="-1E15", total="1E15"))
