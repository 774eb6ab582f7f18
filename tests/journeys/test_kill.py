"""`kill -9` at random moments: nothing acknowledged is lost, nothing is applied twice."""

import asyncio
import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from hundi.cli.actors import Actor
from hundi.cli.stage import Process, Stage, StageError, call
from hundi.exchange.leases import LEASE
from hundi.exchange.tables import delivery
from hundi.kernel.clock import wall_clock
from hundi.simulator import story, story_money, story_supplies
from hundi.store.opening import open_database
from tests.ports import free_port
from tests.trade.desk import Desk
from tests.trade.invariants import broken

KILLS = 5
"""`make proof ARGS=kill` has a thousand."""
SENDERS = 2
TRADERS = 2
SEND = "purchase-order/req-send"
NOT_YET = {404, 409, 422, 503}
"""What the message follows has not settled, so that it is unknown, busy or not agreed; or nobody is
there."""
PAID = {"purchase-order": "ACCEPTED", "invoice": "PAID", "payment": "CONFIRMED"}


@dataclass
class Show:
    """A network that is about to be killed. `serving` are its processes with their ready pages."""

    stage: Stage
    network: str
    serving: list[tuple[Process, str | None]]
    buyer: Actor
    supplier: Actor
    acknowledged: dict[str, str] = field(default_factory=dict)
    traded: list[tuple[int, int]] = field(default_factory=list)
    killed_at: int = 0
    stop: threading.Event = field(default_factory=threading.Event)
    given_up: threading.Event = field(default_factory=threading.Event)

    def send_for_ever(self, number: int) -> None:
        """Send orders, each again under its key until it is acknowledged."""
        place = 0
        while not self.stop.is_set():
            place += 1
            object_id = f"PUR{number}X{place}"
            body = story.order(object_id=object_id, number=f"K/{number}/{place}")
            self._insist(self.buyer, SEND, body, until=self.stop)

    def trade_for_ever(self, number: int) -> None:
        """Play whole small trades: order, invoice, payment, all answered; end what was begun."""
        place = 0
        while not self.stop.is_set():
            place += 1
            for side, path, body in small_trade(number, place):
                actor = self.buyer if side == "buyer" else self.supplier
                if not self._insist(actor, path, body, until=self.given_up):
                    return
            self.traded.append((number, place))

    def _insist(self, actor: Actor, path: str, body: story.Body, *, until: threading.Event) -> bool:
        """Send until it is acknowledged; False where the end came first."""
        raw = story.dumps(body)
        [subject] = (v for v in body.values() if isinstance(v, dict) and "objectId" in v)
        key = f"{path} {subject['objectId']}"
        while not until.is_set():
            if self._sent(actor, path, raw, key):
                return True
            time.sleep(0.1)
        return False

    def _sent(self, actor: Actor, path: str, raw: bytes, key: str) -> bool:
        try:
            headers = {**actor._headers(), "Idempotency-Key": key}
            answer = call("POST", f"{self.network}/api/v0/{path}", body=raw, headers=headers)
        except (OSError, ValueError, StageError):
            return False
        if answer.status in NOT_YET:
            return False
        assert answer.status == 200, answer.body
        payload = answer.body["payload"]
        self.acknowledged[key] = (
            payload if isinstance(payload, str) else payload["resp"]["reqMsgId"]
        )
        return True


def ids(number: int, place: int) -> dict[str, str]:
    """ObjectIds of a small trade by type."""
    digits = f"{number:016d}{place:016d}"
    return {
        "purchase-order": f"PURT{number}X{place}",
        "invoice": f"INV{digits}",
        "payment": f"PMT{digits}",
    }


def small_trade(number: int, place: int) -> Iterator[tuple[str, str, story.Body]]:
    """One order with one invoice that is paid whole: who sends, the call, the body."""
    its, name = ids(number, place), f"T/{number}/{place}"
    order = {"object_id": its["purchase-order"], "number": name}
    yield "buyer", SEND, story.order(**order)
    agreed = story.confirmation("ACCEPT", version=1, target="ACCEPTED", remarks="Yes", **order)
    yield "supplier", "purchase-order/req-confirm", agreed
    invoice = story_supplies.invoice(object_id=its["invoice"], number=name, irn="")
    invoice["invoice"]["poDetails"] = [{"objectId": its["purchase-order"], "buyerPONumber": name}]
    yield "supplier", "invoice/req-send-invoice", invoice
    seen = story_supplies.invoice_confirmation("ACCEPT", target="ACCEPTED", remarks="Yes")
    seen["invoiceConfirmation"] |= {"objectId": its["invoice"], "supplierInvoiceNumber": name}
    yield "buyer", "invoice/req-confirm-invoice", seen
    about = {"objectId": its["invoice"], "supplierInvoiceNumber": name}
    payment = story_money.payment(1, object_id=its["payment"])
    [share] = payment["payment"]["invoicesPayInfos"]
    share |= about
    for amount in (payment["payment"]["paymentAmount"], share["invoicePaymentAmount"]):
        amount |= {"netPaidAmount": Decimal("716765.00"), "totalAmount": Decimal("717007.00")}
    yield "buyer", "payment/req-pay", payment
    received = story_money.payment_confirmation(1, after="PAID", object_id=its["payment"])
    received["paymentConfirmation"]["invoiceInfos"][0] |= about
    yield "supplier", "payment/req-pay-confirmation", received


@contextmanager
def show(database_url: str) -> Iterator[Show]:
    """Everything up: on PostgreSQL an API and a dispatcher process, on SQLite both in one."""
    with Stage(database_url) as stage:
        stage.command("db", "upgrade")
        network = f"http://127.0.0.1:{free_port()}"
        arguments = ["serve", "--dev", "--port", network.rpartition(":")[2]]
        serving: list[tuple[Process, str | None]] = []
        if database_url.startswith("sqlite"):
            serving.append((stage.process("all", *arguments), f"{network}/readyz"))
        else:
            api = stage.process("api", *arguments, "--role", "api")
            serving.append((api, f"{network}/readyz"))
            dispatcher = stage.process("dispatcher", "serve", "--dev", "--role", "dispatcher")
            serving.append((dispatcher, None))
        for process, ready in serving:
            _start(process, ready, network)
        actors = [
            Actor(stage, business, b2b_id=business.b2b_id, network=network)
            for business in (story.BUYER, story.SUPPLIER)
        ]
        for actor in actors:
            actor.come_up()
        yield Show(stage, network, serving, *actors)


def _start(process: Process, ready: str | None, network: str) -> None:
    """A dispatcher has no page of its own; the API's shows that the database is there."""
    process.start(ready or f"{network}/readyz")


def kill_and_restart(made: Show, chance: random.Random) -> None:
    """Kill one process, a simulated ERP now and then, and bring it back."""
    time.sleep(chance.uniform(0.05, 0.5))
    if chance.random() < 0.25:
        made.supplier.erp.kill()
        made.supplier.come_up()
        return
    process, ready = chance.choice(made.serving)
    process.kill()
    if ready is None or len(made.serving) == 1:  # it dispatches
        made.killed_at = wall_clock()
    _start(process, ready, made.network)


def _wait_for_traffic(made: Show) -> None:
    """A kill proves something only under traffic, and a busy disk may take its time."""
    before, deadline = len(made.acknowledged), time.monotonic() + 60
    while len(made.acknowledged) <= before:
        assert time.monotonic() < deadline, "nothing is acknowledged any more"
        time.sleep(0.02)


def at_rest(made: Show) -> bool:
    """Whether every exchange has ended and every webhook was delivered."""
    for state in ("QUEUED", "LEASED"):
        found = made.buyer.read(f"/deliveries?state={state}&limit=1")
        if found["deliveries"]:
            return False
    return True


def test_a_killed_network_keeps_its_promises(database_url: str) -> None:
    chance = random.Random(11)
    with show(database_url) as made:
        deeds = [made.send_for_ever] * SENDERS + [made.trade_for_ever] * TRADERS
        senders = [
            threading.Thread(target=deed, args=(n,), daemon=True) for n, deed in enumerate(deeds)
        ]
        for sender in senders:
            sender.start()
        for _ in range(KILLS):
            _wait_for_traffic(made)
            kill_and_restart(made, chance)
        made.stop.set()
        asyncio.run(_let_leases_of_the_dead_run_out(database_url, made.killed_at))
        for sender in senders:
            sender.join(200)
        made.given_up.set()
        deadline = time.monotonic() + 200
        while not at_rest(made):
            assert time.monotonic() < deadline, "the lanes did not empty"
            time.sleep(0.5)
        assert len(made.acknowledged) >= KILLS
        assert made.traded, "no trade was finished"
        _nothing_lost(made)
        _nothing_twice(made)
        _all_agree(made)
        assert asyncio.run(_wrong_in_the_books(database_url)) == []


async def _let_leases_of_the_dead_run_out(database_url: str, killed_at: int) -> None:
    """As half a minute would: those that were taken before the last dispatcher was killed."""
    d = delivery.c
    theirs = sa.update(delivery).where(d.state == "LEASED", d.lease_until <= killed_at + LEASE)
    database = await open_database(database_url, wall_clock)
    try:
        await database.write(lambda tx: tx.execute(theirs.values(lease_until=0)))
    finally:
        await database.close()


def _nothing_lost(made: Show) -> None:
    for key, req_msg_id in made.acknowledged.items():
        state = made.buyer.read(f"/exchanges/{req_msg_id}")["state"]
        assert state == "SETTLED", key
    for number, place in made.traded:
        for kind, object_id in ids(number, place).items():
            stands = made.buyer.read(f"/documents/{kind}/{object_id}")
            assert stands["status"] == PAID[kind], object_id


def _all_agree(made: Show) -> None:
    """Both systems hold every document as the network does, and every journal verifies."""
    held = [
        {d["objectId"]: (d["version"], d["status"]) for d in _documents(actor)}
        for actor in (made.buyer, made.supplier)
    ]
    assert held[0] == held[1]
    for document in _documents(made.buyer):
        page = f"/documents/{document['type']}/{document['objectId']}"
        stands = made.buyer.read(page)
        if document["type"] != "payment":
            assert (stands["version"], stands["status"]) == held[0][document["objectId"]]
        assert made.buyer.read(f"{page}/history")["verified"]


async def _wrong_in_the_books(database_url: str) -> list[str]:
    """What does not add up, and what is due on an invoice that is paid."""
    database = await open_database(database_url, wall_clock)
    try:
        return await broken(Desk(database, None, None))  # type: ignore[arg-type]
    finally:
        await database.close()


def _nothing_twice(made: Show) -> None:
    for actor in (made.buyer, made.supplier):
        effects = call("GET", f"{actor.erp_url}/simulator/exchanges").body["effects"]
        assert effects, json.dumps(effects)
        assert {effect["applied"] for effect in effects} == {1}


def _documents(actor: Actor) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = call("GET", f"{actor.erp_url}/simulator/documents").body
    return found
