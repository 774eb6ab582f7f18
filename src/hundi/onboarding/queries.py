"""Questions about who is on the network, and about the calls that a client has made."""

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec
import sqlalchemy as sa

from hundi.exchange.tables import body, delivery, exchange
from hundi.kernel.clock import to_text, to_text_if
from hundi.kernel.faults import Code, Kind, RefusedError
from hundi.kernel.identity import response_id
from hundi.onboarding import rules
from hundi.onboarding.model import AREA, Found, Institute, Register, SearchCriterion
from hundi.onboarding.tables import business_identifier, candidate, registration
from hundi.parties.tables import b2b_id, client, entity, gstin
from hundi.store.engine import Row, Transaction

UNKNOWN = Code(
    "ONBOARD-UNKNOWN", Kind.UNKNOWN, "The client has made no such onboarding call. Check its id."
)
CODES = (UNKNOWN,)


async def is_mailbox(tx: Transaction, client_id: str) -> bool:
    """Whether a client polls instead of being called; it stays so until the transaction ends."""
    query = sa.select(client.c.mailbox).where(client.c.client_id == client_id)
    [row] = await tx.select(query.with_for_update(read=True, key_share=True))
    return bool(row["mailbox"])


async def candidate_of(tx: Transaction, *, client_id: str, object_id: str) -> Row | None:
    """What a client has asked about under an objectId, locked; None before its first check."""
    c = candidate.c
    query = sa.select(c.pan, c.legal_form, c.status, c.registration).where(
        c.client_id == client_id, c.object_id == object_id
    )
    rows = await tx.select(query.with_for_update())
    return rows[0] if rows else None


async def register(
    tx: Transaction,
    *,
    identifiers: Iterable[tuple[str, str]],
    b2b_ids: Iterable[str],
    pan: str = "",
    object_id: str = "",
) -> Register:
    """What is taken of some identifiers, B2B IDs, a PAN and an objectId."""
    wanted = set(identifiers)
    taken = sa.select(b2b_id.c.b2b_id).where(b2b_id.c.b2b_id.in_(sorted(b2b_ids)))
    same = sa.select(entity.c.pan, entity.c.object_id).where(
        sa.or_(entity.c.pan == pan, entity.c.object_id == object_id)
    )
    known = await tx.select(same) if pan or object_id else ()
    return Register(
        identifiers=await _owners(tx, wanted),
        b2b_ids=frozenset(row["b2b_id"] for row in await tx.select(taken)),
        pan_taken=any(row["pan"] == pan for row in known),
        object_taken=any(row["object_id"] == object_id for row in known),
    )


async def taken(tx: Transaction, one: Institute) -> Register:
    """What is taken of everything that a registration wants for itself."""
    return await register(
        tx,
        identifiers=[identifier.key for _, identifier in one.identifiers],
        b2b_ids=[one.defaultB2BId],
        pan=one.lei.value,
        object_id=one.objectId,
    )


async def _owners(
    tx: Transaction, wanted: Collection[tuple[str, str]]
) -> dict[tuple[str, str], str]:
    """Owning entities of the known ones of some identifiers. GSTINs have a table of their own."""
    by_document: dict[str, list[str]] = {}
    for document, value in sorted(wanted):
        by_document.setdefault(document, []).append(value)
    numbers = by_document.pop("GSTIN", [])
    g = gstin.c
    found = {
        ("GSTIN", row["gstin"]): row["entity_id"]
        for row in await tx.select(sa.select(g.gstin, g.entity_id).where(g.gstin.in_(numbers)))
    }
    for document, values in by_document.items():
        i = business_identifier.c
        query = sa.select(i.value, i.entity_id).where(i.document == document, i.value.in_(values))
        found |= {(document, row["value"]): row["entity_id"] for row in await tx.select(query)}
    return found


async def entity_of(tx: Transaction, entity_id: str) -> Row:
    """An entity's row."""
    [row] = await tx.select(sa.select(entity).where(entity.c.entity_id == entity_id))
    return row


async def ids_of(tx: Transaction, entity_id: str) -> Sequence[Row]:
    """All B2B IDs of an entity, whoever serves them, with the GSTIN of those that are a branch's."""
    c = b2b_id.c
    return await tx.select(
        sa.select(c.b2b_id, c.branch_gstin).where(c.entity_id == entity_id).order_by(c.b2b_id)
    )


async def by_pan(tx: Transaction, pan: str) -> list[Found]:
    """The entities under a PAN, with public and active B2B IDs of theirs, so many as an answer tells."""
    query = sa.select(entity.c.entity_id).where(entity.c.pan == pan)
    return await _found(tx, [row["entity_id"] for row in await tx.select(query)])


async def search(tx: Transaction, criteria: Sequence[SearchCriterion]) -> list[Found]:
    """The entities that fit any criterion and have a public, active B2B ID.

    With more B2B IDs than an answer tells, there are `rules.MOST_IDS` and one of them here.
    """
    values: dict[str, list[str]] = {}
    for one in criteria:
        values.setdefault(one.searchParameter, []).append(one.value)
    found: set[str] = set()
    for parameter, wanted in values.items():
        found.update(row["entity_id"] for row in await tx.select(_by(parameter, wanted)))
    return [one for one in await _found(tx, sorted(found)) if one.ids]


def _by(parameter: str, values: list[str]) -> sa.Select[tuple[str]]:
    upper = [value.upper() for value in values]
    if parameter == "PAN":
        return sa.select(entity.c.entity_id).where(entity.c.pan.in_(upper))
    if parameter == "GSTIN":
        return sa.select(gstin.c.entity_id).where(gstin.c.gstin.in_(upper))
    if parameter == "B2BID":
        c = b2b_id.c
        return sa.select(c.entity_id).where(c.b2b_id.in_(values), c.public, c.active)
    i = business_identifier.c
    return sa.select(i.entity_id).where(i.document == parameter, i.value.in_(upper))


async def _found(tx: Transaction, entity_ids: Sequence[str]) -> list[Found]:
    e, c = entity.c, b2b_id.c
    owners = sa.select(e.entity_id, e.object_id, e.name, e.alias, e.state, e.pincode)
    rows = await tx.select(owners.where(e.entity_id.in_(entity_ids)).order_by(e.name, e.entity_id))
    ids = sa.select(c.entity_id, c.b2b_id, c.description).where(
        c.entity_id.in_(entity_ids), c.public, c.active
    )
    shown: dict[str, list[tuple[str, str]]] = {}
    for row in await tx.select(ids.order_by(c.b2b_id).limit(rules.MOST_IDS + 1)):
        shown.setdefault(row["entity_id"], []).append((row["b2b_id"], row["description"]))
    return [
        Found(
            entity_id=row["entity_id"],
            object_id=row["object_id"],
            name=row["name"],
            alias=row["alias"],
            state=row["state"],
            pincode=row["pincode"],
            ids=tuple(shown.get(row["entity_id"], ())),
        )
        for row in rows
    ]


async def call(tx: Transaction, *, client_id: str, req_msg_id: str) -> Mapping[str, object]:
    """One onboarding call of a client's with its answer. Raises RefusedError where it is unknown."""
    x = exchange.c
    query = sa.select(exchange).where(
        x.req_msg_id == req_msg_id, x.client_id == client_id, x.message.like(f"{AREA}/%")
    )
    rows = await tx.select(query)
    if not rows:
        raise unknown(req_msg_id)
    [row] = rows
    return {
        "reqMsgId": row["req_msg_id"],
        "message": row["message"],
        "state": row["state"],
        "result": row["result"],
        "errorCd": row["error_code"],
        "errorDtl": row["error_detail"],
        "errorField": row["error_field"],
        "createdAt": to_text(row["created_at"]),
        "endedAt": to_text_if(row["ended_at"]),
        "answer": await _answer(tx, req_msg_id),
        "webhook": await _webhook(tx, req_msg_id),
        "ownership": await _ownership(tx, req_msg_id),
    }


def unknown(req_msg_id: str) -> RefusedError:
    """The refusal of a call that is not the client's own."""
    detail = f"You have made no onboarding call {req_msg_id}. Check the reqMsgId."
    return RefusedError([UNKNOWN.at("reqMsgId", detail)])


async def _answer(tx: Transaction, req_msg_id: str) -> msgspec.Raw | None:
    query = sa.select(body.c.bytes).where(body.c.body_id == response_id(req_msg_id))
    rows = await tx.select(query)
    return msgspec.Raw(bytes(rows[0]["bytes"])) if rows else None


async def _webhook(tx: Transaction, req_msg_id: str) -> Mapping[str, object] | None:
    d = delivery.c
    query = sa.select(d.webhook_id, d.state, d.attempts).where(
        d.webhook_id == response_id(req_msg_id)
    )
    rows = await tx.select(query)
    if not rows:
        return None
    [row] = rows
    return {"webhookId": row["webhook_id"], "state": row["state"], "attempts": row["attempts"]}


async def _ownership(tx: Transaction, req_msg_id: str) -> Mapping[str, object] | None:
    """How far the proof of ownership is; the code itself is nobody's to read."""
    r = registration.c
    rows = await tx.select(sa.select(registration).where(r.req_msg_id == req_msg_id))
    if not rows:
        return None
    [row] = rows
    return {
        "state": row["state"],
        "code": row["sending"],
        "codeExpiresAt": to_text_if(row["code_expires_at"]),
        "tries": row["tries"],
        "codes": row["codes"],
        "lapsesAt": to_text(row["lapses_at"]),
    }
