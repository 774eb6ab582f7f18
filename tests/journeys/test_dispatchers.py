"""Several dispatchers over one PostgreSQL: each webhook goes out once."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from hundi.simulator import story
from tests.journeys.traders import network, order_to, result_of, trading
from tests.until import until_seen

ORDERS = 150


def test_two_dispatchers_send_every_webhook_once(postgres_url: str) -> None:
    with (
        network(postgres_url, "api", "dispatcher", "dispatcher") as (stage, address, _),
        trading(stage, address, story.BUYER, story.SUPPLIER) as (buyer, supplier),
    ):
        buyer.read("/documents")  # has its token now
        with ThreadPoolExecutor(8) as callers:
            acks = list(
                callers.map(
                    lambda n: result_of(buyer.post("req-send", order_to(supplier, n))),
                    range(ORDERS),
                )
            )
        sent = {ack["reqMsgId"] for ack in acks}
        assert len(sent) == ORDERS
        until_seen(lambda: len(buyer.took) >= ORDERS, 200)
        for trader in (buyer, supplier):
            taken = Counter(webhook.headers["hundi-exchange"] for webhook in trader.took)
            assert taken.keys() == sent
            assert set(taken.values()) == {1}
