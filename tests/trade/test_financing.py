"""Section 8 of the trade story on the road: two lenders are asked, both bid, one is taken."""

import json
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from hundi.exchange import feed, tables
from hundi.simulator import story_money
from hundi.simulator.story_financing import REQUEST_ID
from tests.trade import loans
from tests.trade.lending import Lending, accepted_invoice, lending_desk
from tests.trade.test_story import INVOICE_2

ASK, SHARE, ANSWER = (
    "financing-request/req-financing",
    "bid/share-bid",
    "financing-request/respond-bid",
)
AT_A, AT_B = f"{REQUEST_ID}/LENDER-A", f"{REQUEST_ID}/LENDER-B"


@pytest.fixture
async def lending(database_url: str) -> AsyncIterator[Lending]:
    """Buyer, supplier and two lenders, each with a system of its own."""
    async with lending_desk(database_url) as it:
        yield it


async def asked(lending: Lending) -> str:
    """Both lenders hold the request; the receipt."""
    invoice = await accepted_invoice(lending)
    accepted = await lending.send(ASK, loans.financing([invoice]))
    return accepted.req_msg_id


async def both_bid(lending: Lending) -> None:
    """Both lenders have bid."""
    await lending.send(SHARE, loans.bid("BID-A1"), by="lender-a")
    await lending.send(SHARE, loans.bid("BID-B1"), by="lender-b")


async def test_two_lenders_are_asked_and_the_sender_hears_once(lending: Lending) -> None:
    receipt = await asked(lending)
    assert await lending.statuses("financing-request") == {AT_A: "REQUESTED", AT_B: "REQUESTED"}
    assert await lending.states() == ["SETTLED", "SETTLED"]
    assert (await lending.reserved(INVOICE_2))["financed"] == 2
    [told] = lending.told("supplier", "respRequestFinancing")
    resp = json.loads(told)["resp"]
    assert (resp["reqMsgId"], resp["result"]) == (receipt, "SUCCESS")
    assert len(lending.told("lender-a", "requestFinancing")) == 1
    assert len(lending.told("lender-b", "requestFinancing")) == 1


async def test_one_bid_is_taken_and_the_others_are_told(lending: Lending) -> None:
    await asked(lending)
    await both_bid(lending)
    assert await lending.statuses("bid") == {"BID-A1": "OFFERED", "BID-B1": "OFFERED"}
    assert set((await lending.statuses("financing-request")).values()) == {"BIDDING"}
    await lending.send(ANSWER, loans.bid_answer({"BID-A1": "ACCEPT"}))
    assert await lending.statuses("bid") == {"BID-A1": "ACCEPTED", "BID-B1": "REFUSED"}
    assert await lending.statuses("financing-request") == {AT_A: "ACCEPTED", AT_B: "DECLINED"}
    assert (await lending.books(INVOICE_2))["financed"] == 1
    assert "financed" not in await lending.reserved(INVOICE_2)
    [told] = lending.told("lender-b", "respondBid")
    assert json.loads(told)["bidResponse"]["responses"] == [
        {"bidId": "BID-B1", "financierId": "LENDER-B", "response": "REJECT"}
    ]
    [resp] = [json.loads(b)["resp"] for b in lending.told("supplier", "respRespondBid")]
    assert resp["result"] == "SUCCESS"


async def test_bids_of_two_lenders_may_have_one_id(lending: Lending) -> None:
    await asked(lending)
    for lender, named in (("lender-a", "BID-A1"), ("lender-b", "BID-B1")):
        body = loans.bid(named)
        body["bid"]["bidDetails"][0]["bidId"] = "BID-1"
        await lending.send(SHARE, body, by=lender)
    answer = loans.bid_answer({"BID-A1": "REJECT", "BID-B1": "ACCEPT"})
    for one in answer["bidResponse"]["responses"]:
        one["bidId"] = "BID-1"
    await lending.send(ANSWER, answer)
    assert await lending.statuses("financing-request") == {AT_A: "DECLINED", AT_B: "ACCEPTED"}
    answered = [
        [one["response"] for one in json.loads(told)["bidResponse"]["responses"]]
        for lender in ("lender-a", "lender-b")
        for told in lending.told(lender, "respondBid")
    ]
    assert answered == [["REJECT"], ["ACCEPT"]], "each hears of his own alone"


async def assigned(lending: Lending) -> None:
    """Lender A has bought invoice 2."""
    await asked(lending)
    await both_bid(lending)
    await lending.send(ANSWER, loans.bid_answer({"BID-A1": "ACCEPT"}))


async def warnings_of(lending: Lending, req_msg_id: str) -> list[str]:
    """Codes of what was odd about an exchange, as both of its sides read them."""
    x = tables.exchange.c
    [row] = await lending.rows(sa.select(x.warnings).where(x.req_msg_id == req_msg_id))
    return [warning["code"] for warning in json.loads(row["warnings"])]


async def warned(lending: Lending) -> list[tuple[str, str]]:
    """What lender A's feed tells him of his invoice: message and objectId."""
    await lending.database.write(feed.number_events)
    rows = await lending.database.read(lambda tx: feed.events(tx, "lender-a", after=0, limit=100))
    return [(row["message"], row["object_id"]) for row in rows if row["kind"] == "WARNED"]


async def test_the_lender_is_paid(lending: Lending) -> None:
    await assigned(lending)
    paid = await lending.send("payment/req-pay", story_money.payment(3))
    assert "PAY-PAYEE" not in await warnings_of(lending, paid.req_msg_id)
    await lending.send("payment/req-pay-confirmation", story_money.payment_confirmation(3))
    assert await lending.status(INVOICE_2) == "PAID"
    assert await warned(lending) == []


async def test_row_s_the_supplier_is_paid_for_what_the_lender_has_bought(lending: Lending) -> None:
    await assigned(lending)
    body = story_money.payment(3)
    body["payment"]["invoicesPayInfos"][0]["supplierBankAccountDetails"] = story_money.OF_SUPPLIER
    paid = await lending.send("payment/req-pay", body)
    assert await warnings_of(lending, paid.req_msg_id) == ["PAY-PAYEE"]
    assert await warned(lending) == [("payment/req-pay", INVOICE_2)]
