"""Rows of a store in which much has been traded, written past the road."""

from collections.abc import Sequence

import sqlalchemy as sa

from hundi.parties import tables as parties
from hundi.store.engine import Transaction
from hundi.store.statement import insert


async def serve(tx: Transaction, entities: Sequence[str], client_id: str) -> None:
    """Businesses more that a client of the scene serves; `e1` has the B2B ID `E1@BCB`."""
    for name in entities:
        owner = {"entity_id": name, "pan": name, "name": name, "created_at": 1}
        served = {"entity_id": name, "client_id": client_id, "active": True, "created_at": 1}
        await tx.execute(sa.insert(parties.entity).values(**owner))
        await tx.execute(sa.insert(parties.b2b_id).values(b2b_id=b2b_id(name), **served))


def b2b_id(entity: str) -> str:
    """The B2B ID of a business here."""
    return f"{entity.upper()}@BCB"


def paper(author: str, counterparty: str, object_id: str, **members: object) -> dict[str, object]:
    """A row of `document` that its counterparty holds."""
    return {
        "author_entity": author, "type": "bill", "object_id": object_id,
        "author_b2b": b2b_id(author), "counterparty_entity": counterparty,
        "counterparty_b2b": b2b_id(counterparty), "number": f"N-{object_id}",
        "status": "SENT", "version": 1, "highest_version": 1, "body_id": "B",
        "head_sequence": 1, "head_hash": b"", "last_exchange": "X", "last_step": "SETTLED",
        "created_at": 1, "updated_at": 1, "booked": False, **members,
    }  # fmt: skip


def exchanged(sender: str, receiver: str, req_msg_id: str, **members: object) -> dict[str, object]:
    """A row of `exchange` that has settled."""
    return {
        "req_msg_id": req_msg_id, "message": "slip/req-send", "client_id": sender,
        "sender_b2b": b2b_id(sender), "receiver_b2b": b2b_id(receiver), "receiver_client": "",
        "mailbox": False, "effect": "PROPOSAL", "state": "SETTLED", "moves": "[]",
        "warnings": "[]", "result": "SUCCESS", "error_code": "", "error_detail": "",
        "error_field": "", "created_at": 1, **members,
    }  # fmt: skip


def webhook(
    receiver: str, webhook_id: str, req_msg_id: str, **members: object
) -> dict[str, object]:
    """A row of `delivery` that was delivered."""
    return {
        "webhook_id": webhook_id, "req_msg_id": req_msg_id, "kind": "REQ", "effect": "PROPOSAL",
        "receiver_b2b": b2b_id(receiver), "client_id": "nobody", "lane": "L", "position": 1,
        "path": "/", "body_id": "B", "state": "DELIVERED", "due_at": 1, "attempts": 1,
        "failures": 0, "reached": True, "redriven": False, "created_at": 1, **members,
    }  # fmt: skip


def tried(webhook_id: str, *, reached: bool) -> dict[str, object]:
    """A row of `attempt` that has ended."""
    return {
        "webhook_id": webhook_id, "number": 1, "redriven": False, "started_at": 1,
        "reached": reached, "outcome": "DELIVERED", "reason": "", "answer": b"",
    }  # fmt: skip


async def put(tx: Transaction, table: sa.Table, made: Sequence[dict[str, object]]) -> None:
    """Rows, all with the same members, into their table."""
    names = list(made[0])
    await tx.bulk(insert(table, names), [tuple(one[name] for name in names) for one in made])
