"""The trade story's order over real HTTP: exact shapes, the very bytes, foreign-verified signatures."""

from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from typing import Any

import jsonschema
import pytest
import yaml
from standardwebhooks import Webhook as Verifier

from hundi.simulator import story
from tests.house.sources import ROOT
from tests.journeys.traders import ROAD, Trader, Webhook, network, result_of, trading
from tests.until import until_seen

CONTRACT = yaml.safe_load((ROOT / "contract/b2b-purchase-order.yaml").read_text(encoding="utf-8"))
SENT, REVIEW, ACCEPTED = "SENT TO SUPPLIER", "UNDER REVIEW", "ACCEPTED"
DOCUMENT = f"/documents/purchase-order/{story.OBJECT_ID}"
MEMBERS = {
    "type", "objectId", "author", "status", "version", "openExchange", "body", "versions", "warnings",
}  # fmt: skip


def schema_of(content: Any) -> dict[str, Any]:
    return {**CONTRACT, **content["content"]["application/json"]["schema"]}


ACKS = {
    path.removeprefix(ROAD): schema_of(one["post"]["responses"]["200"])
    for path, one in CONTRACT["paths"].items()
}
WEBHOOKS = {
    "/hooks/" + one["post"]["x-path"]: schema_of(one["post"]["requestBody"])
    for one in CONTRACT["webhooks"].values()
}


@pytest.fixture
def traders(database_url: str) -> Iterator[tuple[Trader, Trader]]:
    """The story's buyer and supplier on a served network."""
    with (
        network(database_url) as (stage, address, _),
        trading(stage, address, story.BUYER, story.SUPPLIER) as (buyer, supplier),
    ):
        yield buyer, supplier


def settled(sender: Trader, other: Trader, message: str, body: story.Body) -> str:
    """Send, and check the ack, both webhooks and the exchange; the reqMsgId."""
    raw = story.dumps(body)
    before = len(sender.took), len(other.took)
    answer = sender.post(message, raw, Idempotency_Key=f"key {message} {len(sender.took)}")
    resp = result_of(answer)
    jsonschema.validate(answer.body, ACKS[message])
    assert (resp["result"], resp["errorCd"], resp["errorDtl"], resp["errorField"]) == (
        "PENDING",
        "",
        "",
        "",
    )
    until_seen(lambda: len(sender.took) > before[0])
    assert (len(sender.took), len(other.took)) == (before[0] + 1, before[1] + 1)
    forwarded, informed = other.took[-1], sender.took[-1]
    assert forwarded.path == f"/hooks{ROAD}{message}"
    assert forwarded.body == raw, "the very bytes"
    assert informed.path == f"/hooks{ROAD}{message.replace('req', 'resp')}"
    checked(other, forwarded, resp["reqMsgId"])
    told = checked(sender, informed, resp["reqMsgId"])
    assert told["resp"]["result"] == "SUCCESS"
    assert informed.headers["hundi-idempotency-key"] == f"key {message} {before[0]}"
    assert "hundi-idempotency-key" not in forwarded.headers
    assert sender.read(f"/exchanges/{resp['reqMsgId']}")["state"] == "SETTLED"
    return str(resp["reqMsgId"])


def checked(receiver: Trader, webhook: Webhook, req_msg_id: str) -> Any:
    """A webhook's body, its shape and signature checked by what others wrote."""
    body = Verifier(receiver.credentials["webhookSecret"]).verify(
        webhook.body, dict(webhook.headers)
    )
    jsonschema.validate(body, WEBHOOKS[webhook.path])
    assert webhook.headers["hundi-exchange"] == req_msg_id
    own = "req-" in webhook.path
    assert webhook.headers["webhook-id"] == (req_msg_id if own else "RSP" + req_msg_id[3:])
    return body


def stands(*traders: Trader) -> set[tuple[int, str]]:
    """Version and status of the story's order as each trader reads it."""
    found = [trader.read(DOCUMENT) for trader in traders]
    assert all(one.keys() >= MEMBERS for one in found)
    return {(one["version"], one["status"]) for one in found}


def test_an_order_is_sent_returned_edited_accepted_and_closed(
    traders: tuple[Trader, Trader],
) -> None:
    buyer, supplier = traders
    steps = [
        (buyer, "req-send", story.order(1), (1, SENT)),
        (supplier, "req-confirm",
         story.confirmation("RETURN", version=1, target=REVIEW, remarks="Line 1: 3200 kg"), (1, REVIEW)),
        (buyer, "req-edit", story.order(2, current_version=1, current_status=REVIEW), (2, SENT)),
        (supplier, "req-confirm",
         story.confirmation("ACCEPT", version=2, target=ACCEPTED, remarks="ठीक है 👍"), (2, ACCEPTED)),
        (buyer, "req-status-change",
         story.status_change("CLOSE", version=2, source=ACCEPTED, target="CLOSED", remarks="Short"),
         (2, "CLOSED")),
    ]  # fmt: skip
    ids = []
    for sender, message, body, becomes in steps:
        other = supplier if sender is buyer else buyer
        ids.append(settled(sender, other, message, body))
        assert stands(buyer, supplier) == {becomes}
    _reads_agree(buyer, supplier, ids)


def _reads_agree(buyer: Trader, supplier: Trader, ids: list[str]) -> None:
    for trader, events in ((buyer, 8), (supplier, 7)):  # nobody is told of what is on its way
        history = trader.read(f"{DOCUMENT}/history")
        assert history["verified"]
        assert [e["step"] for e in history["entries"]] == ["ACCEPTED", "SETTLED"] * 5
        [listed] = trader.read("/documents")["documents"]
        assert (listed["objectId"], listed["version"]) == (story.OBJECT_ID, 2)
        for webhook in trader.took:
            path = f"/deliveries/{webhook.headers['webhook-id']}"
            until_seen(
                partial(_is_delivered, trader, path)
            )  # written down a moment after it was taken
            assert len(trader.read(path)["attemptLog"]) == 1
        until_seen(partial(_has_events, trader, events))
        assert {e["reqMsgId"] for e in _events(trader)} == set(ids)
        sequences = [int(w.headers["hundi-sequence"]) for w in trader.took]
        assert all(a < b for a, b in pairwise(sequences))
    body = buyer.read(DOCUMENT)["body"]
    assert (body["objectVersion"]["newVersion"], str(body["buyerPONumber"])) == (2, story.NUMBER)


def _is_delivered(trader: Trader, path: str) -> bool:
    return bool(trader.read(path)["state"] == "DELIVERED")


def _has_events(trader: Trader, count: int) -> bool:
    return len(_events(trader)) == count


def _events(trader: Trader) -> list[Any]:
    found: list[Any] = trader.read("/events")["events"]
    return found


def test_answers_are_the_contracts_to_the_member(traders: tuple[Trader, Trader]) -> None:
    buyer, supplier = traders
    _refused_as_the_contract_says(buyer)
    assert not supplier.took
    settled(buyer, supplier, "req-send", story.order(1))
    body = story.status_change(
        "CANCEL", version=1, source=SENT, target="CANCELLED", remarks=" é <b> "
    )
    body["additionalInfos"] = [{"name": "costCentre", "value": "CC-10"}]
    body["device"] = {"tag": {"name": "GEOCODE", "value": "somewhere near the river"}}
    answer = buyer.post("req-status-change", story.dumps(body))
    assert result_of(answer)["result"] == "PENDING"
    assert list(answer.body) == ["response_message", "response_code", "payload"]
    assert (answer.body["response_message"], answer.body["response_code"]) == ("SUCCESS", 0)
    payload = answer.body["payload"]
    assert set(payload) == {"b2bIds", "resp", "poStatus", "additionalInfos"}
    assert set(payload["resp"]) == {"reqMsgId", "result", "errorCd", "errorDtl", "errorField"}
    for name in ("b2bIds", "poStatus", "additionalInfos"):
        assert payload[name] == body[name]


def _refused_as_the_contract_says(buyer: Trader) -> None:
    """Every fault of the stage at once, and nothing is kept."""
    body = story.order(1)
    body["purchaseOrder"]["orderDate"] = "2025-02-30"
    del body["purchaseOrder"]["objectVersion"]
    answer = buyer.post("req-send", story.dumps(body))
    jsonschema.validate(answer.body, {**CONTRACT, "$ref": "#/components/schemas/ErrorEnvelope"})
    assert answer.status == 400
    paths = {fault["path"] for fault in answer.body["payload"]["faults"]}
    assert paths == {"purchaseOrder.orderDate", "purchaseOrder.objectVersion"}
    assert buyer.read("/documents")["documents"] == []
