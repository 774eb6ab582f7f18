"""Callers who never give up: they send orders, over and over, and note every way in which it fails."""

import asyncio
import http.client
import json
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from tests.journeys.standstills import Standstills
from tests.journeys.traders import ROAD, Trader, order_to
from tests.until import until_seen

CALLERS = 6
PATIENCE = 90
"""Seconds after which a caller believes that nobody answers: all of a network's start, and more."""
SILENCE = 1.0
"""A server that stops hangs up on who has been silent for so long on the connection that he keeps."""
_STANDSTILLS = Standstills()


@dataclass
class Crowd:
    """Threads of callers, half of which keep their connection. `ports` are where they may call.

    `acks` are acknowledged messages by their key. `cut` counts connections that ended in the middle
    of a request, `refused` those that nobody took; `errors` are answers that were no ack, but for a 503
    to one during whose call this machine stood still.
    """

    buyer: Trader
    supplier: Trader
    ports: Sequence[int]
    acks: dict[str, str] = field(default_factory=dict)
    cut: list[str] = field(default_factory=list)
    refused: int = 0
    errors: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    given_up: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)

    def begin(self) -> None:
        """Let all callers call."""
        for number in range(CALLERS):
            caller = threading.Thread(target=self.call_for_ever, args=(number,), daemon=True)
            self.threads.append(caller)
            caller.start()

    def rest(self) -> None:
        """Let every caller have his last answer, and no more."""
        self.stop.set()
        for caller in self.threads:
            caller.join(PATIENCE + 10)

    def call_for_ever(self, number: int) -> None:
        """Send one order after the other, each again under its key until it is acknowledged."""
        line = _Line(self.ports[number % len(self.ports) :] + self.ports, keeps=number % 2 == 0)
        place = 0
        while not self.stop.is_set():
            place += 1
            self._insist(line, f"{number}Y{place}")
        line.hang_up()

    def _insist(self, line: "_Line", place: str) -> None:
        body = order_to(self.supplier, place)
        headers = {**self.buyer._headers(), "Idempotency-Key": place}
        patience = time.monotonic() + PATIENCE
        while time.monotonic() < patience and not self.given_up.is_set():
            began = time.monotonic()
            try:
                status, answer = line.post(ROAD + "req-send", body, headers)
            except ConnectionRefusedError:
                self.refused += 1
                line.turn()
                time.sleep(0.02)
            except (OSError, http.client.HTTPException) as error:
                if not line.silent_at(began):
                    self.cut.append(f"{place}: {error!r}")
                line.turn()
            else:
                if status == 200:
                    self.acks[place] = json.loads(answer)["payload"]["resp"]["reqMsgId"]
                    return
                if status != 503 or not _STANDSTILLS.since(began):
                    self.errors.append(f"{place}: {status} {answer.decode()[:300]}")
                time.sleep(0.1)
        if not self.given_up.is_set():
            self.errors.append(f"{place}: nobody answered")

    def busy(self, more: int) -> None:
        """Wait until so many further orders are acknowledged: a kill proves nothing in silence."""
        before = len(self.acks)
        until_seen(lambda: len(self.acks) >= before + more)


class _Line:
    """One caller's connection, to the first of some ports or after a `turn` to the next."""

    def __init__(self, ports: Sequence[int], *, keeps: bool) -> None:
        self._ports = list(ports)
        self._keeps = keeps
        self._answered: float | None = None
        self._connection: http.client.HTTPConnection | None = None

    def post(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        if self._connection is None:
            self._answered = None
            self._connection = http.client.HTTPConnection("127.0.0.1", self._ports[0], timeout=60)
        more = {} if self._keeps else {"Connection": "close"}
        self._connection.request("POST", path, body, {**headers, **more})
        with self._connection.getresponse() as answer:
            told = answer.status, answer.read()
        self._answered = time.monotonic()
        return told

    def silent_at(self, moment: float) -> bool:
        """Whether the connection had been kept without a word, then, for as long as it may be."""
        last = self._answered
        return self._keeps and last is not None and moment - last > SILENCE

    def turn(self) -> None:
        self.hang_up()
        self._ports.append(self._ports.pop(0))

    def hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


@contextmanager
def calling(buyer: Trader, supplier: Trader, ports: Sequence[int]) -> Iterator[Crowd]:
    """A crowd that calls until the block ends; then every caller has his last answer."""
    crowd = Crowd(buyer, supplier, ports)
    buyer.read("/documents")  # has its token now
    crowd.begin()
    try:
        yield crowd
    finally:
        crowd.rest()


def workers_of(parent: int) -> list[int]:
    """The processes that a process has started and that live."""
    found = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return list(map(int, found))


def settled(crowd: Crowd, database_url: str, *, killed: bool = True) -> None:
    """Wait for the last outcome, then see that each ack was kept once: here and at both receivers.

    A killed dispatcher's leases end at once, as if their 30 seconds had passed; one that was stopped
    leaves none.
    """
    acked = set(crowd.acks.values())
    assert len(acked) == len(crowd.acks) > 0
    asyncio.run(_at_rest(database_url, killed=killed))
    until_seen(lambda: len(_informed(crowd.buyer)) >= len(acked))
    for trader in (crowd.buyer, crowd.supplier):
        assert _informed(trader) == acked
        ids = {webhook.headers["webhook-id"] for webhook in trader.took}
        assert len(ids) == len(acked), "one webhook-id for each message, however often it came"
    states = asyncio.run(_counted(database_url, "exchange"))
    assert states == Counter({"SETTLED": len(acked)})


def doubled(trader: Trader) -> int:
    """How many webhooks came more than once."""
    return len(trader.took) - len({webhook.headers["webhook-id"] for webhook in trader.took})


def _informed(trader: Trader) -> set[str]:
    return {webhook.headers["hundi-exchange"] for webhook in trader.took}


_LEASED = "select array_agg(webhook_id) from delivery where state = 'LEASED'"
_END_LEASES = (
    "update delivery set lease_until = 0 where state = 'LEASED' and webhook_id = any($1::text[])"
)


async def _at_rest(url: str, *, killed: bool) -> None:
    last = time.monotonic() + 60
    while time.monotonic() < last:
        await asyncio.sleep(0.3)
        waiting = (await _counted(url, "delivery")).keys() & {"QUEUED", "LEASED"}
        if not waiting:
            return
        if killed and waiting == {"LEASED"}:
            await _end_leases(url)


async def _end_leases(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        before = await connection.fetchval(_LEASED)
        await asyncio.sleep(3)  # whoever lives has written down what he was at
        await connection.execute(_END_LEASES, before)
    finally:
        await connection.close()


async def _counted(url: str, table: str) -> Counter[str]:
    """How many rows of a table are in each state."""
    query = f"select state, count(*) as n from {table} group by 1"
    if url.startswith("sqlite:///"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file:
            return Counter(dict(file.execute(query).fetchall()))
    connection = await asyncpg.connect(url)
    try:
        return Counter({row["state"]: row["n"] for row in await connection.fetch(query)})
    finally:
        await connection.close()
