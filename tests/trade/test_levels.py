"""Levels of verification on the road: level 2 pays, level 3 is paid, level 1 does all else."""

from functools import partial

from hundi.exchange.request import Refused
from hundi.parties.operations import set_level
from hundi.simulator import story, story_money
from tests.trade.desk import Desk
from tests.trade.test_story import INVOICE_1, billed, ordered

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
