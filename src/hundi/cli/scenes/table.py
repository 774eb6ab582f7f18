"""The table at which the demo's businesses trade: send, wait, look, check.

Everything goes over HTTP: the network's calls and reads, and the control pages of the ERPs.
"""

import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from hundi.cli.actors import Actor
from hundi.cli.scenes.telling import PromiseBrokenError, Told
from hundi.cli.stage import Http

Standing = tuple[int, str]
"""Version and status of a document."""

PATIENCE_SECONDS = 30
_BUSY_TRIES = 40
_NUMBERS = (
    "buyerPONumber",
    "supplierInvoiceNumber",
    "supplierCDNoteNumber",
    "utr",
    "financingRequestId",
    "objectId",
)
"""What people call a document by, where its message has it."""
_REQ_MSG_ID = re.compile("MSG[0-9A-F]{32}")


@dataclass(frozen=True, slots=True)
class Stories:
    """Where the messages come from: the modules of the trade story, handed over by `main`."""

    orders: Any
    supplies: Any
    money: Any
    financing: Any
    bends: Any


class Names:
    """The story's ids and numbers as this run uses them.

    A database that may hold an earlier run gets ids, numbers and B2B IDs of this run's own.
    """

    def __init__(self, stories: Stories, *, fresh: bool) -> None:
        self._instead: dict[str, str] = {}
        if fresh:
            return
        run = secrets.token_hex(4).upper()
        for business in (stories.orders.BUYER, stories.orders.SUPPLIER):
            self._instead[business.b2b_id] = f"{business.pan}.R{run}@BCB"
        supplies = (*stories.supplies.INVOICES.values(), stories.supplies.CREDIT_NOTE)
        for place, supply in enumerate(supplies):
            self._instead[supply.number] = f"R{run}/{place}"
            self._instead[supply.irn] = secrets.token_hex(32)
        payments = stories.money.PAYMENTS.values()
        ids = [stories.orders.OBJECT_ID, *(one.object_id for one in (*supplies, *payments))]
        lending = stories.financing
        self._instead |= {one: f"{one}-{run}" for one in (lending.PLATFORM, lending.REQUEST_ID)}
        for lender in lending.LENDERS:
            self._instead[lender.business.b2b_id] = f"{lender.business.pan}.R{run}@BCB"
            self._instead[lender.bid_id] = f"{lender.bid_id}-{run}"
        self._instead |= {one: f"{one[:3]}{secrets.token_hex(16).upper()}" for one in ids}

    def of(self, text: str) -> str:
        """An id or number as this run has it; a request's also with a lender's name behind it."""
        first, slash, rest = text.partition("/")
        if text not in self._instead and first in self._instead:
            return self._instead[first] + slash + rest
        return self._instead.get(text, text)

    def within(self, raw: bytes) -> bytes:
        """A message with this run's names in it."""
        for old, new in self._instead.items():
            raw = raw.replace(b'"%b"' % old.encode(), b'"%b"' % new.encode())
        return raw


class Table:
    """Buyer and supplier over one network, with everything that a scene asks of them."""

    def __init__(
        self, stories: Stories, told: Told, *, names: Names, actors: Sequence[Actor]
    ) -> None:
        self.stories = stories
        self.told = told
        self.names = names
        self.buyer, self.supplier, *lenders = actors
        self.lenders = tuple(lenders)

    @property
    def everybody(self) -> tuple[Actor, ...]:
        """All who have a system on this network."""
        return self.buyer, self.supplier, *self.lenders

    def step(
        self,
        actor: Actor,
        path: str,
        body: Any,
        *,
        becomes: Mapping[tuple[str, str], Standing],
    ) -> Any:
        """One message that settles, with everything that must be true afterwards; its exchange.

        `path` is as in `purchase-order/req-send`; `becomes` says how documents stand afterwards, by
        type and objectId, on the network and in both ERPs.
        """
        sent = self.send(actor, path, body)
        ended = self.ended(sent, actor)
        took = f"{_took(ended)} ms after the ack was stored"
        self.told.check("outcome", expected=f"SETTLED, {took}", seen=f"{ended['state']}, {took}")
        for (kind, object_id), standing in becomes.items():
            self.stands_everywhere(kind, object_id, standing)
        return ended

    def stands_everywhere(self, kind: str, object_id: str, standing: Standing) -> None:
        """Check where a document stands on the network and in both ERPs."""
        own = self.names.of(object_id)
        self.told.check(f"the network's {kind}", expected=standing, seen=self.stands(kind, own))
        for side in (self.buyer, self.supplier):
            self.until(f"{side.short} holds {standing}", partial(_holds, side, own, standing))
            self.told.check(f"{side.short}'s ERP", expected=standing, seen=side.held(own))

    def send(self, actor: Actor, path: str, body: Any, *, to: Sequence[Actor] | None = None) -> str:
        """Send one message and check its ack; the id that the ack names.

        Waits while the document is busy. `to` are those who get it, the other of buyer and supplier
        if not told.
        """
        answer = self.submit(actor, path, body)
        if answer.status != 200:
            raise PromiseBrokenError(f"{path} was refused: {answer.body['payload']['faults']}")
        payload = answer.body["payload"]
        receipt = isinstance(payload, str)
        req_msg_id: str = payload if receipt else payload["resp"]["reqMsgId"]
        others = to or (self.supplier if actor is self.buyer else self.buyer,)
        whom = " and ".join(one.short for one in others)
        ack = "taken" if receipt else payload["resp"]["result"]
        name = path.rpartition("/")[2]
        self.told.line(
            f"{actor.short} → {whom}: {name} {self._number(body)}, {ack} after"
            f" {answer.milliseconds:.0f} ms"
        )
        whole = _REQ_MSG_ID.fullmatch(req_msg_id) is not None
        self.told.check("the ack carries an id of the network's", expected=True, seen=whole)
        for warning in actor.read(f"/exchanges/{req_msg_id}").get("warnings", ()):
            self.told.line(f"  warning {warning['code']}: {warning['detail']}")
        return req_msg_id

    def submit(self, actor: Actor, path: str, body: Any) -> Http:
        """Send one message, again while another exchange about the document is open; the answer."""
        raw = self.names.within(self.stories.orders.dumps(body))
        answer = actor.send(f"/api/v0/{path}", raw)
        for _ in range(_BUSY_TRIES):
            if answer.status != 409 or answer.body["payload"]["resp"]["errorCd"] != "DOC-BUSY":
                break
            time.sleep(0.25)
            answer = actor.send(f"/api/v0/{path}", raw)
        return answer

    def refused(
        self, actor: Actor, path: str, body: Any, *, code: str, numbers: Mapping[str, str]
    ) -> None:
        """One message that must be refused, for one reason, with these numbers in it."""
        answer = self.submit(actor, path, body)
        name = path.rpartition("/")[2]
        self.told.line(f"{actor.short} → network: {name} {self._number(body)}")
        self.told.check("refused under", expected=422, seen=answer.status)
        faults = answer.body["payload"]["faults"]
        self.told.check("code", expected=[code], seen=[fault["code"] for fault in faults])
        [fault] = faults
        self.told.line(f"  {fault['path']}: {fault['detail']}")
        if numbers:
            shown = {name: fault["context"][name] for name in numbers}
            self.told.check("numbers", expected=dict(numbers), seen=shown)

    def owes(self, invoice: str, amount: str) -> None:
        """Check what the buyer owes on an invoice, where the network tells it."""
        found = self.buyer.read(f"/documents/invoice/{self.names.of(invoice)}")
        if "accounts" not in found:
            return
        accounts = found["accounts"]["accounts"]
        due = next((one["held"] for one in accounts if one["name"] == "due"), "0.00")
        self.told.check("due on the invoice", expected=amount, seen=due)

    def stands(self, kind: str, object_id: str) -> Standing:
        """Version and status of a document on the network."""
        found = self.buyer.read(f"/documents/{kind}/{self.names.of(object_id)}")
        return found["version"], found["status"]

    def journals(self, documents: Iterable[tuple[str, str]]) -> None:
        """Check the chains of some journals."""
        for kind, object_id in documents:
            path = f"/documents/{kind}/{self.names.of(object_id)}/history"
            history = self.buyer.read(path)
            what = f"the chain of {len(history['entries'])} steps of {kind} {object_id[:12]}…"
            self.told.check(f"{what} verifies", expected=True, seen=history["verified"])

    def attempts(self, req_msg_id: str) -> int:
        """How many attempts at a request have ended."""
        found = self.buyer.read(f"/deliveries/{req_msg_id}")
        return sum(1 for attempt in found["attemptLog"] if attempt["endedAt"])

    def ended(self, req_msg_id: str, sender: Actor) -> Any:
        """An exchange, as its sender reads it, once it is not open any more."""
        path = f"/exchanges/{req_msg_id}"
        self.until("the exchange ends", lambda: sender.read(path)["state"] != "OPEN")
        return sender.read(path)

    def until(self, what: str, true: Callable[[], bool]) -> None:
        """Wait for something that must come. Raises PromiseBrokenError."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not true():
            if time.monotonic() > deadline:
                message = f"{what}: not within {PATIENCE_SECONDS} s"
                raise PromiseBrokenError(message)
            time.sleep(0.02)

    def _number(self, body: Any) -> str:
        """How people call what a message is about: its number, or its id."""
        told = (v for v in body.values() if isinstance(v, dict))
        numbers = (v[name] for v in told for name in _NUMBERS if name in v)
        return self.names.of(next(numbers))


def _holds(actor: Actor, object_id: str, wanted: Standing) -> bool:
    return actor.held(object_id) == wanted


def _took(exchange: Any) -> int:
    """Milliseconds from acceptance to the end of an exchange, by the network's clock."""
    began, ended = (datetime.fromisoformat(exchange[name]) for name in ("createdAt", "endedAt"))
    return round((ended - began) / timedelta(milliseconds=1))
