"""Secrets change under load: no webhook fails its receiver's check, no attempt is lost."""

import itertools
import threading
import time

import pytest

from hundi.kernel.clock import wall_clock
from hundi.kernel.sealing import new_key
from hundi.kernel.signature import ID_HEADER, SIGNATURE_HEADER, SignatureError, verify
from hundi.simulator import story
from tests.journeys.traders import Webhook, http, network, order_to, taken, trading, until
from tests.keys import KEY

OTHER = new_key(lambda size: b"\x01" * size)


IN_FLIGHT = 2.0
"""Seconds in which webhooks still arrive that were signed before the rotation, by the old secret alone."""


class Checking:
    """A receiver that refuses what its secret has not signed; it changes over soon after it sees two."""

    def __init__(self) -> None:
        self.secret, self.next = "", ""
        self.seen_two: float | None = None
        self.failed: list[Webhook] = []
        self.signatures: list[int] = []
        self.settled: set[str] = set()

    def __call__(self, webhook: Webhook) -> bytes:
        signatures = len(webhook.headers[SIGNATURE_HEADER].split(" "))
        if self.next and signatures == 2:
            self.seen_two = self.seen_two or time.monotonic()
            if time.monotonic() > self.seen_two + IN_FLIGHT:
                self.secret, self.next = self.next, ""
        try:
            verify([self.secret], webhook.headers, webhook.body, now=wall_clock())
        except SignatureError:
            self.failed.append(webhook)
            return http(401, b"")
        self.signatures.append(signatures)
        self.settled.add(webhook.headers[ID_HEADER])
        return taken(webhook)


def test_a_secret_and_a_key_change_under_load(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUNDI_SECRET_KEYS", f"{KEY} {OTHER}")  # the servers know both already
    checks = Checking()
    with (
        network(database_url) as (stage, address, _),
        trading(stage, address, story.BUYER, story.SUPPLIER) as (buyer, supplier),
    ):
        assert supplier.receiver is not None
        checks.secret = supplier.credentials["webhookSecret"]
        supplier.receiver.answer = checks
        stopped, sent = threading.Event(), itertools.count(1)
        statuses: list[int] = []

        def send() -> None:
            while not stopped.wait(0.01):  # a receiver in Python must keep up, or all wait for it
                statuses.append(buyer.post("req-send", order_to(supplier, next(sent))).status)

        buyer.post("req-send", order_to(supplier, 0))
        senders = [threading.Thread(target=send) for _ in range(3)]
        for one in senders:
            one.start()
        try:
            _change_all(stage, supplier.credentials["clientId"], checks)
        finally:
            stopped.set()
            for one in senders:
                one.join()
        until(lambda: len(checks.settled) == len(statuses) + 1)
        delivered = supplier.read("/deliveries?limit=200")["deliveries"]
    assert set(statuses) == {200}
    assert checks.failed == []
    assert {1, 2} == set(checks.signatures)
    assert len(statuses) > 20
    assert not [one for one in delivered if one["attempts"] > 1]


def _change_all(stage, client_id: str, checks: Checking) -> None:  # type: ignore[no-untyped-def]
    time.sleep(1)
    made = stage.command("client", "rotate-secret", "--client", client_id)
    checks.next = made["webhookSecret"]
    until(lambda: not checks.next)
    time.sleep(1)
    stage.environment["HUNDI_SECRET_KEYS"] = f"{OTHER} {KEY}"
    # Two signing secrets, and the one before.
    assert stage.command("secrets", "rotate")["sealedAnew"] == 3
    time.sleep(1)
