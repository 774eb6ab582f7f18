"""Honest invoices and notes always pass, in parts too; no body breaks the rules; edits draw exactly."""

import sys
from datetime import date
from decimal import ROUND_FLOOR, Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hundi.documents import invoice, note, order_draws
from hundi.documents.order_bodies import OrderBody
from hundi.exchange.definition import MessageType
from hundi.exchange.views import DocumentView, Party, RuleContext
from hundi.kernel.faults import Fault, split
from hundi.kernel.reading import read
from hundi.ledger.model import Balance
from hundi.simulator import story, story_supplies
from tests.documents.account_books import AccountBooks
from tests.documents.bodies import Body, line, order_of, put
from tests.documents.supplies import INVOICE_AT, ORDER_AT, bill, note_of, small
from tests.documents.test_honest_orders import (
    FIGURES,
    GOODS,
    LINES,
    WAYS,
    WILD_LINE,
    WILD_TOTALS,
    Goods,
    computed,
)

SEND, _, EDIT, _ = invoice.MESSAGES
NOTE_SEND = note.MESSAGES[0]
DETAILS = story_supplies.invoice()["invoice"]["poDetails"]
PARTIES = {
    one.b2b_id: Party(one.b2b_id, one.b2b_id, one.name, one.pan, (one.gstin,))
    for one in (story.BUYER, story.SUPPLIER)
}
_encoder = msgspec.json.Encoder(decimal_format="number")


def typed(message: MessageType, body: Body) -> Any:
    return read(_encoder.encode(body), message.body)


def context(
    held: dict[str, DocumentView] | None = None,
    document: DocumentView | None = None,
    *,
    booked: AccountBooks | None = None,
) -> RuleContext:
    """`booked` is what the stored invoice has on the one order that is held."""
    drawn = {ref: booked.held() for ref in held or {}} if booked is not None else {}
    return RuleContext(
        today=date(2026, 1, 31), parties=PARTIES, document=document, held=held or {}, drawn=drawn
    )


def findings(message: MessageType, body: Body, known: RuleContext) -> list[Fault]:
    told = typed(message, body)
    asked = [fault for rule in message.rules for fault in rule(told, known)]
    return asked + [fault for rule in message.body_rules for fault in rule(told)]


def billed(order: Body, **changes: object) -> Body:
    """An invoice with the lines, totals and place of supply of an order that it does not name."""
    told = order["purchaseOrder"]
    value = dict(told["poValueDetails"])
    value["totalInvoiceValue"] = value.pop("totalPOValue")
    place = told["buyerDetails"]["placeOfSupply"]
    return put(
        story_supplies.invoice(irn=""), itemLists=told["itemLists"], valueDetails=value,
        buyerDetails__placeOfSupply=place, **{"poDetails": [], **changes},
    )  # fmt: skip


def order_view(body: Body, books: AccountBooks | None = None) -> DocumentView:
    return DocumentView(
        ref=ORDER_AT, object_id=story.OBJECT_ID, status="ACCEPTED", version=1, agreed_version=1,
        number=story.NUMBER, body=read(_encoder.encode(body), OrderBody),
        balances=(books or AccountBooks()).view("").balances,
    )  # fmt: skip


@given(goods=LINES, how=st.sampled_from(list(WAYS)), within=st.booleans(), rounded=st.booleans())
def test_no_honest_way_to_round_is_remarked(
    goods: list[Goods], how: str, within: bool, rounded: bool
) -> None:
    body = billed(computed(goods, WAYS[how], within=within, rounded=rounded))
    assert not findings(SEND, body, context())
    assert not findings(NOTE_SEND, note_of(body), context())


@given(goods=LINES, how=st.sampled_from(list(WAYS)), within=st.booleans())
def test_what_was_ordered_may_be_billed(goods: list[Goods], how: str, within: bool) -> None:
    """Exactly the order, without a word: the accepted order, line by line."""
    order = computed(goods, WAYS[how], within=within, rounded=True)
    body = billed(order, poDetails=DETAILS)
    assert not findings(SEND, body, context({ORDER_AT: order_view(order)}))


SHARE = st.lists(st.integers(1, 9), min_size=1, max_size=6)


@given(goods=st.lists(GOODS, min_size=1, max_size=4), shares=SHARE)
def test_an_order_may_be_billed_in_parts(goods: list[Goods], shares: list[int]) -> None:
    """Each part rounds by itself; together they make the quantities, and nobody is refused."""
    order = computed(goods, WAYS["per line, half up"], within=False, rounded=False)
    books, left = AccountBooks(), {n: one.quantity for n, one in enumerate(goods)}
    for place, share in enumerate(shares):
        last = place == len(shares) - 1
        parts = []
        for n, one in enumerate(goods):
            cut = (one.quantity * share / sum(shares)).quantize(Decimal("0.001"), ROUND_FLOOR)
            quantity = left[n] if last else cut
            left[n] -= quantity
            parts.append(Goods(quantity, one.price, one.discount, one.rate))
        body = billed(
            computed(parts, WAYS["per line, half up"], within=False, rounded=False),
            poDetails=DETAILS,
        )
        known = context({ORDER_AT: order_view(order, books)})
        faults, _ = split(findings(SEND, body, known))
        assert not faults
        books.post(SEND.postings(typed(SEND, body), known))
    for n, one in enumerate(goods):
        assert books.net(f"line:{n + 1} quantity") == int(one.quantity * 1000)
    assert books.net("live invoices") == len(shares)


@given(versions=st.lists(st.lists(GOODS, max_size=3), min_size=1, max_size=5))
def test_after_edits_an_order_holds_what_the_last_version_says(versions: list[list[Goods]]) -> None:
    goods = [Goods(Decimal(1000), Decimal(10), Decimal(0), Decimal(5))] * 3
    order = computed(goods, WAYS["per line, half up"], within=False, rounded=False)
    books, before = AccountBooks(), None
    for lines in versions:
        body = billed(
            computed(lines, WAYS["per line, half up"], within=False, rounded=False),
            poDetails=DETAILS,
        )
        document = before and DocumentView(
            status="SENT TO BUYER", version=1, agreed_version=None, number="N", body=before
        )
        known = context({ORDER_AT: order_view(order, books)}, document, booked=books)
        message = EDIT if before else SEND
        before = typed(message, body)
        books.post(message.postings(before, known))
    [draw], _ = order_draws.drawn(before.invoice, order_draws.orders_named(known))
    for serialno in ("1", "2", "3"):
        taken = draw.taken.get(serialno, order_draws.Taken())
        assert books.net(f"line:{serialno} quantity") == int(taken.quantity * 1000)
    assert books.net("taxable") == draw.taxable.paise
    assert books.net("live invoices") == 1


def test_an_edit_that_leaves_an_order_gives_it_all_back() -> None:
    order = order_view(story.order(2))
    books = AccountBooks()
    first = typed(SEND, story_supplies.invoice(irn=""))
    books.post(SEND.postings(first, context({ORDER_AT: order})))
    ref = f"purchase-order/{story.OBJECT_ID}"
    document = DocumentView(
        status="SENT TO BUYER", version=1, agreed_version=None, number="N", body=first
    )
    edited = typed(EDIT, story_supplies.invoice(irn="") | {})
    body = msgspec.structs.replace(
        edited, invoice=msgspec.structs.replace(edited.invoice, poDetails=[])
    )
    followed = msgspec.structs.replace(order, ref=ref)
    back = EDIT.postings(body, context({ref: followed}, document, booked=books))
    assert {posting.ref for posting in back} == {ref}
    books.post(back)
    assert books.held() == {}


WILD = st.fixed_dictionaries(
    {
        "hsnCode": st.sampled_from(["9983", "52052", "52052410"]),
        "serialno": st.sampled_from(["1", "2", ""]),
    },
    optional={"orderLineReference": st.sampled_from(["1", "", "x"]),
              "unit": st.sampled_from(["KGS", "NOS", ""])},
)  # fmt: skip
WILD_LINES = st.lists(st.tuples(WILD_LINE, WILD).map(lambda two: two[0] | two[1]), max_size=4)
WORD = st.sampled_from(["", "YES", "no", "SEZWP", "EXPWOP", "B2B", "²³"])
HOLDINGS = st.dictionaries(
    st.sampled_from(["line:1 quantity", "taxable", "live invoices", "credited", "debit notes"]),
    st.builds(Balance, debit=st.integers(0, 10**18), credit=st.integers(0, 10**18)),
)
INFOS = st.lists(
    st.fixed_dictionaries(
        {"name": st.just("overDeliveryPercent"),
         "value": st.sampled_from(["5", "", "NaN", "1E999", "-1", "Infinity", "1000", "x"])}
    ),
    max_size=2,
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    lines=WILD_LINES,
    ordered=st.lists(WILD_LINE, max_size=4),
    totals=WILD_TOTALS,
    infos=INFOS,
    words=st.tuples(WORD, WORD, WORD),
    holdings=HOLDINGS,
    figures=FIGURES,
    day=st.sampled_from(["", "0001-01-01", "9999-12-31"]),
    edited=st.booleans(),
)
def test_rules_never_raise(
    lines: list[Body],
    ordered: list[Body],
    totals: Body,
    infos: list[Body],
    words: tuple[str, str, str],
    holdings: dict[str, Balance],
    figures: list[Body],
    day: str,
    edited: bool,
) -> None:
    order = put(
        story.order(1), itemLists=ordered, poInfos=infos, poValueDetails={"valueInfos": figures}
    )
    view = msgspec.structs.replace(order_view(order), balances=holdings, status_on=date.max)
    value = {n: v for n, v in totals.items() if n != "totalPOValue"}
    if "totalPOValue" in totals:
        value["totalInvoiceValue"] = totals["totalPOValue"]
    body = put(
        story_supplies.invoice(irn=""), itemLists=lines, valueDetails=value,
        transactionDetails={"supplyType": words[0], "reverseChargeTax": words[1],
                            "igstChargable": words[2]},
        invoiceReferenceDetails={"invoiceDate": day},
    )  # fmt: skip
    message = EDIT if edited else SEND
    stored = DocumentView(
        status="UNDER REVIEW", version=1, agreed_version=None, number="N",
        body=typed(SEND, story_supplies.invoice()),
    )  # fmt: skip
    known = context({ORDER_AT: view}, stored if edited else None)
    told = findings(message, body, known)
    assert all(p.amount > 0 for p in message.postings(typed(message, body), known))
    invoiced = DocumentView(
        ref=INVOICE_AT, object_id="I", status="PAID", version=1, agreed_version=1, number="N",
        balances=holdings, body=typed(SEND, body),
    )  # fmt: skip
    noted = put(story_supplies.credit_note(), itemLists=lines)
    told += findings(NOTE_SEND, noted, context({INVOICE_AT: invoiced}))
    for fault in told:
        assert fault.path
        assert len(fault.detail) < 1_000
        msgspec.json.encode(fault.as_json())


@given(
    asked=st.integers(0, 10**9), noted=st.integers(0, 10**9), raised=st.integers(0, 10**9),
    more=st.integers(-100, 100),
)  # fmt: skip
def test_the_cap_of_credit_notes_is_exact(asked: int, noted: int, raised: int, more: int) -> None:
    """Invoice + debit notes - live credit notes: one paisa more is refused, no paisa less."""
    cap = max(0, asked + raised - noted)
    worth = max(0, cap + more)
    text = str(Decimal(asked).scaleb(-2))
    view = DocumentView(
        ref=INVOICE_AT, object_id="I", status="ACCEPTED", version=1, agreed_version=1, number="N",
        body=typed(SEND, small(taxable=text, value=text, rate="0")),
        balances={"credited": Balance(debit=noted), "debit notes": Balance(credit=raised)},
    )  # fmt: skip
    total = str(Decimal(worth).scaleb(-2))
    on = [{"invoiceNumber": "N", "invoiceDate": "2025-11-17"}]
    body = note_of(small(taxable=total, value=total, rate="0"), precedingInvoiceDetails=on)
    known = context({INVOICE_AT: view})
    faults, _ = split(findings(NOTE_SEND, body, known))
    assert [fault.code for fault in faults] == (["NOTE-OVER-CAP"] if worth > cap else [])
    booked = sum(p.amount for p in NOTE_SEND.postings(typed(NOTE_SEND, body), known))
    assert booked == min(worth, cap)


def steps(count: int, *, wrong: bool) -> int:
    """How many calls the rules make for an invoice of so many lines on an order of as many."""
    value = "121.00" if wrong else "118.00"
    lines = [
        line(taxable="100.00", value=value, figures={"IGST": "18.00"}, serialno=str(n), price="2",
             quantity="50")
        for n in range(count)
    ]  # fmt: skip
    figures = {"IGST": f"{18 * count}.00"}
    told = {"taxable": f"{100 * count}.00", "total": f"{118 * count}.00", "figures": figures}
    body = put(bill(lines, **told), poDetails=DETAILS)
    read_body = typed(SEND, body)
    drawn = AccountBooks()
    known = context({ORDER_AT: order_view(order_of(lines, **told), drawn)})
    calls = 0

    def counted(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    sys.setprofile(counted)
    try:
        for rule in SEND.rules:
            list(rule(read_body, known))
        for body_rule in SEND.body_rules:
            list(body_rule(read_body))
        SEND.postings(read_body, known)
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
