"""The control API beside the webhooks: look at what arrived, change the rules, release."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from ipaddress import ip_address

import msgspec
from aiohttp import web

from hundi.kernel.clock import to_text
from hundi.simulator.believing import Held
from hundi.simulator.erp import Erp
from hundi.simulator.leaving import Gate
from hundi.simulator.rules import RuleError, parse_rules
from hundi.simulator.state import Row

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

CALLS = {
    "GET /simulator/received": "every webhook in the order of arrival; ?after=N for the later ones",
    "GET /simulator/documents": "type, id, version and status of each document as this ERP holds it",
    "GET /simulator/exchanges": "how often each message's effect was applied, and what is undone",
    "PUT /simulator/rules": "replace the rules; the body is a rules file",
    "POST /simulator/release": "answer what is held",
    "GET /healthz": "whether it listens",
}
"""What `GET /simulator/` tells: each call and what it is for."""


def control_routes(erp: Erp, gate: Gate) -> list[web.RouteDef]:
    """The routes of `/simulator/…` and `/healthz`."""

    async def listed(_request: web.Request) -> web.StreamResponse:
        return _json({"calls": CALLS})

    async def received(request: web.Request) -> web.StreamResponse:
        after = request.query.get("after", "0")
        if not (after.isascii() and after.isdigit() and len(after) <= 18):
            return _json({"error": "after must be the number n of an entry."}, status=400)
        return _json([_entry(row) for row in erp.state.received(after=int(after))])

    async def documents(_request: web.Request) -> web.StreamResponse:
        return _json([_document(held) for held in erp.documents()])

    async def exchanges(_request: web.Request) -> web.StreamResponse:
        effects = [_effect(row) for row in erp.state.effects()]
        outcomes = [_outcome(row) for row in erp.state.outcomes()]
        return _json({"effects": effects, "outcomes": outcomes})

    async def replace_rules(request: web.Request) -> web.StreamResponse:
        try:
            erp.rules = parse_rules(await request.read())
        except RuleError as trouble:
            return _json({"error": str(trouble)}, status=400)
        return _json({"rules": len(erp.rules)})

    async def release(_request: web.Request) -> web.StreamResponse:
        return _json({"released": gate.release()})

    async def health(_request: web.Request) -> web.StreamResponse:
        return _json({"status": "ok"})

    return [
        web.get("/simulator", _local(listed)),
        web.get("/simulator/", _local(listed)),
        web.get("/simulator/received", _local(received)),
        web.get("/simulator/documents", _local(documents)),
        web.get("/simulator/exchanges", _local(exchanges)),
        web.put("/simulator/rules", _local(replace_rules)),
        web.post("/simulator/release", _local(release)),
        web.get("/healthz", health),
    ]


def _local(handler: Handler) -> Handler:
    """Only this machine may steer the simulator; the webhooks' port may be open to others."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        if not _is_loopback(request.remote):
            return _json({"error": "The control API answers on this machine only."}, status=403)
        return await handler(request)

    return guarded


def _is_loopback(remote: str | None) -> bool:
    try:
        address = ip_address((remote or "").partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _entry(row: Row) -> dict[str, object]:
    return {
        "n": row["n"],
        "at": to_text(row["at"]),
        "path": row["path"],
        "id": row["id"],
        "sequence": row["sequence"],
        "verified": bool(row["verified"]),
        "rule": row["rule"],
        "result": row["result"],
        "repeat": bool(row["repeat"]),
    }


def _document(held: Held) -> dict[str, object]:
    told = asdict(held)
    told["objectId"] = told.pop("object_id")
    told["b2bIds"] = msgspec.Raw(told.pop("b2b_ids").encode())
    return told


def _effect(row: Row) -> dict[str, object]:
    return {
        "id": row["id"],
        "type": row["type"],
        "objectId": row["object_id"],
        "version": row["version"],
        "status": row["status"],
        "applied": row["applied"],
        "undone": bool(row["undone"]),
        "disputed": bool(row["disputed"]),
    }


def _outcome(row: Row) -> dict[str, object]:
    return {
        "id": row["id"],
        "objectId": row["object_id"],
        "result": row["result"],
        "errorCd": row["code"],
        "errorDtl": row["detail"],
        "errorField": row["field"],
    }


def _json(value: object, *, status: int = 200) -> web.Response:
    body = msgspec.json.encode(value)
    return web.Response(status=status, body=body, content_type="application/json")
