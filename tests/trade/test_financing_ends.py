"""How financing ends otherwise: declined, unanswered, refused, repeated, lapsed, and who is told."""

import asyncio
import json
from random import Random

import pytest
import sqlalchemy as sa

from hundi.documents import MESSAGES
from hundi.exchange import deliveries, feed, redrive, tables
from hundi.exchange.endpoints import Changes, set_client
from hundi.exchange.gate import Road
from hundi.exchange.history import history
from hundi.exchange.request import Accepted, Refused
from hundi.exchange.verdict import Decision
from hundi.kernel.faults import RefusedError
from hundi.simulator.story_financing import REQUEST_ID
from tests.keys import KEYRING
from tests.trade import bills, loans
from tests.trade.lending import Lending, accepted_invoice
from tests.trade.test_financing import ANSWER, ASK, AT_A, AT_B, SHARE, asked, both_bid, lending
from tests.trade.test_story import INVOICE_2

__all__ = ["lending"]

BY_A, BY_B = {"by": "lender-a"}, {"by": "lender-b"}


async def outcome(lending: Lending, name: str) -> dict[str, str]:
    """The last `resp-X` of that name that the supplier's system got."""
    body = json.loads(lending.told("supplier", name)[-1])
    resp: dict[str, str] = body["resp"]
    return resp


async def events(lending: Lending, client_id: str) -> list[tuple[str, str, str]]:
    """What a client's feed tells: kind, type, objectId."""
    await lending.database.write(feed.number_events)
    rows = await lending.database.read(lambda tx: feed.events(tx, client_id, after=0, limit=1000))
    return [(row["kind"], row["type"], row["object_id"]) for row in rows]


async def test_one_lender_declines(lending: Lending) -> None:
    lending.answers["lender-b"] = Decision.DECLINED
    receipt = await asked(lending)
    assert await lending.statuses("financing-request") == {AT_A: "REQUESTED", AT_B: ""}
    resp = await outcome(lending, "respRequestFinancing")
    assert (resp["reqMsgId"], resp["result"], resp["errorCd"]) == (receipt, "PARTIAL", "ERP-NO")
    assert loans.LENDERS["LENDER-B"].business.b2b_id in resp["errorDtl"]
    assert (await lending.reserved(INVOICE_2))["financed"] == 1


async def test_both_decline_and_the_invoice_is_free_again(lending: Lending) -> None:
    lending.answers |= {"lender-a": Decision.DECLINED, "lender-b": Decision.DECLINED}
    await asked(lending)
    assert (await outcome(lending, "respRequestFinancing"))["result"] == "FAILURE"
    assert "financed" not in await lending.reserved(INVOICE_2)
    lending.answers.clear()
    again = loans.financing([bills.invoice(2)["invoice"]])
    await lending.send(ASK, again)
    assert set((await lending.statuses("financing-request")).values()) == {"REQUESTED"}


async def test_a_lender_who_is_down_until_the_exchange_expires(lending: Lending) -> None:
    lending.answers["lender-b"] = Decision.FAILED
    receipt = await asked(lending)
    assert lending.told("supplier", "respRequestFinancing") == []
    assert await receipt_of(lending, receipt) == ("OPEN", "PENDING", {"SETTLED", "OPEN"})
    await lending.time_passes(tables.exchange.c.expires_at)
    for _ in range(2):
        await lending.expire()
    await lending.deliver()
    assert (await outcome(lending, "respRequestFinancing"))["result"] == "PARTIAL"
    assert await receipt_of(lending, receipt) == ("ENDED", "PARTIAL", {"SETTLED", "EXPIRED"})
    assert (await lending.reserved(INVOICE_2))["financed"] == 1
    assert len(lending.told("supplier", "respRequestFinancing")) == 1


async def receipt_of(lending: Lending, receipt: str) -> tuple[object, object, set[object]]:
    """State and result of a receipt, and the states of its exchanges, as its sender reads them."""
    told = await lending.database.read(
        lambda tx: deliveries.exchange(tx, client_id="supplier", req_msg_id=receipt)
    )
    exchanges = told["exchanges"]
    assert isinstance(exchanges, list)
    return told["state"], told["result"], {one["state"] for one in exchanges}


async def test_all_bids_are_refused_and_the_invoice_is_free_again(lending: Lending) -> None:
    await asked(lending)
    await both_bid(lending)
    await lending.send(ANSWER, loans.bid_answer({"BID-A1": "REJECT", "BID-B1": "REJECT"}))
    assert set((await lending.statuses("bid")).values()) == {"REFUSED"}
    assert set((await lending.statuses("financing-request")).values()) == {"DECLINED"}
    assert "financed" not in await lending.reserved(INVOICE_2)
    assert "financed" not in await lending.books(INVOICE_2)


async def test_one_lender_is_refused_and_the_other_stays(lending: Lending) -> None:
    await asked(lending)
    await both_bid(lending)
    await lending.send(ANSWER, loans.bid_answer({"BID-B1": "REJECT"}))
    assert await lending.statuses("financing-request") == {AT_A: "BIDDING", AT_B: "DECLINED"}
    assert lending.told("lender-a", "respondBid") == []
    await lending.send(ANSWER, loans.bid_answer({"BID-A1": "ACCEPT"}))
    assert (await lending.books(INVOICE_2))["financed"] == 1


async def test_a_client_keeps_its_mode_while_it_waits_for_a_winner(lending: Lending) -> None:
    await asked(lending)
    await both_bid(lending)
    lending.answers["lender-a"] = Decision.ASK_AGAIN
    await lending.send(ANSWER, loans.bid_answer({"BID-A1": "ACCEPT", "BID-B1": "REJECT"}))
    for name, count in (("supplier", 2), ("lender-a", 1), ("lender-b", 1)):
        with pytest.raises(RefusedError) as refused:
            await set_client(
                lending.database, name, Changes(mailbox=True),
                keyring=KEYRING, random=Random(1).randbytes,
            )  # fmt: skip
        assert refused.value.faults[0].context == {"open": count, "facts": 0}


async def test_the_others_are_not_told_before_the_winner_has_agreed(lending: Lending) -> None:
    await asked(lending)
    await both_bid(lending)
    lending.answers["lender-a"] = Decision.ASK_AGAIN
    await lending.send(ANSWER, loans.bid_answer({"BID-A1": "ACCEPT", "BID-B1": "REJECT"}))
    assert lending.told("lender-b", "respondBid") == []
    w = tables.delivery.c
    [held] = await lending.rows(sa.select(w.webhook_id).where(w.state == "HELD"))
    with pytest.raises(RefusedError) as refused:
        await lending.database.write(
            lambda tx: redrive.redrive(tx, client_id="supplier", webhook_id=held["webhook_id"])
        )
    assert refused.value.faults[0].code == "DELIVERY-HELD"
    lending.answers.clear()
    await lending.time_passes(w.due_at)
    await lending.deliver()
    assert len(lending.told("lender-b", "respondBid")) == 1
    assert await lending.statuses("bid") == {"BID-A1": "ACCEPTED", "BID-B1": "REFUSED"}
    assert (await outcome(lending, "respRespondBid"))["result"] == "SUCCESS"


async def test_where_the_winner_declines_the_others_never_knew(lending: Lending) -> None:
    await asked(lending)
    await both_bid(lending)
    lending.answers["lender-a"] = Decision.DECLINED
    await lending.send(ANSWER, loans.bid_answer({"BID-A1": "ACCEPT"}))
    resp = await outcome(lending, "respRespondBid")
    assert (resp["result"], resp["errorCd"]) == ("FAILURE", "ERP-NO")
    assert await lending.states() == ["ABANDONED", "DECLINED", "SETTLED", "SETTLED"]
    assert lending.told("lender-b", "respondBid") == []
    assert await lending.statuses("bid") == {"BID-A1": "OFFERED", "BID-B1": "OFFERED"}
    lending.answers.clear()
    await lending.send(ANSWER, loans.bid_answer({"BID-B1": "ACCEPT"}))
    assert await lending.statuses("bid") == {"BID-A1": "REFUSED", "BID-B1": "ACCEPTED"}
    assert await lending.statuses("financing-request") == {AT_A: "DECLINED", AT_B: "ACCEPTED"}


async def test_a_loser_that_does_not_answer_lapses(lending: Lending) -> None:
    await asked(lending)
    await both_bid(lending)
    lending.answers["lender-b"] = Decision.DECLINED
    await lending.send(ANSWER, loans.bid_answer({"BID-A1": "ACCEPT"}))
    assert (await outcome(lending, "respRespondBid"))["result"] == "PARTIAL"
    assert (await lending.statuses("bid"))["BID-B1"] == "OFFERED"
    again = loans.bid_answer({"BID-B1": "ACCEPT"})
    wanted = [("FIN-FINANCED", "bidResponse.responses[0].response")]
    assert await lending.refused(ANSWER, again) == wanted
    await lending.lapse()
    assert await lending.statuses("bid") == {"BID-A1": "ACCEPTED", "BID-B1": "EXPIRED"}
    assert await lending.statuses("financing-request") == {AT_A: "ACCEPTED", AT_B: "EXPIRED"}
    assert "financed" not in await lending.reserved(INVOICE_2)


async def test_row_t_an_invoice_is_financed_once(lending: Lending) -> None:
    await asked(lending)
    invoice = bills.invoice(2)["invoice"]
    second = loans.financing([invoice], request_id="FINREQ-2")
    path = "financeRequest.invoices[0].objectId"
    assert await lending.refused(ASK, second) == [("FIN-FINANCED", path)]
    await both_bid(lending)
    await lending.send(ANSWER, loans.bid_answer({"BID-A1": "ACCEPT"}))
    assert await lending.refused(ASK, second) == [("FIN-FINANCED", path)]


async def test_the_same_request_again_exists(lending: Lending) -> None:
    await asked(lending)
    again = loans.financing([bills.invoice(2)["invoice"]])
    assert {code for code, _ in await lending.refused(ASK, again)} == {"DOC-EXISTS"}


async def test_a_lender_may_be_asked_later_in_the_same_request(lending: Lending) -> None:
    invoice = await accepted_invoice(lending)
    await lending.send(ASK, loans.financing([invoice], lenders=["LENDER-A"]))
    await lending.send(ASK, loans.financing([invoice], lenders=["LENDER-B"]))
    assert (await lending.reserved(INVOICE_2))["financed"] == 2
    assert await lending.states() == []


async def test_an_assigned_invoice_is_neither_cancelled_nor_closed(lending: Lending) -> None:
    await asked(lending)
    closing = bills.invoice_status("CLOSE", "ACCEPTED", "CLOSED", number=2)
    wanted = [("INV-FINANCED", "invoiceStatus.supplierAction")]
    change = "invoice/req-status-change-invoice"
    assert await lending.refused(change, closing) == wanted
    await both_bid(lending)
    await lending.send(ANSWER, loans.bid_answer({"BID-A1": "ACCEPT"}))
    assert await lending.refused(change, closing) == wanted


async def test_two_answers_at_once_take_one_bid(lending: Lending) -> None:
    await asked(lending)
    await both_bid(lending)
    outcomes = await asyncio.gather(
        lending.submit(ANSWER, loans.bid_answer({"BID-A1": "ACCEPT"})),
        lending.submit(ANSWER, loans.bid_answer({"BID-B1": "ACCEPT"})),
    )
    [refused] = [one for one in outcomes if isinstance(one, Refused)]
    assert {fault.code for fault in refused.faults} == {"DOC-BUSY"}
    await lending.deliver()
    assert sorted((await lending.statuses("bid")).values()) == ["ACCEPTED", "REFUSED"]
    assert (await lending.books(INVOICE_2))["financed"] == 1


async def test_two_processes_take_one_bid(lending: Lending) -> None:
    """Each accepts by itself: what decides is in the database."""
    await asked(lending)
    await both_bid(lending)
    other = Road(lending.database, MESSAGES, random=Random(2).randbytes, accepted=lambda: None)
    second = Lending(lending.database, other, lending.outbox)
    outcomes = await asyncio.gather(
        lending.submit(ANSWER, loans.bid_answer({"BID-A1": "ACCEPT"})),
        second.submit(ANSWER, loans.bid_answer({"BID-B1": "ACCEPT"})),
    )
    assert sorted(isinstance(one, Accepted) for one in outcomes) == [False, True]
    await lending.deliver()
    assert sorted((await lending.statuses("bid")).values()) == ["ACCEPTED", "REFUSED"]
    assert (await lending.books(INVOICE_2))["financed"] == 1


async def test_a_bid_that_came_while_another_was_taken_is_not_taken_too(lending: Lending) -> None:
    await asked(lending)
    await lending.send(SHARE, loans.bid("BID-A1"), **BY_A)
    await lending.submit(ANSWER, loans.bid_answer({"BID-A1": "ACCEPT"}))
    lending.answers["lender-a"] = Decision.ASK_AGAIN
    await lending.deliver()
    await lending.send(SHARE, loans.bid("BID-B1"), **BY_B)
    both = loans.bid_answer({"BID-B1": "ACCEPT"})
    assert {code for code, _ in await lending.refused(ANSWER, both)} == {"DOC-BUSY"}
    lending.answers.clear()
    await lending.time_passes(tables.delivery.c.due_at)
    await lending.deliver()
    wanted = [("FIN-FINANCED", "bidResponse.responses[0].response")]
    assert await lending.refused(ANSWER, both) == wanted


async def test_a_repeat_under_the_same_key_gets_the_same_receipt(lending: Lending) -> None:
    invoice = await accepted_invoice(lending)
    body = loans.financing([invoice])
    first = await lending.submit(ASK, body, key="K1")
    again = await lending.submit(ASK, body, key="K1")
    assert isinstance(first, Accepted)
    assert isinstance(again, Accepted)
    assert (again.req_msg_id, again.response) == (first.req_msg_id, first.response)
    assert (first.state, again.state, again.replayed) == ("OPEN", "OPEN", True)
    await lending.deliver()
    ended = await lending.submit(ASK, body, key="K1")
    assert isinstance(ended, Accepted)
    assert ended.state == "ENDED"
    assert len(await lending.rows(sa.select(tables.receipt.c.receipt_id))) == 1


async def test_what_nobody_answers_lapses_once(lending: Lending) -> None:
    await asked(lending)
    await lending.send(SHARE, loans.bid("BID-A1"), **BY_A)
    await lending.time_passes(tables.deadline.c.due_at)
    await asyncio.gather(*(lending.lapse() for _ in range(3)))
    assert set((await lending.statuses("financing-request")).values()) == {"EXPIRED"}
    assert await lending.statuses("bid") == {"BID-A1": "EXPIRED"}
    assert "financed" not in await lending.reserved(INVOICE_2)
    for client_id, lapsed in (("supplier", 3), ("lender-a", 2), ("lender-b", 1)):
        kinds = [kind for kind, *_ in await events(lending, client_id)]
        assert kinds.count("LAPSED") == lapsed
    assert await lending.rows(sa.select(tables.deadline)) == []
    late = await lending.refused(SHARE, loans.bid("BID-B1"), **BY_B)
    assert late == [("DOC-NO-MOVE", "bid.financingRequestId")]
    told = await lending.database.read(
        lambda tx: history(tx, "lender-b", named=("financing-request", AT_B, ""))
    )
    assert told["verified"]


async def test_a_request_that_is_busy_does_not_lapse(lending: Lending) -> None:
    await asked(lending)
    await lending.submit(SHARE, loans.bid("BID-A1"), **BY_A)
    await lending.time_passes(tables.deadline.c.due_at)
    await lending.lapse()
    statuses = await lending.statuses("financing-request")
    assert statuses == {AT_A: "REQUESTED", AT_B: "EXPIRED"}
    await lending.deliver()
    await lending.time_passes(tables.deadline.c.due_at)
    await lending.lapse()
    assert (await lending.statuses("financing-request"))[AT_A] == "EXPIRED"


async def test_nobody_waits_for_the_others_once_one_has_lent(lending: Lending) -> None:
    await asked(lending)
    await lending.send(SHARE, loans.bid("BID-A1"), **BY_A)
    await lending.send(ANSWER, loans.bid_answer({"BID-A1": "ACCEPT"}))
    assert lending.told("lender-b", "respondBid") == []
    await lending.lapse()
    assert await lending.statuses("financing-request") == {AT_A: "ACCEPTED", AT_B: "EXPIRED"}
    assert "financed" not in await lending.reserved(INVOICE_2)
    assert (await lending.books(INVOICE_2))["financed"] == 1


async def test_a_bid_is_shared_once_and_answered_whole(lending: Lending) -> None:
    await asked(lending)
    await lending.send(SHARE, loans.bid("BID-A1"), **BY_A)
    assert await lending.refused(SHARE, loans.bid("BID-A1"), **BY_A) == [
        ("DOC-EXISTS", "bid.bidDetails[0].bidId")
    ]
    assert REQUEST_ID in AT_A
