"""A bid ends no later than the request that it is on: nobody could answer it any more."""

import asyncio
from decimal import Decimal

import sqlalchemy as sa

from hundi.exchange import tables
from hundi.exchange.verdict import Decision
from hundi.kernel.clock import DAY
from tests.trade import bills, loans
from tests.trade.lending import Lending
from tests.trade.test_financing import ANSWER, ASK, AT_A, AT_B, SHARE, asked, both_bid, lending
from tests.trade.test_financing_ends import BY_A, events
from tests.trade.test_story import billed

__all__ = ["lending"]

PAST = 11 * DAY


async def time_is_up(lending: Lending, *object_ids: str) -> None:
    """The time of some documents is over, that of the others is not."""
    d = tables.deadline.c
    change = sa.update(tables.deadline).where(d.object_id.in_(object_ids))
    await lending.database.write(lambda tx: tx.execute(change.values(due_at=d.due_at - PAST)))


async def swept(lending: Lending) -> None:
    """What a dispatcher does within two seconds."""
    await lending.lapse()
    await lending.lapse()


async def open_bids(lending: Lending) -> list[str]:
    return [bid for bid, status in (await lending.statuses("bid")).items() if status == "OFFERED"]


async def test_a_late_bid_ends_with_its_request(lending: Lending) -> None:
    await asked(lending)
    await lending.send(SHARE, loans.bid("BID-A1"), **BY_A)
    await time_is_up(lending, AT_A, AT_B)
    await swept(lending)
    assert await lending.statuses("bid") == {"BID-A1": "EXPIRED"}
    assert set((await lending.statuses("financing-request")).values()) == {"EXPIRED"}
    assert await lending.rows(sa.select(tables.deadline)) == []
    for client_id in ("supplier", "lender-a"):
        told = [name for kind, _, name in await events(lending, client_id) if kind == "LAPSED"]
        assert told.count("BID-A1") == 1


async def test_all_bids_of_a_lender_end_and_those_of_another_go_on(lending: Lending) -> None:
    await asked(lending)
    await both_bid(lending)
    second = loans.bid("BID-A1")
    second["bid"]["bidDetails"][0]["bidId"] = "BID-A2"
    await lending.send(SHARE, second, **BY_A)
    await time_is_up(lending, AT_A)
    await swept(lending)
    assert await lending.statuses("financing-request") == {AT_A: "EXPIRED", AT_B: "BIDDING"}
    assert await open_bids(lending) == ["BID-B1"]
    await lending.send(ANSWER, loans.bid_answer({"BID-B1": "ACCEPT"}))
    assert (await lending.statuses("bid"))["BID-B1"] == "ACCEPTED"


async def test_a_bid_that_ends_before_its_request_leaves_it_open(lending: Lending) -> None:
    await asked(lending)
    await lending.send(SHARE, loans.bid("BID-A1"), **BY_A)
    await time_is_up(lending, "BID-A1")
    await swept(lending)
    assert await lending.statuses("bid") == {"BID-A1": "EXPIRED"}
    assert (await lending.statuses("financing-request"))[AT_A] == "BIDDING"


async def test_a_bid_waits_with_a_request_that_is_busy(lending: Lending) -> None:
    await asked(lending)
    await lending.send(SHARE, loans.bid("BID-A1"), **BY_A)
    await lending.submit(ANSWER, loans.bid_answer({"BID-A1": "ACCEPT"}))
    await time_is_up(lending, AT_A, AT_B)
    await swept(lending)
    assert await lending.statuses("financing-request") == {AT_A: "BIDDING", AT_B: "EXPIRED"}
    assert await open_bids(lending) == ["BID-A1"]
    await lending.deliver()
    await lending.time_passes(tables.deadline.c.due_at)
    await swept(lending)
    assert await lending.statuses("bid") == {"BID-A1": "ACCEPTED"}
    assert await lending.rows(sa.select(tables.deadline)) == []


async def test_sweepers_at_once_end_each_once(lending: Lending) -> None:
    await asked(lending)
    await both_bid(lending)
    await time_is_up(lending, AT_A, AT_B, "BID-A1")
    for _ in range(2):
        await asyncio.gather(*(lending.lapse() for _ in range(3)))
    assert await open_bids(lending) == []
    kinds = [kind for kind, *_ in await events(lending, "supplier")]
    assert kinds.count("LAPSED") == 4


async def test_a_bid_shared_anew_on_another_request_goes_on(lending: Lending) -> None:
    await asked(lending)
    lending.answers["supplier"] = Decision.DECLINED
    await lending.send(SHARE, loans.bid("BID-A1"), **BY_A)
    lending.answers.clear()
    await billed(lending, 1)
    invoice, less = bills.invoice(1)["invoice"], Decimal("663131.70")
    await lending.send(ASK, loans.financing([invoice], request_id="FINREQ-2", asked=str(less)))
    again = loans.bid("BID-A1", request_id="FINREQ-2")
    again["bid"]["financingRequestAmount"] = less
    again["bid"]["bidDetails"][0] |= {"approvedAmount": less, "invoiceFinDetails": []}
    await lending.send(SHARE, again, **BY_A)
    await time_is_up(lending, AT_A, AT_B)
    await swept(lending)
    assert (await lending.statuses("financing-request"))[AT_A] == "EXPIRED"
    assert await open_bids(lending) == ["BID-A1"]
