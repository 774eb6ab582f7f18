"""What the two sides read of the trade story, to the paisa: pages, three-way view, accounts."""

import pytest

from hundi.simulator import story, story_money
from tests.trade import bills
from tests.trade.desk import Desk
from tests.trade.reading import STRANGER, Reads, other
from tests.trade.test_story import INVOICE_1, ORDER, billed, ordered, paid

NOTE = bills.note()["cdNote"]["objectId"]
PAYMENT_1 = story_money.payment(1)["payment"]["objectId"]
BOTH = ("buyer", "supplier")
NO_ACCOUNT = (404, "ACCOUNT-UNKNOWN")


async def noted(trade: Desk) -> None:
    """The credit note on invoice 1, sent and accepted."""
    await trade.send("cd-note/req-send", bills.note())
    await trade.send("cd-note/req-confirm", bills.note_confirmation())


async def played(trade: Desk) -> None:
    """The whole story but for the closing of the order."""
    await ordered(trade)
    await billed(trade, 1)
    await noted(trade)
    await billed(trade, 2)
    for number in (1, 2, 3):
        await paid(trade, number)


def names(neighbours: dict) -> list[tuple[str, str]]:
    assert not neighbours["more"]
    return [(one["type"], one["objectId"]) for one in neighbours["documents"]]


async def test_a_page_tells_its_neighbours_with_what_is_left(reads: Reads) -> None:
    await ordered(reads.trade)
    await billed(reads.trade, 1)
    await noted(reads.trade)
    await reads.trade.send("payment/req-pay", story_money.payment(1))
    for client_id in BOTH:
        order = await reads.page("purchase-order", ORDER, client_id)
        assert names(order["refersTo"]) == []
        [invoice] = order["referredBy"]["documents"]
        assert invoice == {
            "type": "invoice",
            "objectId": INVOICE_1,
            "author": story.SUPPLIER.b2b_id,
            "number": "MYM/25-26/01183",
            "status": "PAYMENT INITIATED",
            "left": [{"name": "due", "unit": "INR", "left": "302606.00"}],
        }
        page = await reads.page("invoice", INVOICE_1, client_id)
        assert names(page["refersTo"]) == [("purchase-order", ORDER)]
        assert names(page["referredBy"]) == [("cd-note", NOTE), ("payment", PAYMENT_1)]
        payment = await reads.page("payment", PAYMENT_1, client_id)
        assert names(payment["refersTo"]) == [("invoice", INVOICE_1)]


async def test_a_page_tells_its_accounts(reads: Reads) -> None:
    await ordered(reads.trade)
    await billed(reads.trade, 1)
    await noted(reads.trade)
    await reads.trade.send("payment/req-pay", story_money.payment(1))
    page = await reads.page("invoice", INVOICE_1)
    books = {one["name"]: one for one in page["accounts"]["accounts"]}
    assert books["due"] == {
        "name": "due", "unit": "INR",
        "held": "702848.00", "reservedIn": "0.00", "reservedOut": "400242.00",
    }  # fmt: skip
    assert books["billed"]["held"] == "-717007.00"
    assert books["notes"]["held"] == "14159.00"
    order = (await reads.page("purchase-order", ORDER))["accounts"]
    held = {one["name"]: (one["unit"], one["held"]) for one in order["accounts"]}
    assert held["line:1 quantity"] == ("QUANTITY", "1612.450")
    assert held["live invoices"] == ("COUNT", "1")
    assert held["taxable"] == ("INR", "681601.21")


async def test_a_stranger_reads_nothing_of_it(reads: Reads) -> None:
    await played(reads.trade)
    assert (await reads.accounts("stranger"))["accounts"] == []
    await reads.refused(f"/documents/invoice/{INVOICE_1}", "stranger", (404, "DOC-UNKNOWN"))
    for b2b_id in (story.SUPPLIER.b2b_id, story.BUYER.b2b_id, STRANGER, "NOBODY@BCB"):
        for tail in ("", "/statement"):
            await reads.refused(f"/accounts/{b2b_id}{tail}", "stranger", NO_ACCOUNT)
    await reads.refused(f"/accounts/{STRANGER}", "buyer", NO_ACCOUNT)


async def test_a_client_asks_for_its_own_businesses_only(reads: Reads) -> None:
    await played(reads.trade)
    supplier, buyer = story.SUPPLIER.b2b_id, story.BUYER.b2b_id
    not_yours = (403, "PARTY-NOT-YOURS")
    await reads.refused(f"/accounts/{buyer}", "stranger", not_yours, party=supplier)
    await reads.refused("/accounts", "buyer", not_yours, party=supplier)
    await reads.refused("/accounts", "buyer", not_yours, party="NOBODY@BCB")
    assert await reads.account("buyer", party=buyer) == await reads.account("buyer")
    assert len((await reads.accounts("buyer", party=buyer))["accounts"]) == 1


async def test_a_neighbour_is_told_once_it_may_have_reached_the_reader(reads: Reads) -> None:
    await ordered(reads.trade)
    await reads.trade.submit("invoice/req-send-invoice", bills.invoice(1))
    mine = await reads.page("purchase-order", ORDER, "supplier")
    assert names(mine["referredBy"]) == [("invoice", INVOICE_1)]
    assert names((await reads.page("purchase-order", ORDER, "buyer"))["referredBy"]) == []
    await reads.trade.deliver()
    theirs = await reads.page("purchase-order", ORDER, "buyer")
    assert names(theirs["referredBy"]) == [("invoice", INVOICE_1)]


async def test_an_edit_that_has_not_left_tells_nobody_which_order_it_names(reads: Reads) -> None:
    await ordered(reads.trade)
    plain = bills.invoice(1, poDetails=[])
    await reads.trade.send("invoice/req-send-invoice", plain)
    edit = bills.invoice(
        1,
        objectVersion={"currentVersion": 1, "newVersion": 2},
        statusTransition={"currentStatus": "SENT TO BUYER", "newStatus": "SENT TO BUYER"},
    )
    await reads.trade.submit("invoice/req-edit-invoice", edit)
    pages = [await reads.page("invoice", INVOICE_1, client) for client in BOTH]
    assert [names(page["refersTo"]) for page in pages] == [[], [("purchase-order", ORDER)]]
    assert names((await reads.page("purchase-order", ORDER, "buyer"))["referredBy"]) == []
    await reads.trade.deliver()
    order = await reads.page("purchase-order", ORDER, "buyer")
    assert names(order["referredBy"]) == [("invoice", INVOICE_1)]


LINES = {
    "1": ("3200.000", "3208.750", "12.150", "3196.600", "943734.00", "946314.52"),
    "2": ("2000.000", "1964.250", "45.500", "1918.750", "435250.00", "427469.91"),
    "3": ("2400.000", "2400.000", "0.000", "2400.000", "10200.00", "10200.00"),
}
COLUMNS = ("ordered", "invoiced", "credited", "net", "taxableOrdered", "taxableInvoiced")


async def test_the_three_way_view_at_the_end(reads: Reads) -> None:
    await played(reads.trade)
    for client_id in BOTH:
        view = (await reads.page("purchase-order", ORDER, client_id))["threeWay"]
        told = {one["serialno"]: tuple(one[name] for name in COLUMNS) for one in view["lines"]}
        assert told == LINES
        free = {(one["freeOrdered"], one["freeInvoiced"]) for one in view["lines"]}
        assert free == {("0.000", "0.000"), ("48.000", "48.000")}
        assert not view["more"]
        assert view["totals"] == {
            "taxableOrdered": "1389184.00", "taxableInvoiced": "1383984.43",
            "taxableNotOrdered": "0.00", "ordered": "1459969.00", "invoiced": "1454509.00",
            "credited": "14159.00", "debited": "0.00", "settled": "1440350.00", "due": "0.00",
        }  # fmt: skip


async def test_an_order_that_is_not_agreed_has_no_three_way_view(reads: Reads) -> None:
    await reads.trade.send("purchase-order/req-send", story.order(1))
    assert "threeWay" not in await reads.page("purchase-order", ORDER)


async def test_what_is_rejected_or_not_sent_is_in_no_view(reads: Reads) -> None:
    await ordered(reads.trade)
    await reads.trade.send("invoice/req-send-invoice", bills.invoice(1))
    rejected = bills.invoice_confirmation("REJECT", "REJECTED")
    await reads.trade.send("invoice/req-confirm-invoice", rejected)
    await reads.trade.submit("invoice/req-send-invoice", bills.invoice(2))
    theirs = (await reads.page("purchase-order", ORDER, "buyer"))["threeWay"]
    assert theirs["totals"]["invoiced"] == "0.00"
    mine = (await reads.page("purchase-order", ORDER, "supplier"))["threeWay"]
    assert (mine["totals"]["invoiced"], mine["totals"]["due"]) == ("737502.00", "0.00")


async def test_accounts_mirror_each_other(reads: Reads) -> None:
    await ordered(reads.trade)
    assert (await reads.accounts("buyer"))["accounts"] == []
    await billed(reads.trade, 1)
    await noted(reads.trade)
    await billed(reads.trade, 2)
    await reads.trade.send("payment/req-pay", story_money.payment(1))
    side = {
        "due": "1440350.00", "reserved": "400242.00", "onAccount": "0.00", "openInvoices": 2
    }  # fmt: skip
    nothing = {"due": "0.00", "reserved": "0.00", "onAccount": "0.00", "openInvoices": 0}
    told = {
        "supplier": {"receivable": side, "payable": nothing, "balance": "1440350.00"},
        "buyer": {"receivable": nothing, "payable": side, "balance": "-1440350.00"},
    }
    for client_id, sums in told.items():
        account = {"counterparty": other(client_id), **sums}
        assert (await reads.statement(client_id))["closing"] == sums["balance"]
        assert await reads.accounts(client_id) == {"accounts": [account], "cursor": None}
        page = await reads.account(client_id)
        assert {name: page[name] for name in account} == account
        found = [(one["number"], one["due"], one["reserved"]) for one in page["openInvoices"]]
        assert found == [
            ("MYM/25-26/01183", "702848.00", "400242.00"),
            ("MYM/25-26/01274", "737502.00", "0.00"),
        ]


STATEMENT = [
    ("invoice accepted", "717007.00", "717007.00"),
    ("credit note", "-14159.00", "702848.00"),
    ("invoice accepted", "737502.00", "1440350.00"),
    ("TDS", "-242.00", "1440108.00"),
    ("payment", "-400000.00", "1040108.00"),
    ("payment", "-302606.00", "737502.00"),
    ("TDS", "-689.00", "736813.00"),
    ("payment", "-736813.00", "0.00"),
]


def _amount(line: dict) -> str:
    return line["debit"] if line["credit"] == "0.00" else f"-{line['credit']}"


@pytest.mark.parametrize("limit", [1, 3, 50])
async def test_the_statement_in_pages(reads: Reads, limit: int) -> None:
    await played(reads.trade)
    lines, cursor, closing = [], "", "0.00"
    while cursor is not None:
        page = await reads.statement("supplier", cursor=cursor, limit=limit)
        assert page["opening"] == closing
        closing, cursor = page["closing"], page["cursor"]
        lines += page["lines"]
    assert [(one["what"], _amount(one), one["balance"]) for one in lines] == STATEMENT
    first, second, *_, last = lines
    assert (first["type"], first["number"]) == ("invoice", "MYM/25-26/01183")
    assert (second["type"], second["objectId"]) == ("cd-note", NOTE)
    assert second["invoice"]["number"] == "MYM/25-26/01183"
    assert last["type"] == "payment"
    assert last["number"] == story_money.payment(3)["payment"]["utr"]


async def test_the_buyer_reads_the_same_statement_from_the_other_side(reads: Reads) -> None:
    await played(reads.trade)
    page = await reads.statement("buyer")
    mirrored = [(one["what"], _amount(one).removeprefix("-")) for one in page["lines"]]
    assert mirrored == [(what, amount.removeprefix("-")) for what, amount, _ in STATEMENT]
    assert page["lines"][0]["credit"] == "717007.00"
    assert page["lines"][2]["balance"] == "-1440350.00"
    assert page["closing"] == "0.00"


async def test_a_cursor_belongs_to_its_statement(reads: Reads) -> None:
    await played(reads.trade)
    cursor = (await reads.statement("supplier", limit=1))["cursor"]
    path, bad = f"/accounts/{story.SUPPLIER.b2b_id}/statement", (400, "READ-CURSOR")
    await reads.refused(path, "buyer", bad, cursor=cursor)
    await reads.refused("/accounts", "supplier", bad, cursor=cursor)


async def test_an_order_whose_id_stands_in_another_one_is_not_told_early(reads: Reads) -> None:
    await ordered(reads.trade)
    longer, number = f'{ORDER}"9', "PO/25-26/99"
    order = story.order(2, object_id=longer, number=number, current_version=2)
    order["purchaseOrder"]["objectVersion"] = {"currentVersion": 1, "newVersion": 1}
    await reads.trade.send("purchase-order/req-send", order)
    agreed = story.confirmation("ACCEPT", version=1, target="ACCEPTED", remarks="Agreed")
    agreed["poConfirmation"] |= {"objectId": longer, "buyerPONumber": number}
    await reads.trade.send("purchase-order/req-confirm", agreed)
    named = {"objectId": longer, "buyerPONumber": number, "orderDate": "2025-11-03"}
    await reads.trade.send("invoice/req-send-invoice", bills.invoice(1, poDetails=[named]))
    assert names((await reads.page("invoice", INVOICE_1))["refersTo"]) == [
        ("purchase-order", longer)
    ]
    edit = bills.invoice(
        1,
        objectVersion={"currentVersion": 1, "newVersion": 2},
        statusTransition={"currentStatus": "SENT TO BUYER", "newStatus": "SENT TO BUYER"},
    )
    await reads.trade.submit("invoice/req-edit-invoice", edit)
    assert names((await reads.page("invoice", INVOICE_1))["refersTo"]) == [
        ("purchase-order", longer)
    ]
