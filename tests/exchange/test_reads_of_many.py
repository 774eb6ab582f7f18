"""Reads among many documents: bounded, and in pages."""

from functools import partial

import sqlalchemy as sa

from hundi.exchange import relations, statements, tables
from hundi.exchange.statements import Claims
from hundi.ledger import tables as ledger
from hundi.parties import tables as parties
from hundi.store.engine import Transaction
from hundi.store.statement import insert
from tests.exchange.scene import Scene

CLAIMS = Claims(type="bill", due="due", credit="on account", paying="paying")
OTHERS = 40
EACH = 25


def bill(author: str, counterparty: str, object_id: str) -> dict[str, object]:
    """A row of `document`: a bill that its author may ask money for."""
    return {
        "author_entity": author, "type": "bill", "object_id": object_id,
        "author_b2b": f"{author.upper()}@BCB", "counterparty_entity": counterparty,
        "counterparty_b2b": f"{counterparty.upper()}@BCB", "number": f"N-{object_id}",
        "status": "ACCEPTED", "version": 1, "highest_version": 1, "body_id": "B",
        "head_sequence": 1, "head_hash": b"", "last_exchange": "X", "last_step": "SETTLED",
        "created_at": 1, "updated_at": 1, "agreed_at": 1, "booked": True,
    }  # fmt: skip


def due(author: str, object_id: str, amount: int, name: str = "due") -> dict[str, object]:
    return {
        "author_entity": author, "type": "bill", "object_id": object_id, "name": name,
        "unit": "PAISE", "guarded": name == "due", "debit": amount, "credit": 0,
        "debit_pending": 0, "credit_pending": 0,
    }  # fmt: skip


def booked(author: str, object_id: str, amount: int, at: int) -> dict[str, object]:
    return {
        "author_entity": author, "type": "bill", "object_id": object_id,
        "transfer_id": f"MSG{object_id}/a1", "req_msg_id": f"MSG{object_id}",
        "holder_author": author, "holder_type": "bill", "holder_id": object_id, "debit": "due",
        "credit": "billed", "amount": amount, "unit": "PAISE", "phase": "POSTED",
        "standing": False, "booked_at": at, "ended_at": at,
    }  # fmt: skip


async def fill(tx: Transaction) -> None:
    """Bills of many businesses among each other, and of the buyer and supplier with all."""
    businesses = ["buyer", "supplier", *(f"e{place:02d}" for place in range(OTHERS))]
    for name in businesses[2:]:
        served = {"entity_id": name, "client_id": "stranger", "active": True, "created_at": 1}
        owner = {"entity_id": name, "pan": name, "name": name, "created_at": 1}
        await tx.execute(sa.insert(parties.entity).values(**owner))
        b2b_id = f"{name.upper()}@BCB"
        await tx.execute(sa.insert(parties.b2b_id).values(b2b_id=b2b_id, **served))
    made = [
        (author, other, f"{author}-{other}-{place}")
        for author in businesses
        for other in businesses
        if author < other
        for place in range(EACH if author == "buyer" else 1)
    ]
    await _put(tx, tables.document, [bill(*one) for one in made])
    await _put(tx, ledger.account, [due(a, o, 100_00) for a, _, o in made])
    await _put(tx, ledger.transfer, [booked(a, o, 100_00, n) for n, (a, _, o) in enumerate(made)])
    related = [
        {"author_entity": a, "type": "bill", "object_id": o,
         "target_author": a, "target_type": "order", "target_id": f"O-{b}"} for a, b, o in made
    ]  # fmt: skip
    await _put(tx, tables.relation, related)


async def _put(tx: Transaction, table: sa.Table, made: list[dict[str, object]]) -> None:
    names = list(made[0])
    await tx.bulk(insert(table, names), [tuple(one[name] for name in names) for one in made])


async def test_accounts_come_in_pages_by_counterparty(stage: Scene) -> None:
    await stage.database.write(fill)
    found: list[tuple[str, int, int]] = []
    after = ""
    while True:
        rows = await stage.database.read(
            partial(statements.balances, mine=["e07"], claims=CLAIMS, after=after, limit=10)
        )
        found += [(one.other, one.receivable.due, one.payable.due) for one in rows]
        if len(rows) < 10:
            break
        after = rows[-1].other
    earlier = [(f"E{place:02d}@BCB", 0, 100_00) for place in range(7)]
    later = [(f"E{place:02d}@BCB", 100_00, 0) for place in range(8, OTHERS)]
    first = ("BUYER@BCB", 0, EACH * 100_00)
    assert found == [first, *earlier, *later, ("SUPPLIER@BCB", 100_00, 0)]


async def test_neighbours_are_bounded(stage: Scene) -> None:
    await stage.database.write(fill)
    told = {
        "author_entity": "buyer", "type": "bill", "target_author": "buyer",
        "target_type": "bill", "target_id": "buyer-e00-0",
    }  # fmt: skip
    made = [told | {"object_id": f"buyer-e{n // EACH:02d}-{n % EACH}"} for n in range(1, 220)]
    await stage.database.write(partial(_put, table=tables.relation, made=made))
    key = ("buyer", "bill", "buyer-e00-0")
    page = await stage.database.read(partial(relations.around, mine=["buyer"], key=key))
    assert len(page["referredBy"]["documents"]) == relations.MOST
    assert page["referredBy"]["more"]
    assert not page["refersTo"]["more"]
    stranger = await stage.database.read(partial(relations.around, mine=["e30"], key=key))
    assert stranger["referredBy"] == {"documents": [], "more": False}
