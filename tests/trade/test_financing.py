"""Section 8 of the trade story on the road: two lenders are asked, both bid, one is taken."""

import json
from collections.abc import AsyncIterator

import pytest

from hundi.simulator import story_finance
from hundi.simulator.story_finance import REQUEST_ID
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
    accepted = await lending.send(ASK, story_finance.financing([invoice]))
    return accepted.req_msg_id


async def both_bid(lending: Lending) -> None:
    """Both lenders have bid."""
    await lending.send(SHARE, story_finance.bid("BID-A1"), by="lender-a")
    await lending.send(SHARE, story_finance.bid("BID-B1"), by="lender-b")


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
    await lending.send(ANSWER, story_finance.bid_answer({"BID-A1": "ACCEPT"}))
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
