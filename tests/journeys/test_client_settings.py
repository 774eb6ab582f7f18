"""What `hundi client set` and `rotate-secret` change reaches the next webhook of a running server."""

import time

from hundi.kernel.clock import wall_clock
from hundi.kernel.signature import verify
from hundi.simulator import story
from tests.journeys.traders import (
    Receiver,
    Webhook,
    network,
    order_to,
    result_of,
    trading,
    until,
)

SOON = 5


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
        webhook = _next(supplier.receiver, lambda: buyer.post("req-send", order_to(supplier, 1)))
        for secret in (old, new):
            verify([secret], webhook.headers, webhook.body, now=wall_clock())
        assert webhook.headers["x-key"] == "s3cret-value"
        moved = Receiver()
        try:
            stage.command("client", "set", *client, "--endpoint", moved.url, "--no-headers")
            webhook = _next(moved, lambda: buyer.post("req-send", order_to(supplier, 2)))
            assert "x-key" not in webhook.headers
            assert webhook.path == "/api/v0/purchase-order/req-send"
        finally:
            moved.close()


def _next(receiver: Receiver | None, send: object) -> Webhook:
    """The webhook that a message leads to, soon after it was accepted."""
    assert receiver is not None
    assert callable(send)
    before = len(receiver.took)
    began = time.monotonic()
    result_of(send())
    until(lambda: len(receiver.took) > before)
    assert time.monotonic() - began < SOON
    return receiver.took[before]
