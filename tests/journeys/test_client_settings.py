"""What `hundi client set` and `rotate-secret` change reaches the next webhook of a running server."""

from hundi.kernel.clock import wall_clock
from hundi.kernel.signature import verify
from hundi.simulator import story
from tests.journeys.traders import (
    Receiver,
    Trader,
    Webhook,
    network,
    order_to,
    result_of,
    trading,
)
from tests.until import until_seen


def test_the_next_webhook_goes_by_what_was_set(database_url: str) -> None:
    with (
        network(database_url) as (stage, address, _),
        trading(stage, address, story.BUYER, story.SUPPLIER) as (buyer, supplier),
    ):
        client = ("--client", supplier.credentials["clientId"])
        old = supplier.credentials["webhookSecret"]
        new = stage.command("client", "rotate-secret", *client)["webhookSecret"]
        shown = stage.command("client", "set", *client, "--header", "X-Key: s3cret-value")
        assert "s3cret-value" not in str(shown)
        assert supplier.receiver is not None
        webhook = _next(supplier.receiver, buyer, order_to(supplier, 1))
        for secret in (old, new):
            verify([secret], webhook.headers, webhook.body, now=wall_clock())
        assert webhook.headers["x-key"] == "s3cret-value"
        moved = Receiver()
        try:
            stage.command("client", "set", *client, "--endpoint", moved.url, "--no-headers")
            webhook = _next(moved, buyer, order_to(supplier, 2))
            assert "x-key" not in webhook.headers
            assert webhook.path == "/api/v0/purchase-order/req-send"
        finally:
            moved.close()


def _next(receiver: Receiver, buyer: Trader, order: bytes) -> Webhook:
    """The webhook that an order leads to, at its first attempt."""
    before = len(receiver.took)
    sent = result_of(buyer.post("req-send", order))["reqMsgId"]
    until_seen(lambda: len(receiver.took) > before)
    assert len(buyer.read(f"/deliveries/{sent}")["attemptLog"]) == 1
    return receiver.took[before]
