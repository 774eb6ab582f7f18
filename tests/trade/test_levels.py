"""Levels of verification on the road: level 2 pays, level 3 is paid, level 1 does all else."""

import asyncio
from functools import partial

from hundi.exchange.request import Refused
from hundi.parties.operations import set_level
from hundi.parties.queries import served
from hundi.simulator import story, story_money
from hundi.store.engine import Transaction
from tests.store.waiting import locked_out
from tests.trade import loans
from tests.trade.desk import Desk
from tests.trade.lending import Lending
from tests.trade.test_financing import ANSWER, SHARE, asked, lending
from tests.trade.test_story import INVOICE_1, billed, ordered

__all__ = ["lending"]

LENDER_A = loans.LENDERS["LENDER-A"].business.b2b_id
BUYER, SUPPLIER = story.BUYER.b2b_id, story.SUPPLIER.b2b_id
PAY = "payment/req-pay"


async def level(trade: Desk, b2b_id: str, to: int) -> None:
    """The operator writes down how far a business is verified."""
    await trade.database.write(partial(set_level, b2b_id=b2b_id, level=to))


async def test_businesses_of_level_1_exchange_documents_and_pay_nothing(trade: Desk) -> None:
    await level(trade, BUYER, 1)
    await level(trade, SUPPLIER, 1)
    await ordered(trade)
    await billed(trade, 1)
    assert set(await trade.refused(PAY, story_money.payment(1))) == {
        ("PAY-PAYER-LEVEL", "b2bIds.buyerB2BId"),
        ("PAY-PAYEE-LEVEL", "b2bIds.supplierB2BId"),
    }
    assert "due" not in await trade.reserved(INVOICE_1)
    await level(trade, BUYER, 2)
    await level(trade, SUPPLIER, 2)
    outcome = await trade.submit(PAY, story_money.payment(1))
    assert isinstance(outcome, Refused)
    [fault] = outcome.faults
    assert (fault.code, fault.context) == ("PAY-PAYEE-LEVEL", {"level": 2, "needed": 3})
    await level(trade, SUPPLIER, 3)
    await trade.send(PAY, story_money.payment(1))
    assert await trade.status(INVOICE_1) == "PAYMENT INITIATED"


async def test_what_was_taken_in_is_confirmed_whatever_the_level(trade: Desk) -> None:
    await ordered(trade)
    await billed(trade, 1)
    await trade.send(PAY, story_money.payment(1))
    await level(trade, BUYER, 1)
    await level(trade, SUPPLIER, 1)
    await trade.send("payment/req-pay-confirmation", story_money.payment_confirmation(1))
    assert await trade.status(INVOICE_1) == "PARTIALLY PAID"


async def test_a_lender_of_level_2_cannot_bid_nor_be_taken_nor_be_paid(lending: Lending) -> None:
    await asked(lending)
    await level(lending, LENDER_A, 2)
    found = await lending.refused(SHARE, loans.bid("BID-A1"))
    assert found == [("FIN-LENDER-LEVEL", "bid.bidDetails[0].financierId")]
    await level(lending, LENDER_A, 3)
    await lending.send(SHARE, loans.bid("BID-A1"))
    await level(lending, LENDER_A, 2)
    taken = loans.bid_answer({"BID-A1": "ACCEPT"})
    found = await lending.refused(ANSWER, taken)
    assert found == [("FIN-LENDER-LEVEL", "bidResponse.responses[0].financierId")]
    await level(lending, LENDER_A, 3)
    await lending.send(ANSWER, taken)
    await level(lending, LENDER_A, 2)
    found = await lending.refused(PAY, story_money.payment(3))
    assert found == [("PAY-PAYEE-LEVEL", "payment.invoicesPayInfos[0]")]
    await level(lending, LENDER_A, 3)
    await level(lending, SUPPLIER, 1)
    await lending.send(PAY, story_money.payment(3))


async def test_a_level_is_held_while_it_is_judged(trade: Desk) -> None:
    if trade.database.dialect == "sqlite":
        return  # one writer at a time
    judged, lowered = asyncio.Event(), asyncio.Event()

    async def judge(tx: Transaction) -> None:
        await served(tx, {SUPPLIER})
        judged.set()
        await locked_out(trade.database)
        assert not lowered.is_set()

    async def lower() -> None:
        await judged.wait()
        await level(trade, SUPPLIER, 1)
        lowered.set()

    await asyncio.gather(trade.database.write(judge), lower())
    assert lowered.is_set()
