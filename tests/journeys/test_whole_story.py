"""The whole trade over real HTTP: the very bytes, the contract's paths and shapes, the last paisa."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import jsonschema
import msgspec
import pytest
import sqlalchemy as sa
import yaml

from hundi.kernel.clock import wall_clock
from hundi.ledger import tables as ledger
from hundi.simulator import story, story_bends, story_financing, story_money, story_supplies
from hundi.simulator.erp import Erp
from hundi.simulator.rules import Rules
from hundi.simulator.state import in_memory
from hundi.simulator.story_financing import LENDERS, PLATFORM, Lender
from hundi.simulator.webhook import Webhook as Arriving
from hundi.store.opening import open_database
from tests.house.sources import ROOT
from tests.journeys.traders import Receiver, Trader, Webhook, http, network
from tests.until import until_seen

ORDER, NOTE = story.OBJECT_ID, story_supplies.CREDIT_NOTE.object_id
INVOICE_1, INVOICE_2 = (one.object_id for one in story_supplies.INVOICES.values())
NAMES = ("purchase-order", "invoice", "cdnote", "payment", "financing")
CONTRACTS = [
    yaml.safe_load((ROOT / f"contract/b2b-{name}.yaml").read_text(encoding="utf-8"))
    for name in NAMES
]
WEBHOOKS = {
    "/hooks/" + one["post"]["x-path"].removeprefix("/"): {
        **contract, **one["post"]["requestBody"]["content"]["application/json"]["schema"],
    }
    for contract in CONTRACTS
    for one in contract["webhooks"].values()
}  # fmt: skip
ACKS = {
    path: {**contract, **one["post"]["responses"]["200"]["content"]["application/json"]["schema"]}
    for contract in CONTRACTS
    for path, one in contract["paths"].items()
}


@dataclass
class Side:
    """A business with a system of its own: what came, byte for byte, and what it believes."""

    trader: Trader
    erp: Erp


@contextmanager
def seated(database_url: str, *lenders: Lender) -> Iterator[tuple[Side, ...]]:
    """The story's buyer and supplier on a served network, and lenders."""
    businesses = (story.BUYER, story.SUPPLIER, *(lender.business for lender in lenders))
    receivers = [Receiver() for _ in businesses]
    try:
        with network(database_url) as (stage, address, _):
            sides = tuple(
                _side(Trader(stage, business, network=address, receiver=receiver))
                for business, receiver in zip(businesses, receivers, strict=True)
            )
            for lender in lenders:
                stage.command(
                    "party", "financier", "--b2b-id", lender.business.b2b_id, "--fa-id", PLATFORM,
                    "--financier-id", lender.financier_id,
                )  # fmt: skip
            yield sides
    finally:
        for receiver in receivers:
            receiver.close()


def _side(trader: Trader) -> Side:
    erp = Erp([trader.credentials["webhookSecret"]], state=in_memory(), rules=Rules())
    one_at_a_time = threading.Lock()

    def answer(webhook: Webhook) -> bytes:
        with one_at_a_time:
            arriving = Arriving(webhook.path, webhook.headers, webhook.body)
            told = erp.receive(arriving, now=wall_clock())
        return http(told.status, told.body, "Content-Type: application/json")

    assert trader.receiver is not None
    trader.receiver.answer = answer
    return Side(trader, erp)


def ordered() -> Iterator[tuple[str, str, story.Body]]:
    """The order until it is accepted: who sends, the call, the body."""
    yield "buyer", "purchase-order/req-send", story.order(1)
    returned = story.confirmation(
        "RETURN", version=1, target="UNDER REVIEW", remarks="Line 2 is 217.625 per kg"
    )
    yield "supplier", "purchase-order/req-confirm", returned
    edited = story.order(2, current_version=1, current_status="UNDER REVIEW")
    yield "buyer", "purchase-order/req-edit", edited
    accepted = story.confirmation("ACCEPT", version=2, target="ACCEPTED", remarks="ठीक है 👍")
    yield "supplier", "purchase-order/req-confirm", accepted


def billed(which: int) -> Iterator[tuple[str, str, story.Body]]:
    """An invoice, sent and accepted."""
    yield "supplier", "invoice/req-send-invoice", story_supplies.invoice(which)
    accepted = story_supplies.invoice_confirmation(
        "ACCEPT", target="ACCEPTED", remarks="Received", which=which
    )
    yield "buyer", "invoice/req-confirm-invoice", accepted


def noted() -> Iterator[tuple[str, str, story.Body]]:
    """The credit note, sent and accepted."""
    yield "supplier", "cd-note/req-send", story_supplies.credit_note()
    accepted = story_supplies.note_confirmation("ACCEPT", target="ACCEPTED", remarks="Agreed")
    yield "buyer", "cd-note/req-confirm", accepted


def closed() -> Iterator[tuple[str, str, story.Body]]:
    """The order's end."""
    close = story.status_change(
        "CLOSE", version=2, source="ACCEPTED", target="CLOSED", remarks="Short closed"
    )
    yield "buyer", "purchase-order/req-status-change", close


def paid(which: int) -> Iterator[tuple[str, str, story.Body]]:
    """A payment, told and confirmed."""
    yield "buyer", "payment/req-pay", story_money.payment(which)
    yield "supplier", "payment/req-pay-confirmation", story_money.payment_confirmation(which)


PAYMENT_3 = partial(paid, 3)
SCENES: tuple[tuple[Any, dict[tuple[str, str], str]], ...] = (
    (ordered, {("purchase-order", ORDER): "ACCEPTED"}),
    (partial(billed, 1), {("invoice", INVOICE_1): "ACCEPTED"}),
    (noted, {("cd-note", NOTE): "ACCEPTED", ("invoice", INVOICE_1): "ACCEPTED"}),
    (partial(billed, 2), {("invoice", INVOICE_2): "ACCEPTED"}),
    (closed, {("purchase-order", ORDER): "CLOSED"}),
    (partial(paid, 1), {("invoice", INVOICE_1): "PARTIALLY PAID"}),
    (partial(paid, 2), {("invoice", INVOICE_1): "PAID"}),
    (PAYMENT_3, {("invoice", INVOICE_2): "PAID"}),
)


def test_from_first_draft_to_last_rupee(database_url: str) -> None:
    with seated(database_url, *LENDERS) as (buyer, supplier, *lenders):
        sides = {"buyer": buyer, "supplier": supplier}
        for scene, becomes in SCENES:
            if scene is PAYMENT_3:
                _financed(supplier, lenders)
            for sender, path, body in scene():
                other = supplier if sender == "buyer" else buyer
                _settled(sides[sender], other, path, body)
            for (kind, object_id), status in becomes.items():
                found = buyer.trader.read(f"/documents/{kind}/{object_id}")
                assert found["status"] == status, scene
            _hold_the_same(buyer, supplier)
        _one_history(buyer, supplier)
        assert asyncio.run(_books(database_url)) == BOOKS


def _settled(sender: Side, other: Side, path: str, body: story.Body) -> None:
    """Send, and check the ack, both webhooks byte for byte, and how it ended."""
    raw = story.dumps(body)
    before = len(sender.trader.took), len(other.trader.took)
    answer = sender.trader.send(f"/api/v0/{path}", raw)
    assert answer.status == 200, answer.body
    jsonschema.validate(answer.body, ACKS[f"/api/v0/{path}"])
    payload = answer.body["payload"]
    req_msg_id = payload if isinstance(payload, str) else payload["resp"]["reqMsgId"]
    until_seen(lambda: len(sender.trader.took) > before[0])
    assert (len(sender.trader.took), len(other.trader.took)) == (before[0] + 1, before[1] + 1)
    forwarded, informed = other.trader.took[-1], sender.trader.took[-1]
    assert forwarded.body == raw, "the very bytes"
    assert forwarded.path == f"/hooks/api/v0/{path}"
    assert informed.path == f"/hooks/api/v0/{path}".replace("/req-", "/resp-")
    for webhook in (forwarded, informed):
        jsonschema.validate(story_of(webhook), WEBHOOKS[webhook.path])
        assert webhook.headers["hundi-exchange"] == req_msg_id
    assert sender.trader.read(f"/exchanges/{req_msg_id}")["state"] == "SETTLED"


def story_of(webhook: Webhook) -> Any:
    """A webhook's body as the contract's schema sees it."""
    return msgspec.json.decode(webhook.body)


WORDS = {"DELIVERED": "pay", "CONFIRMED": "ACCEPT"}


def _hold_the_same(buyer: Side, supplier: Side) -> None:
    """Each system holds every document as the network does, and nothing else."""
    for side in (buyer, supplier):
        listed = _listed(side)
        on_the_network = {
            (one["type"], one["objectId"]): (
                one["version"],
                WORDS.get(one["status"], one["status"]),
            )
            for one in listed
        }
        held = {(d.type, d.object_id): (d.version, d.status) for d in side.erp.documents()}
        assert {kind: told for kind, told in held.items() if kind[0] != "finance"} == on_the_network
        assert set(side.erp.applied().values()) <= {1}


def _listed(side: Side) -> list[Any]:
    """Documents that the parties share; financing has no statuses on the wire."""
    found = side.trader.read("/documents")["documents"]
    return [one for one in found if one["type"] not in {"financing-request", "bid"}]


def _financed(supplier: Side, lenders: list[Side]) -> None:
    """Section 8: both lenders are asked and bid, one is taken, each hears what is his."""
    invoice = story_supplies.invoice(2)["invoice"]
    invoice["statusTransition"] = {"currentStatus": "ACCEPTED", "newStatus": "ACCEPTED"}
    asked = story_financing.financing_request([invoice])
    told = _called(supplier, lenders, "req-financing", asked, webhook="requestFinancing")
    assert told == [story.dumps(asked)] * 2, "the very bytes"
    for lender, side in zip(LENDERS, lenders, strict=True):
        bid = story_financing.bid(lender, INVOICE_2)
        told = _called(side, [supplier], "share-bid", bid, webhook="shareBid")
        assert told == [story.dumps(bid)], "the very bytes"
    answer = story_financing.bid_response()
    told = _called(supplier, lenders, "respond-bid", answer, webhook="respondBid")
    for body, lender, response in zip(told, LENDERS, ("ACCEPT", "REJECT"), strict=True):
        [decision] = msgspec.json.decode(body)["bidResponse"]["responses"]
        assert (decision["bidId"], decision["response"]) == (lender.bid_id, response)
    listed = supplier.trader.read("/documents")["documents"]
    statuses = {one["objectId"]: one["status"] for one in listed}
    assert (statuses["BID-A1"], statuses["BID-B1"]) == ("ACCEPTED", "REFUSED")
    for lender, side in zip(LENDERS, lenders, strict=True):
        held = side.erp.held(f"{story_financing.REQUEST_ID}/{lender.financier_id}")
        assert held is not None
        assert held.status == "respondBid"


def _called(
    sender: Side, receivers: list[Side], name: str, body: story.Body, *, webhook: str
) -> list[bytes]:
    """One call of financing: every webhook has the contract's path and shape; what arrived."""
    before = [len(one.trader.took) for one in (sender, *receivers)]
    answer = sender.trader.send(f"/api/v0/finance/{name}", story.dumps(body))
    assert answer.status == 200, answer.body
    jsonschema.validate(answer.body, ACKS[f"/api/v0/finance/{name}"])
    sides = (sender, *receivers)
    until_seen(lambda: all(len(s.trader.took) > n for s, n in zip(sides, before, strict=True)))
    informed, *forwarded = (one.trader.took[-1] for one in sides)
    assert informed.path == f"/hooks/api/v0/finance/resp{webhook[0].upper()}{webhook[1:]}"
    assert {one.path for one in forwarded} == {f"/hooks/api/v0/finance/{webhook}"}
    for one in (informed, *forwarded):
        jsonschema.validate(story_of(one), WEBHOOKS[one.path])
    assert story_of(informed)["resp"]["result"] == "SUCCESS"
    return [one.body for one in forwarded]


def _one_history(buyer: Side, supplier: Side) -> None:
    for one in _listed(buyer):
        path = f"/documents/{one['type']}/{one['objectId']}/history"
        first, second = (side.trader.read(path) for side in (buyer, supplier))
        assert first["verified"]
        assert second["verified"]
        assert len(first["entries"]) == len(second["entries"])
        # What the supplier agreed with a lender is withheld from the buyer, its place is not.
        steps = {entry.get("step", "") for entry in second["entries"]}
        assert steps == {"ACCEPTED", "SETTLED"}


BOOKS = {
    INVOICE_1: {"billed": -71_700_700, "notes": 1_415_900, "cash": 70_260_600, "split:TDS": 24_200},
    INVOICE_2: {"billed": -73_750_200, "cash": 73_681_300, "split:TDS": 68_900},
}
"""Section 10 of the story, in paise; nothing is due on either."""
COUNTERS = {"paying", "payments", "credited", f"note:{NOTE}"}
"""Accounts that only say how much of what others hold."""


async def _books(database_url: str) -> dict[str, dict[str, int]]:
    database = await open_database(database_url, wall_clock)
    try:
        query = sa.select(ledger.account).where(ledger.account.c.type == "invoice")
        rows = await database.read(lambda tx: tx.select(query))
    finally:
        await database.close()
    found: dict[str, dict[str, int]] = {INVOICE_1: {}, INVOICE_2: {}}
    for row in rows:
        net = row["debit"] - row["credit"]
        assert (row["debit_pending"], row["credit_pending"]) == (0, 0)
        if net and row["unit"] == "PAISE" and row["name"] not in COUNTERS:
            found[row["object_id"]][row["name"]] = net
    return found


def test_bent_messages_are_refused_with_their_numbers(sqlite_url: str) -> None:
    with seated(sqlite_url) as (buyer, supplier):
        sides = {"buyer": buyer, "supplier": supplier}
        for scene, _ in SCENES[:3]:
            for sender, path, body in scene():
                _settled(sides[sender], supplier if sender == "buyer" else buyer, path, body)
        before = len(buyer.trader.took), len(supplier.trader.took)
        fault = _refused(supplier, "invoice/req-send-invoice", story_bends.over_the_tolerance())
        assert fault["code"] == "INV-OVER-QUANTITY"
        assert fault["context"] == {
            "ordered": "3200.000", "invoiced": "1612.450", "asked": "1747.551", "most": "1747.550",
        }  # fmt: skip
        for sender, path, body in paid(1):
            _settled(sides[sender], supplier if sender == "buyer" else buyer, path, body)
        fault = _refused(buyer, "payment/req-pay", story_bends.over_the_due())
        assert fault["code"] == "PAY-OVER-DUE"
        assert "302606.00 is due" in fault["detail"]
        assert len(buyer.trader.took) == before[0] + 2
        assert len(supplier.trader.took) == before[1] + 2


def _refused(sender: Side, path: str, body: story.Body) -> Any:
    answer = sender.trader.send(f"/api/v0/{path}", story.dumps(body))
    assert answer.status == 422, answer.body
    [fault] = answer.body["payload"]["faults"]
    return fault


@pytest.mark.parametrize("path", sorted(path for path in ACKS if "/finance/" not in path))
def test_every_call_of_the_four_contracts_has_its_two_webhooks(path: str) -> None:
    assert f"/hooks{path}" in WEBHOOKS
    assert f"/hooks{path}".replace("/req-", "/resp-") in WEBHOOKS
