"""One call to more receivers than anybody has: refused before any of it is worked out."""

from tests.trade import loans
from tests.trade.lending import accepted_invoice, lending_desk


async def test_lenders_by_the_thousand_are_refused_at_once(database_url: str) -> None:
    async with lending_desk(database_url) as lending:
        body = loans.financing([await accepted_invoice(lending)])
        names = [f"NOBODY-{n}" for n in range(3000)]
        body["financeRequest"]["financeId"][0]["financierId"] = names
        found = await lending.refused("financing-request/req-financing", body)
        assert found == [("EXCHANGE-TOO-MANY", "financeRequest")]


async def test_bids_of_too_many_lenders_are_refused(database_url: str) -> None:
    async with lending_desk(database_url) as lending:
        body = loans.bid("BID-A1")
        one = body["bid"]["bidDetails"][0]
        body["bid"]["bidDetails"] = [one | {"financierId": f"NOBODY-{n}"} for n in range(300)]
        found = await lending.refused("bid/share-bid", body)
        assert found == [("SHAPE-LENGTH", "bid.bidDetails")]
