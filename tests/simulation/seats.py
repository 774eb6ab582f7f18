"""A store with the world's parties in it, before anything happens."""

import sqlite3

import sqlalchemy as sa

from hundi.exchange import tables
from hundi.parties import tables as parties
from hundi.simulator import story, story_financing
from hundi.store.engine import Transaction
from hundi.store.metadata import metadata
from tests.simulation import lending

SIDES = {
    "buyer": story.BUYER,
    "supplier": story.SUPPLIER,
    **{side: lender.business for side, lender in lending.SIDES.items()},
}
"""Who has a client, by the client's id."""


def empty_store() -> sqlite3.Connection:
    """The tables of the network, in memory."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    for statement in _schema():
        connection.execute(statement)
    return connection


def _schema() -> list[str]:
    statements: list[str] = []
    engine = sa.create_mock_engine(
        "sqlite://", lambda made, *_: statements.append(str(made.compile(dialect=engine.dialect)))
    )
    assert tables.document.metadata is parties.client.metadata is metadata
    metadata.create_all(engine, checkfirst=False)
    return statements


async def seat(tx: Transaction, secrets: dict[str, str]) -> None:
    """The parties of the world, with the webhook secrets of their clients."""
    for side, business in SIDES.items():
        await tx.execute(
            sa.insert(parties.client).values(
                client_id=side,
                name=side,
                secret_hash="",
                username=side,
                password_hash="",
                mailbox=False,
                endpoint_url=side,
                endpoint_headers="{}",
                empty_means_success=False,
                webhook_secret=secrets[side],
                failed_exchanges=0,
                created_at=tx.now,
            )
        )
        entity = {"entity_id": side, "pan": business.pan, "name": business.name}
        served = {"b2b_id": business.b2b_id, "entity_id": side, "client_id": side, "active": True}
        gstin = {"gstin": business.gstin, "entity_id": side}
        await tx.execute(sa.insert(parties.entity).values(**entity, created_at=tx.now))
        await tx.execute(sa.insert(parties.b2b_id).values(**served, created_at=tx.now))
        await tx.execute(sa.insert(parties.gstin).values(**gstin))
    for lender in lending.SIDES.values():
        named = {
            "fa_id": story_financing.PLATFORM, "financier_id": lender.financier_id,
            "b2b_id": lender.business.b2b_id,
        }  # fmt: skip
        await tx.execute(sa.insert(parties.financier).values(**named, created_at=tx.now))
