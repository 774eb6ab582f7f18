"""The primary database dies under load: its standby has every acknowledged request, and takes over."""

import itertools
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from hundi.simulator import story
from hundi.store.migrate import upgrade
from tests.journeys.traders import ROAD, Trader, network, order_to, trading
from tests.journeys.two_servers import TwoServers, two_servers
from tests.postgres import binaries
from tests.until import until_seen

SENDERS = 4
SERVING_AGAIN_SECONDS = 120
"""It takes five where nothing else runs. That it takes thirty at most is for the proof to show (failover),
which has a machine to itself.
"""


@pytest.fixture(scope="module")
def servers(request: pytest.FixtureRequest) -> Iterator[TwoServers]:
    if binaries() is None:
        request.getfixturevalue("postgres")  # skips, or fails where it is required
    with two_servers() as made:
        upgrade(made.url)
        yield made


@dataclass
class Load:
    """Sends orders, each again under its key until it is acknowledged, and keeps what was answered."""

    address: str
    buyer: Trader
    supplier: Trader
    acknowledged: dict[str, str] = field(default_factory=dict)
    acks: list[float] = field(default_factory=list)
    refused: list[httpx.Response] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    times: int = 0

    def send(self, key: str) -> httpx.Response:
        headers = self.buyer._headers() | {"Idempotency-Key": key}
        order = order_to(self.supplier, key)
        return httpx.post(
            f"{self.address}{ROAD}req-send", content=order, headers=headers, timeout=60
        )

    def send_for_ever(self, number: int) -> None:
        for place in itertools.count():
            key = f"{self.times}X{number}X{place}"
            while not self._acknowledged(key):
                if self.stop.wait(0.05):
                    return
            if self.stop.is_set():
                return

    def _acknowledged(self, key: str) -> bool:
        answer = self.send(key)
        if answer.status_code != 200:
            self.refused.append(answer)
            return False
        self.acks.append(time.monotonic())
        self.acknowledged[key] = answer.json()["payload"]["resp"]["reqMsgId"]
        return True

    @contextmanager
    def running(self) -> Iterator[None]:
        self.stop.clear()
        self.times += 1
        threads = [
            threading.Thread(target=self.send_for_ever, args=(n,), daemon=True)
            for n in range(SENDERS)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.stop.set()
            for thread in threads:
                thread.join(60)

    def more_acks(self, count: int) -> None:
        """Wait for so many more acks."""
        before = len(self.acks)
        until_seen(lambda: len(self.acks) >= before + count, SERVING_AGAIN_SECONDS)

    def ready(self) -> int:
        """The status of the page that tells whether the network serves."""
        return httpx.get(f"{self.address}/readyz", timeout=60).status_code


@pytest.fixture(scope="module")
def load(servers: TwoServers) -> Iterator[Load]:
    with (
        network(servers.url, "api", "dispatcher") as (stage, address, _),
        trading(stage, address, story.BUYER, story.SUPPLIER) as (buyer, supplier),
    ):
        buyer.read("/documents")  # has its token now
        yield Load(address, buyer, supplier)


def test_what_the_standby_did_not_confirm_is_never_acknowledged(
    servers: TwoServers, load: Load
) -> None:
    assert load.send("V").status_code == 200
    with frozen(
        servers.sql("b", "select pid from pg_stat_activity where backend_type = 'walreceiver'")
    ):
        told = _cancelled(servers, lambda: load.send("W"))
        assert told.json()["payload"]["resp"]["errorCd"] == "STORE-COMMIT-UNKNOWN"
        # The primary has it now, and nobody else: to repeat its ack would be a promise.
        _cancelled(servers, lambda: load.send("W"))
    answers: list[httpx.Response] = []
    until_seen(lambda: answers.append(load.send("W")) or answers[-1].status_code != 503)
    again = answers[-1]  # a standby that was away for ten seconds is not back at once
    assert (again.status_code, again.headers["idempotency-replayed"]) == (200, "true")


@contextmanager
def frozen(process: str) -> Iterator[None]:
    os.kill(int(process), signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(int(process), signal.SIGCONT)


def _cancelled(servers: TwoServers, send: Callable[[], httpx.Response]) -> httpx.Response:
    """The answer to a request whose COMMIT waited for the standby in vain."""
    answers: list[httpx.Response] = []
    calling = threading.Thread(target=lambda: answers.append(send()))
    calling.start()
    deadline = time.monotonic() + 60
    while calling.is_alive():
        # As its time limit would end it, or an operator.
        servers.sql(
            "a", "select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'"
        )
        assert time.monotonic() < deadline, "it was not answered"
        calling.join(0.2)
    [answer] = answers
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1
    return answer


def test_the_standby_takes_over_with_every_acknowledged_request(
    servers: TwoServers, load: Load
) -> None:
    watching = subprocess.Popen(servers.command("watch"), stdout=subprocess.PIPE, text=True)
    try:
        with load.running():
            load.more_acks(50)
            servers.kill("a")
            killed = time.monotonic()
            until_seen(lambda: load.ready() == 503)
            until_seen(lambda: max(load.acks) > killed + 1, SERVING_AGAIN_SECONDS)
            load.more_acks(50)
            until_seen(lambda: load.ready() == 200)
            load.stop.set()
            _all_kept(load)
    finally:
        watching.terminate()
        said = watching.communicate(timeout=60)[0]
        print(said)  # noqa: T201 (shown where the test fails)
    assert "Server b" in said
    assert {answer.status_code for answer in load.refused} == {503}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in load.refused)
    servers.done("rejoin")
    assert "Server a has every acknowledged request" in servers.safe()


def test_an_operator_changes_the_servers_by_hand(servers: TwoServers, load: Load) -> None:
    """Under load, with nothing broken: for an upgrade of a machine, say."""
    refused = len(load.refused)
    with load.running():
        load.more_acks(20)
        assert "is primary, alone" in servers.done("promote")
        promoted = time.monotonic()
        until_seen(lambda: max(load.acks) > promoted, SERVING_AGAIN_SECONDS)
        load.more_acks(20)
        load.stop.set()
        _all_kept(load)
    assert {answer.status_code for answer in load.refused[refused:]} <= {503}
    servers.done("rejoin")
    assert "has every acknowledged request" in servers.safe()


def _all_kept(load: Load) -> None:
    """Every acknowledged exchange is there, and those of the new primary are delivered too."""
    exchanges = list(load.acknowledged.values())
    for req_msg_id in exchanges:
        assert load.buyer.read(f"/exchanges/{req_msg_id}")["state"] in {"OPEN", "SETTLED"}
    until_seen(lambda: load.buyer.read(f"/exchanges/{exchanges[-1]}")["state"] == "SETTLED", 60)
