"""`hundi demo`: some purchase orders between two businesses, told and checked step by step.

The demo uses what any user has: the command line, HTTP, and the simulated ERPs' control pages.
"""

import os
import secrets
import signal
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from rich.console import Console

from hundi.cli.actors import Actor
from hundi.cli.stage import Stage, StageError, free_port

SENT, REVIEW, ACCEPTED = "SENT TO SUPPLIER", "UNDER REVIEW", "ACCEPTED"
PATIENCE_SECONDS = 30
_CUT_SHORT = 128 + signal.SIGINT
_ROAD = "/api/v0/purchase-order/"


class PromiseBrokenError(Exception):
    """A check of the demo failed; the message says what was expected and what was seen."""


class Told:
    """Tells the story on a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.checks = 0

    def scene(self, title: str) -> None:
        """Begin a part of the story under its own title."""
        self._console.print(f"\n[bold]{title}[/bold]")

    def line(self, text: str) -> None:
        """One thing that happened."""
        self._console.print(f"  {text}", highlight=False)

    def check(self, what: str, *, expected: object, seen: object) -> None:
        """One promise, held or broken. Raises PromiseBrokenError."""
        if expected != seen:
            message = f"{what}: expected {expected}, saw {seen}"
            raise PromiseBrokenError(message)
        self.checks += 1
        self._console.print(f"    [green]✓[/green] {what}: {seen}", highlight=False)


def play(story: Any, *, once: bool) -> int:
    """Play the demo; 0 if every promise held, 1 with the reason if not, 130 if it was cut short.

    Without `once` everything stays up to be looked at until Ctrl-C.
    """
    console = Console(soft_wrap=True)
    told = Told(console)
    signal.signal(signal.SIGTERM, _interrupt)
    url = os.environ.get("HUNDI_DATABASE_URL", "")
    shared = url if url.startswith(("postgresql://", "postgres://")) else None
    began = time.monotonic()
    finished = False
    try:
        with Stage(shared) as stage:
            show = _Show(stage, story, told)
            show.play()
            finished = True
            took = time.monotonic() - began
            console.print(f"\n[bold]{told.checks} promises held in {took:.1f} s.[/bold]")
            if not once:
                show.stay()
    except (PromiseBrokenError, StageError, OSError) as broken:
        console.print(f"\n[red]Broken:[/red] {broken}", highlight=False, markup=True)
        return 1
    except KeyboardInterrupt:
        console.print("\nStopped; nothing is left running.")
    return 0 if finished else _CUT_SHORT


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


class _Show:
    """The stage with its actors, and the scenes."""

    def __init__(self, stage: Stage, story: Any, told: Told) -> None:
        self._story = story
        self._told = told
        # Beside the story's own ids where the database may hold an earlier run.
        run = secrets.token_hex(4).upper()
        ending = "" if stage.database_url.startswith("sqlite") else f".R{run}"
        self._ids = {
            business.b2b_id: f"{business.pan}{ending}@BCB"
            for business in (story.BUYER, story.SUPPLIER)
        }
        self._run = run
        self.network = f"http://127.0.0.1:{free_port()}"
        stage.command("db", "upgrade")
        server = stage.process("hundi", "serve", "--dev", "--port", self.network.rpartition(":")[2])
        server.start(f"{self.network}/readyz")
        self.buyer, self.supplier = (
            Actor(stage, business, b2b_id=self._ids[business.b2b_id], network=self.network)
            for business in (story.BUYER, story.SUPPLIER)
        )
        for actor in (self.buyer, self.supplier):
            actor.come_up()
        kind = "SQLite" if not ending else "PostgreSQL"
        told.line(f"Hundi serves {self.network} on {kind}; both ERPs are up.")

    def play(self) -> None:
        """All scenes."""
        self._order_story()
        self._withdrawn()
        self._declined()
        self._down_and_back()
        self._nothing_twice()

    def stay(self) -> None:
        """Tell where to look, and wait for Ctrl-C."""
        tell = self._told.line
        tell(f"API description  {self.network}/schema")
        tell(f"Metrics          {self.network}/metrics")
        for actor in (self.buyer, self.supplier):
            tell(f"{actor.short + ' received':<16} {actor.erp_url}/simulator/received")
        tell("Ctrl-C stops everything.")
        while True:
            time.sleep(3600)

    def _order_story(self) -> None:
        story, order = self._story, self._named("0417")
        self._told.scene("An order is sent, returned, edited, accepted and closed")
        self._step(self.buyer, "req-send", story.order(1, **order), becomes=(1, SENT))
        self._step(
            self.supplier,
            "req-confirm",
            story.confirmation(
                "RETURN", version=1, target=REVIEW, **order,
                remarks="Line 2 is 217.625 per kg from November; line 1 can be 3200 kg",
            ),
            becomes=(1, REVIEW),
        )  # fmt: skip
        edited = story.order(2, current_version=1, current_status=REVIEW, **order)
        self._step(self.buyer, "req-edit", edited, becomes=(2, SENT))
        accepted = story.confirmation(
            "ACCEPT", version=2, target=ACCEPTED, remarks="Stock confirmed", **order
        )
        self._step(self.supplier, "req-confirm", accepted, becomes=(2, ACCEPTED))
        closed = story.status_change(
            "CLOSE", version=2, source=ACCEPTED, target="CLOSED", **order,
            remarks="Short closed, 35.750 kg of line 2 not needed",
        )  # fmt: skip
        self._step(self.buyer, "req-status-change", closed, becomes=(2, "CLOSED"))
        history = self.buyer.read(f"/documents/purchase-order/{order['object_id']}/history")
        self._told.check("the journal's chain verifies", expected=True, seen=history["verified"])
        steps = [entry["step"] for entry in history["entries"]]
        self._told.check("journal steps", expected=["ACCEPTED", "SETTLED"] * 5, seen=steps)

    def _withdrawn(self) -> None:
        order = self._named("0418")
        self._told.scene("An order is withdrawn before the supplier's system has taken it")
        self.supplier.answer_by([{"do": {"answer": "pending", "retryAfter": 60}}])
        sent = self._send(self.buyer, "req-send", self._story.order(1, **order))
        self._until("the supplier's ERP asked for time", lambda: self._attempts(sent) > 0)
        self.supplier.answer_by([])
        withdrawn = self._story.status_change(
            "CANCEL", version=1, source="CREATED", target="CANCELLED",
            remarks="Raised twice", **order,
        )  # fmt: skip
        self._step(self.buyer, "req-status-change", withdrawn, becomes=(1, "CANCELLED"))
        ended = self.buyer.read(f"/exchanges/{sent}")["state"]
        self._told.check("the send was given up", expected="ABANDONED", seen=ended)

    def _declined(self) -> None:
        order = self._named("0419")
        self._told.scene("An order is declined by the supplier's system, and sent again")
        refusal = {"answer": "decline", "code": "ERP-CREDIT-HOLD", "detail": "Buyer is on hold"}
        self.supplier.answer_by([{"do": refusal, "times": 1}])
        body = self._story.order(1, **order)
        sent = self._send(self.buyer, "req-send", body)
        ended = self._ended(sent, self.buyer)
        self._told.line(f"{self.supplier.short}'s system says no: {ended['errorDtl']}")
        seen = (ended["state"], ended["errorCd"])
        self._told.check("outcome", expected=("DECLINED", "ERP-CREDIT-HOLD"), seen=seen)
        self._told.check("the order", expected=(1, "CREATED"), seen=self._stands(order))
        self._step(self.buyer, "req-send", body, becomes=(1, SENT))

    def _down_and_back(self) -> None:
        order = self._named("0420")
        self._told.scene("The supplier's system is down, and comes back")
        self.supplier.erp.kill()
        self._told.line(f"{self.supplier.short}'s system is killed.")
        sent = self._send(self.buyer, "req-send", self._story.order(1, **order))
        self._until("a delivery failed", lambda: self._attempts(sent) > 0)
        self._told.check("the order waits", expected=(1, "CREATED"), seen=self._stands(order))
        self.supplier.come_up()
        self._told.line(f"{self.supplier.short}'s system is back.")
        ended = self._ended(sent, self.buyer)
        self._told.check("outcome", expected="SETTLED", seen=ended["state"])
        self._told.check("the order", expected=(1, SENT), seen=self._stands(order))

    def _nothing_twice(self) -> None:
        self._told.scene("And all of it")
        for actor in (self.buyer, self.supplier):
            arrivals = actor.received()
            verified = all(arrival["verified"] for arrival in arrivals)
            self._told.check(f"{actor.short}: every signature good", expected=True, seen=verified)
            settled = [a["id"] for a in arrivals if a["result"] in {"SUCCESS", "ACK"}]
            twice = len(settled) - len(set(settled))
            self._told.check(f"{actor.short}: webhooks taken twice", expected=0, seen=twice)

    def _named(self, number: str) -> dict[str, str]:
        """ObjectId and number of an order of this run."""
        return {
            "object_id": f"PUR{secrets.token_hex(16).upper()}",
            "number": f"ILT/PO/25-26/{number}",
        }

    def _step(self, actor: Actor, message: str, body: Any, *, becomes: tuple[int, str]) -> None:
        """One message that settles, with everything that must be true afterwards."""
        sent = self._send(actor, message, body)
        ended = self._ended(sent, actor)
        self._told.line(f"settled {_took(ended)} ms after the ack was stored")
        self._told.check("outcome", expected="SETTLED", seen=ended["state"])
        object_id = self._subject(body)["objectId"]
        self._told.check(
            "the network", expected=becomes, seen=self._stands({"object_id": object_id})
        )
        for side in (self.buyer, self.supplier):
            self._until(f"{side.short} holds {becomes}", partial(_holds, side, object_id, becomes))
            self._told.check(f"{side.short}'s ERP", expected=becomes, seen=side.held(object_id))

    def _send(self, actor: Actor, message: str, body: Any) -> str:
        """Send one message and check its ack; the reqMsgId."""
        body = {**body, "b2bIds": {k: self._ids[v] for k, v in body["b2bIds"].items()}}
        subject = self._subject(body)
        for details in ("buyerDetails", "supplierDetails"):
            if details in subject:
                subject[details]["b2bId"] = self._ids.get(
                    subject[details]["b2bId"], subject[details]["b2bId"]
                )
        answer = actor.send(_ROAD + message, self._story.dumps(body))
        for _ in range(20):
            if answer.status != 409 or answer.body["payload"]["resp"]["errorCd"] != "DOC-BUSY":
                break
            time.sleep(1)
            answer = actor.send(_ROAD + message, self._story.dumps(body))
        if answer.status != 200:
            raise PromiseBrokenError(f"{message} was refused: {answer.body['payload']['faults']}")
        other = self.supplier if actor is self.buyer else self.buyer
        resp = answer.body["payload"]["resp"]
        ack = f"{resp['result']} after {answer.milliseconds:.0f} ms"
        self._told.line(
            f"{actor.short} → {other.short}: {message} {subject['buyerPONumber']}, {ack}"
        )
        self._told.check("ack", expected="PENDING", seen=resp["result"])
        req_msg_id: str = resp["reqMsgId"]
        return req_msg_id

    def _subject(self, body: Any) -> Any:
        [subject] = (v for v in body.values() if isinstance(v, dict) and "objectId" in v)
        return subject

    def _stands(self, order: dict[str, str]) -> tuple[int, str]:
        found = self.buyer.read(f"/documents/purchase-order/{order['object_id']}")
        return found["version"], found["status"]

    def _attempts(self, req_msg_id: str) -> int:
        """How many attempts at a request have ended."""
        found = self.buyer.read(f"/deliveries/{req_msg_id}")
        return sum(1 for attempt in found["attemptLog"] if attempt["endedAt"])

    def _ended(self, req_msg_id: str, sender: Actor) -> Any:
        path = f"/exchanges/{req_msg_id}"
        self._until("the exchange ends", lambda: sender.read(path)["state"] != "OPEN")
        return sender.read(path)

    def _until(self, what: str, true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not true():
            if time.monotonic() > deadline:
                message = f"{what}: not within {PATIENCE_SECONDS} s"
                raise PromiseBrokenError(message)
            time.sleep(0.02)


def _holds(actor: Actor, object_id: str, wanted: tuple[int, str]) -> bool:
    return actor.held(object_id) == wanted


def _took(exchange: Any) -> int:
    """Milliseconds from acceptance to the end of an exchange, by the network's clock."""
    began, ended = (datetime.fromisoformat(exchange[name]) for name in ("createdAt", "endedAt"))
    return round((ended - began) / timedelta(milliseconds=1))
