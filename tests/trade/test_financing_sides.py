"""Who sees what of a financing, who may speak in it, and lenders who share a system or have none."""

import json
from collections.abc import AsyncIterator
from functools import partial

import msgspec
import pytest
import sqlalchemy as sa

from hundi.exchange import deliveries, queries, tables
from hundi.exchange.document_list import Filters
from hundi.exchange.history import history
from hundi.exchange.request import Accepted
from hundi.kernel.faults import RefusedError
from hundi.parties import tables as parties
from hundi.simulator import story
from tests.trade import bills, loans
from tests.trade.lending import Lending, accepted_invoice, lending_desk
from tests.trade.test_financing import ANSWER, ASK, AT_B, SHARE, asked, both_bid, lending
from tests.trade.test_financing_ends import BY_A, BY_B, events, outcome
from tests.trade.test_story import INVOICE_2

__all__ = ["lending"]


async def test_a_lender_sees_nothing_of_another_lender(lending: Lending) -> None:
    await asked(lending)
    await both_bid(lending)
    await lending.send(ANSWER, loans.bid_answer({"BID-A1": "ACCEPT"}))
    x, lender_a = tables.exchange.c, loans.LENDERS["LENDER-A"].business.b2b_id
    for_a = await lending.rows(
        sa.select(x.req_msg_id).where(sa.or_(x.sender_b2b == lender_a, x.receiver_b2b == lender_a))
    )
    assert for_a
    for row in for_a:
        with pytest.raises(RefusedError):
            await lending.database.read(
                partial(deliveries.exchange, client_id="lender-b", req_msg_id=row["req_msg_id"])
            )
    page = await lending.database.read(
        lambda tx: queries.documents(tx, "lender-b", Filters(), after="", limit=50)
    )
    named = page["documents"]
    assert isinstance(named, list)
    assert {one["objectId"] for one in named} == {AT_B, "BID-B1"}
    # What it is asked comes as it was sent, with all who are asked: decision 10.
    mine = [(path, body) for who, path, body in lending.bodies if who == "lender-b"]
    told = [body for path, body in mine if not path.endswith("requestFinancing")]
    assert len(mine) - len(told) == 1
    assert len(told) > 0
    for body in told:
        assert b"BID-A1" not in body
        assert b"LENDER-A" not in body
    assert {object_id for *_, object_id in await events(lending, "lender-b")} == {AT_B}


async def test_the_buyer_sees_no_financing_exchange(lending: Lending) -> None:
    await asked(lending)
    await both_bid(lending)
    await lending.send(ANSWER, loans.bid_answer({"BID-A1": "ACCEPT"}))
    page = await lending.database.read(
        lambda tx: queries.documents(tx, "buyer", Filters(), after="", limit=50)
    )
    named = page["documents"]
    assert isinstance(named, list)
    assert {one["type"] for one in named} == {"purchase-order", "invoice"}
    told = await lending.database.read(
        lambda tx: history(tx, "buyer", named=("invoice", INVOICE_2, ""))
    )
    assert told["verified"]
    entries = told["entries"]
    assert isinstance(entries, list)
    found = await lending.database.read(
        lambda tx: queries.document(
            tx, "buyer", lending.road.messages, type_="invoice", object_id=INVOICE_2
        )
    )
    assert found.shown["assignedTo"] == loans.LENDERS["LENDER-A"].business.b2b_id
    page = msgspec.json.encode(found.shown)
    assert b"financ" not in page.replace(b"invoiceFinancingDetails", b"")
    shown = {one["message"] for one in entries if not one["withheld"]}
    assert not [one for one in shown if "financ" in one or "bid" in one]


@pytest.fixture
async def platform(database_url: str) -> AsyncIterator[Lending]:
    """Both lenders are served by one platform's system."""
    async with lending_desk(database_url, one_platform=True) as it:
        yield it


async def test_a_platform_shares_bids_of_two_lenders_in_one_call(platform: Lending) -> None:
    await asked(platform)
    shared = await platform.send(SHARE, loans.bid("BID-A1", "BID-B1"), by="platform")
    assert set((await platform.statuses("bid")).values()) == {"OFFERED"}
    bodies = [
        json.loads(body)["bid"]["bidDetails"] for body in platform.told("supplier", "shareBid")
    ]
    assert sorted(one["bidId"] for [one] in bodies) == ["BID-A1", "BID-B1"]
    [told] = platform.told("platform", "respShareBid")
    assert json.loads(told)["resp"]["reqMsgId"] == shared.req_msg_id
    assert len(json.loads(told)["bid"]["bidDetails"]) == 2


async def test_a_lender_with_a_mailbox_is_settled_with_at_once(database_url: str) -> None:
    async with lending_desk(database_url, one_platform=True, mailbox="platform") as it:
        invoice = await accepted_invoice(it)
        accepted = await it.submit(ASK, loans.financing([invoice]))
        assert isinstance(accepted, Accepted)
        assert accepted.state == "ENDED"
        await it.deliver()
        assert (await outcome(it, "respRequestFinancing"))["result"] == "SUCCESS"
        await it.send(SHARE, loans.bid("BID-A1", "BID-B1"), by="platform")
        await it.send(ANSWER, loans.bid_answer({"BID-B1": "ACCEPT"}))
        assert await it.statuses("bid") == {"BID-A1": "REFUSED", "BID-B1": "ACCEPTED"}


async def test_a_loser_with_a_mailbox_waits_for_the_winner(lending: Lending) -> None:
    await asked(lending)
    await both_bid(lending)
    change = sa.update(parties.client).where(parties.client.c.client_id == "lender-b")
    await lending.database.write(lambda tx: tx.execute(change.values(mailbox=True)))
    await lending.submit(ANSWER, loans.bid_answer({"BID-A1": "ACCEPT"}))
    assert await lending.statuses("bid") == {"BID-A1": "OFFERED", "BID-B1": "OFFERED"}
    await lending.deliver()
    assert await lending.statuses("bid") == {"BID-A1": "ACCEPTED", "BID-B1": "REFUSED"}
    assert (await outcome(lending, "respRespondBid"))["result"] == "SUCCESS"


async def test_a_loser_with_a_mailbox_knows_nothing_before(lending: Lending) -> None:
    await asked(lending)
    await both_bid(lending)
    change = sa.update(parties.client).where(parties.client.c.client_id == "lender-b")
    await lending.database.write(lambda tx: tx.execute(change.values(mailbox=True)))
    before = await events(lending, "lender-b")
    await lending.submit(ANSWER, loans.bid_answer({"BID-A1": "ACCEPT"}))
    again = await lending.refused(ANSWER, loans.bid_answer({"BID-B1": "REJECT"}))
    assert {code for code, _ in again} == {"DOC-BUSY"}
    repeated = await lending.refused(SHARE, loans.bid("BID-B1"), **BY_B)
    assert {code for code, _ in repeated} == {"DOC-EXISTS"}
    [waits] = await lending.rows(
        sa.select(tables.exchange.c.req_msg_id).where(tables.exchange.c.leader_id.is_not(None))
    )
    with pytest.raises(RefusedError):
        await lending.database.read(
            lambda tx: deliveries.exchange(tx, client_id="lender-b", req_msg_id=waits["req_msg_id"])
        )
    assert await events(lending, "lender-b") == before


async def test_who_may_not_speak(lending: Lending) -> None:
    invoice = await accepted_invoice(lending)
    body = loans.financing([invoice])
    assert await lending.refused(ASK, body, by="lender-a") == [
        ("PARTY-NOT-YOURS", "financeRequest.initiatorB2BId")
    ]
    unknown = loans.financing([invoice], lenders=["LENDER-A", "LENDER-Z"])
    assert await lending.refused(ASK, unknown) == [
        ("PARTY-UNKNOWN", "financeRequest.financeId[0].financierId[1]")
    ]
    await lending.send(ASK, body)
    assert await lending.refused(SHARE, loans.bid("BID-A1"), **BY_B) == [
        ("FIN-NOT-THE-LENDER", "bid.bidDetails[0].financierId")
    ]
    nobody = loans.bid("BID-A1", request_id="FINREQ-9")
    assert await lending.refused(SHARE, nobody, **BY_A) == [
        ("FIN-REQUEST-UNKNOWN", "bid.financingRequestId")
    ]
    answer = loans.bid_answer({"BID-A1": "ACCEPT"})
    assert await lending.refused(ANSWER, answer) == [
        ("DOC-UNKNOWN", "bidResponse.responses[0].bidId")
    ]
    answer["b2bIds"] = body["b2bIds"]
    assert await lending.refused(ANSWER, answer, by="lender-a") == [
        ("FIN-NOT-THE-INITIATOR", "b2bIds")
    ]
    del answer["b2bIds"]
    assert await lending.refused(ANSWER, answer, by="buyer") == [
        ("FIN-REQUEST-UNKNOWN", "bidResponse.financingRequestId")
    ]


async def test_two_initiators_with_the_same_id_cannot_be_told_apart(lending: Lending) -> None:
    await asked(lending)
    await lending.rows(sa.select(tables.document))  # the buyer asks under the same id
    await billed_first(lending)
    body = loans.financing([bills.invoice(1)["invoice"]], asked="717007.00")
    body["initiatorEntity"] = "BUYER"
    body["financeRequest"]["initiatorB2BId"] = story.BUYER.b2b_id
    await lending.send(ASK, body, by="buyer")
    assert await lending.refused(SHARE, loans.bid("BID-A1"), **BY_A) == [
        ("FIN-AMBIGUOUS", "bid.financingRequestId")
    ]


async def billed_first(lending: Lending) -> None:
    """Invoice 1 too is accepted."""
    await lending.send("invoice/req-send-invoice", bills.invoice(1))
    confirmed = bills.invoice_confirmation("ACCEPT", "ACCEPTED")
    await lending.send("invoice/req-confirm-invoice", confirmed)
