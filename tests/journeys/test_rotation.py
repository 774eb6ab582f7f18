"""Secrets change under load: no webhook fails its receiver's check, no attempt is lost."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hundi.cli.stage import Stage
from hundi.kernel.clock import wall_clock
from hundi.kernel.sealing import new_key
from hundi.kernel.signature import ID_HEADER, SIGNATURE_HEADER, SignatureError, verify
from hundi.simulator import story
from tests.journeys.traders import Trader, Webhook, http, network, order_to, taken, trading
from tests.keys import KEY
from tests.until import until_seen

OTHER = new_key(lambda size: b"\x01" * size)


class Checking:
    """A receiver that refuses what its secret has not signed."""

    def __init__(self) -> None:
        self.secret = ""
        self.failed: list[Webhook] = []
        self.signatures: list[int] = []
        self.settled: set[str] = set()

    def __call__(self, webhook: Webhook) -> bytes:
        signatures = len(webhook.headers[SIGNATURE_HEADER].split(" "))
        try:
            verify([self.secret], webhook.headers, webhook.body, now=wall_clock())
        except SignatureError:
            self.failed.append(webhook)
            return http(401, b"")
        self.signatures.append(signatures)
        self.settled.add(webhook.headers[ID_HEADER])
        return taken(webhook)


class Load:
    """Senders of orders. `answered` holds the reqMsgId of each call, `failed` what else one was told."""

    def __init__(self, buyer: Trader, supplier: Trader) -> None:
        self._buyer, self._supplier = buyer, supplier
        self._one_at_a_time, self._stopped = threading.Lock(), threading.Event()
        self.begun = 0
        self.answered: dict[int, str] = {}
        self.failed: list[object] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        senders = [threading.Thread(target=self._send) for _ in range(3)]
        for one in senders:
            one.start()
        try:
            yield
        finally:
            self._stopped.set()
            for one in senders:
                one.join()

    def _send(self) -> None:
        while not self._stopped.wait(0.01):  # a receiver in Python must keep up, or all wait for it
            with self._one_at_a_time:
                self.begun += 1
                number = self.begun
            answer = self._buyer.post("req-send", order_to(self._supplier, number))
            if answer.status == 200:
                self.answered[number] = answer.body["payload"]["resp"]["reqMsgId"]
            else:
                self.failed.append((answer.status, answer.body))

    def more(self, count: int = 20) -> None:
        """Let so many further calls be answered."""
        before = len(self.answered)
        until_seen(lambda: self.failed or len(self.answered) >= before + count)
        assert self.failed == []

    def arrived(self, checks: Checking, number: int) -> bool:
        """Whether everything up to a call has come to the supplier."""
        assert self.failed == []
        return all(self.answered.get(one) in checks.settled for one in range(1, number + 1))


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
        buyer.read("/documents")  # has its token now
        load = Load(buyer, supplier)
        with load.running():
            _change_all(stage, supplier, checks, load)
        until_seen(lambda: load.arrived(checks, load.begun))
        delivered = supplier.read("/deliveries?limit=200")["deliveries"]
    assert checks.failed == []
    assert {1, 2} == set(checks.signatures)
    assert not [one for one in delivered if one["attempts"] > 1]


def _change_all(stage: Stage, supplier: Trader, checks: Checking, load: Load) -> None:
    client = ("--client", supplier.credentials["clientId"])
    load.more()
    made = stage.command("client", "rotate-secret", *client)
    # What was sent before that may come with one signature, all else has both.
    begun = load.begun
    until_seen(lambda: load.arrived(checks, begun))
    checks.secret = made["webhookSecret"]
    load.more()
    stage.environment["HUNDI_SECRET_KEYS"] = f"{OTHER} {KEY}"
    # Two signing secrets, and the one before.
    assert stage.command("secrets", "rotate")["sealedAnew"] == 3
    load.more()
