"""Webhooks as the network sends them, signed, for tests of the simulated ERP."""

import json
from collections.abc import Mapping
from typing import Any

from hundi.kernel.clock import SECOND
from hundi.kernel.signature import sign
from hundi.simulator.answering import Answer
from hundi.simulator.erp import Erp
from hundi.simulator.rules import parse_rules
from hundi.simulator.state import State, in_memory
from hundi.simulator.webhook import Webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = 1_767_600_000 * SECOND
PARTIES = {"buyerB2BId": "ZZZCI2701K@BCB", "supplierB2BId": "ZZZFM3301Q@BCB"}
API = "/api/v0/purchase-order/"


def request_id(number: int) -> str:
    return f"MSG{number:032X}"


def outcome_id(number: int) -> str:
    return f"RSP{number:032X}"


def copy_id(number: int) -> str:
    return outcome_id(number) + "-R"


def subject(
    object_id: str = "PUR1",
    *,
    version: int = 1,
    before: str = "CREATED",
    status: str = "SENT TO SUPPLIER",
    **more: object,
) -> dict[str, object]:
    return {
        "objectId": object_id,
        "buyerPONumber": "ILT/PO/25-26/0417",
        **more,
        "objectVersion": {"currentVersion": version, "newVersion": version},
        "poStatusTransition": {"currentStatus": before, "newStatus": status},
    }


def body(
    about: Mapping[str, object],
    *,
    name: str = "purchaseOrder",
    parties: Mapping[str, str] = PARTIES,
) -> bytes:
    told = {
        "device": {"tag": {"name": "GEOCODE", "value": "16.69,74.46"}},
        "b2bIds": parties,
        name: about,
        "additionalInfos": [{"name": "costCentre", "value": "CC-10"}],
    }
    return json.dumps(told).encode()


def outcome_body(about: Mapping[str, object], result: str = "SUCCESS", code: str = "") -> bytes:
    resp = {
        "reqMsgId": request_id(1),
        "result": result,
        "errorCd": code,
        "errorDtl": "",
        "errorField": "",
    }
    told = {"b2bIds": PARTIES, "resp": resp, "purchaseOrder": about, "additionalInfos": []}
    return json.dumps(told).encode()


def headers(
    webhook_id: str, raw: bytes, *, sequence: object = "1", now: int = NOW
) -> dict[str, str]:
    signed = sign([SECRET], webhook_id=webhook_id, timestamp=now // SECOND, body=raw)
    return {**signed, "hundi-exchange": request_id(1), "hundi-sequence": str(sequence)}


def webhook(
    path: str, webhook_id: str, raw: bytes, *, sequence: object = "1", now: int = NOW
) -> Webhook:
    return Webhook(API + path, headers(webhook_id, raw, sequence=sequence, now=now), raw)


def new_erp(rules: object = (), *, state: State | None = None) -> Erp:
    chosen = parse_rules(json.dumps(rules).encode())
    return Erp([SECRET], state=state if state is not None else in_memory(), rules=chosen)


def asked(
    erp: Erp, number: int = 1, path: str = "req-send", *, sequence: object = 1, **about: Any
) -> Answer:
    """Send the ERP a request."""
    raw = body(subject(**about))
    return erp.receive(webhook(path, request_id(number), raw, sequence=sequence), now=NOW)


def told(
    erp: Erp,
    webhook_id: str,
    path: str = "resp-send",
    *,
    result: str = "SUCCESS",
    sequence: object = 2,
    **about: Any,
) -> Answer:
    """Tell the ERP an outcome."""
    raw = outcome_body(subject(**about), result)
    return erp.receive(webhook(path, webhook_id, raw, sequence=sequence), now=NOW)


def resp(answer: Answer) -> dict[str, str]:
    """The result block of an answer."""
    block: dict[str, str] = json.loads(answer.body)["payload"]["resp"]
    return block
