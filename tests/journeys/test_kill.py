"""`kill -9` at random moments: nothing acknowledged is lost, nothing is applied twice."""

import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from hundi.cli.actors import Actor
from hundi.cli.stage import Process, Stage, StageError, call, free_port
from hundi.simulator import story

KILLS = 8
SENDERS = 4
ROAD = "/api/v0/purchase-order/req-send"


@dataclass
class Show:
    """A network that is about to be killed. `serving` are its processes with their ready pages."""

    stage: Stage
    network: str
    serving: list[tuple[Process, str | None]]
    buyer: Actor
    supplier: Actor
    acknowledged: dict[str, str] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)

    def send_for_ever(self, number: int) -> None:
        """Send orders, each again under its key until it is acknowledged."""
        place = 0
        while not self.stop.is_set():
            place += 1
            object_id = f"PUR{number}X{place}"
            body = story.order(object_id=object_id, number=f"K/{number}/{place}")
            while not self._sent(object_id, story.dumps(body)):
                time.sleep(0.05)

    def _sent(self, object_id: str, raw: bytes) -> bool:
        try:
            headers = {**self.buyer._headers(), "Idempotency-Key": object_id}
            answer = call("POST", self.network + ROAD, body=raw, headers=headers)
        except (OSError, ValueError, StageError):
            return self.stop.is_set()
        if answer.status == 503:
            return self.stop.is_set()
        assert answer.status == 200, answer.body
        self.acknowledged[object_id] = answer.body["payload"]["resp"]["reqMsgId"]
        return True


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


@pytest.mark.timeout(280)
@pytest.mark.parametrize("kills", [KILLS, pytest.param(200, marks=pytest.mark.proof)])
def test_a_killed_network_keeps_its_promises(database_url: str, kills: int) -> None:
    chance = random.Random(11)
    with show(database_url) as made:
        senders = [
            threading.Thread(target=made.send_for_ever, args=(n,), daemon=True)
            for n in range(SENDERS)
        ]
        for sender in senders:
            sender.start()
        for _ in range(kills):
            _wait_for_traffic(made)
            kill_and_restart(made, chance)
        made.stop.set()
        for sender in senders:
            sender.join(30)
        deadline = time.monotonic() + 120
        while not at_rest(made):
            assert time.monotonic() < deadline, "the lanes did not empty"
            time.sleep(0.5)
        assert len(made.acknowledged) >= kills
        _nothing_lost(made)
        _nothing_twice(made)


def _nothing_lost(made: Show) -> None:
    taken: dict[str, Any] = {d["objectId"]: d for d in _documents(made.supplier)}
    for object_id, req_msg_id in made.acknowledged.items():
        exchange = made.buyer.read(f"/exchanges/{req_msg_id}")
        assert exchange["state"] == "SETTLED", exchange
        stands = made.buyer.read(f"/documents/purchase-order/{object_id}")
        assert (stands["version"], stands["status"]) == (1, "SENT TO SUPPLIER")
        held = taken[object_id]
        assert (held["version"], held["status"]) == (1, "SENT TO SUPPLIER")
        history = made.buyer.read(f"/documents/purchase-order/{object_id}/history")
        assert history["verified"]
        assert [e["step"] for e in history["entries"]] == ["ACCEPTED", "SETTLED"]


def _nothing_twice(made: Show) -> None:
    for actor in (made.buyer, made.supplier):
        effects = call("GET", f"{actor.erp_url}/simulator/exchanges").body["effects"]
        assert effects, json.dumps(effects)
        assert {effect["applied"] for effect in effects} == {1}


def _documents(actor: Actor) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = call("GET", f"{actor.erp_url}/simulator/documents").body
    return found
