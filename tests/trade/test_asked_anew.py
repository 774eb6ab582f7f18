"""A request for financing that a lender's system declined, sent again with another invoice."""

from hundi.exchange.verdict import Decision
from hundi.simulator import story_money
from tests.trade import bills, loans
from tests.trade.lending import accepted_invoice, lending_desk
from tests.trade.test_financing import ANSWER, ASK, AT_A, SHARE
from tests.trade.test_story import INVOICE_1, INVOICE_2, billed


async def test_what_a_declined_request_offered_does_not_stand_in_the_way(
    database_url: str,
) -> None:
    async with lending_desk(database_url) as lending:
        second = await accepted_invoice(lending)
        await billed(lending, 1)
        first = bills.invoice(1)["invoice"]
        lending.answers = {"lender-a": Decision.DECLINED}
        await lending.send(ASK, loans.financing([first], lenders=["LENDER-A"], asked="1000.00"))
        lending.answers = {}
        await lending.send("payment/req-pay", story_money.payment(1))
        assert await lending.status(INVOICE_1) == "PAYMENT INITIATED"
        await lending.send(ASK, loans.financing([second], lenders=["LENDER-A"]))
        await lending.send(SHARE, loans.bid("BID-A1"), by="lender-a")
        await lending.send(ANSWER, loans.bid_answer({"BID-A1": "ACCEPT"}))
        assert (await lending.statuses("financing-request"))[AT_A] == "ACCEPTED"
        assert (await lending.books(INVOICE_2))["financed"] == 1
        assert "financed" not in await lending.books(INVOICE_1)
