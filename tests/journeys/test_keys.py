"""Idempotency keys under concurrency, over HTTP."""

from concurrent.futures import ThreadPoolExecutor

from hundi.simulator import story
from tests.journeys.traders import network, order_to, trading
from tests.until import until_seen

CALLERS = 16


def test_sixteen_callers_of_one_key_make_one_exchange(database_url: str) -> None:
    with (
        network(database_url) as (stage, address, _),
        trading(stage, address, story.BUYER, story.SUPPLIER) as (buyer, supplier),
    ):
        buyer.read("/documents")  # has its token now
        raw = order_to(supplier, 1)
        with ThreadPoolExecutor(CALLERS) as callers:
            answers = list(
                callers.map(
                    lambda _: buyer.post("req-send", raw, Idempotency_Key="one"), range(CALLERS)
                )
            )
        assert {answer.status for answer in answers} == {200}
        assert len({story.dumps(answer.body) for answer in answers}) == 1
        until_seen(lambda: buyer.took)
        assert (len(supplier.took), len(buyer.took)) == (1, 1)
        other = buyer.post("req-send", order_to(supplier, 2), Idempotency_Key="one")
        assert other.status == 422
        assert other.body["payload"]["resp"]["errorCd"] == "KEY-MISMATCH"
        assert len(buyer.read("/documents")["documents"]) == 1
