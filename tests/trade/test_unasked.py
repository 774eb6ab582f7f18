"""A lender cannot tell a financing request that has not reached him from one that does not exist."""

from collections.abc import AsyncIterator

import msgspec
import pytest

from hundi.exchange.request import Refused
from hundi.exchange.verdict import Decision
from hundi.simulator import story
from hundi.simulator.story_financing import REQUEST_ID
from tests.trade import bills, loans
from tests.trade.lending import Body, Lending, accepted_invoice, lending_desk
from tests.trade.test_financing import ASK, SHARE
from tests.trade.test_financing_sides import billed_first

NOWHERE = "FINREQ-9"


@pytest.fixture
async def lending(database_url: str) -> AsyncIterator[Lending]:
    """Buyer, supplier and two lenders."""
    async with lending_desk(database_url) as it:
        yield it


async def told(lending: Lending, request_id: str) -> str:
    """All that lender A is told when he bids on a request."""
    outcome = await lending.submit(SHARE, loans.bid("BID-A1", request_id=request_id), by="lender-a")
    assert isinstance(outcome, Refused), outcome
    faults = [fault.as_json() for fault in outcome.faults]
    answer = msgspec.json.encode([outcome.retry_after, faults]).decode()
    return answer.replace(request_id, "THAT")


def asked_by_the_buyer() -> Body:
    """The buyer asks about invoice 1, under the id that the supplier uses."""
    body = loans.financing([bills.invoice(1)["invoice"]], asked="717007.00")
    body["initiatorEntity"] = "BUYER"
    body["financeRequest"]["initiatorB2BId"] = story.BUYER.b2b_id
    return body


async def test_a_request_that_has_not_left_is_none(lending: Lending) -> None:
    invoice = await accepted_invoice(lending)
    await lending.submit(ASK, loans.financing([invoice]))
    assert "FIN-REQUEST-UNKNOWN" in await told(lending, NOWHERE)
    assert await told(lending, REQUEST_ID) == await told(lending, NOWHERE)


async def test_a_request_that_could_not_be_brought_is_none(lending: Lending) -> None:
    invoice = await accepted_invoice(lending)
    lending.answers["lender-a"] = Decision.FAILED
    await lending.send(ASK, loans.financing([invoice]))
    assert await told(lending, REQUEST_ID) == await told(lending, NOWHERE)
    await lending.send(SHARE, loans.bid("BID-B1"), by="lender-b")


async def test_initiators_are_not_named_before_they_have_asked(lending: Lending) -> None:
    invoice = await accepted_invoice(lending)
    await billed_first(lending)
    await lending.submit(ASK, loans.financing([invoice]))
    await lending.submit(ASK, asked_by_the_buyer(), by="buyer")
    assert await told(lending, REQUEST_ID) == await told(lending, NOWHERE)


async def test_an_answer_that_declined_the_request_keeps_it_known(lending: Lending) -> None:
    invoice = await accepted_invoice(lending)
    lending.answers["lender-a"] = Decision.DECLINED
    await lending.send(ASK, loans.financing([invoice]))
    assert "DOC-NO-MOVE" in await told(lending, REQUEST_ID)
