"""A PostgreSQL store with trades in it becomes a crowded one: copies of everybody and everything."""

import asyncpg
import sqlalchemy as sa

from hundi.exchange import tables as exchange
from hundi.ledger import tables as ledger
from hundi.onboarding import tables as onboarding
from hundi.parties import tables as parties
from hundi.store.metadata import metadata

TABLES = (exchange, ledger, onboarding, parties)
"""Their tables are in the catalogue once they are imported."""
NAMES = frozenset(["author_entity", "counterparty_entity", "entity_id", "holder_author", "target_author", "author_b2b", "counterparty_b2b", "b2b_id", "sender_b2b", "receiver_b2b", "client_id", "receiver_client", "object_id", "holder_id", "target_id", "req_msg_id", "webhook_id", "body_id", "agreed_body_id", "last_exchange", "open_exchange", "receipt_id", "leader_id", "lane", "transfer_id", "key", "claim", "number", "pan", "username", "gstin", "value", "fa_id", "financier_id", "address", "phone", "registration"])  # fmt: skip
"""Columns that name something: in a copy they name the copy's."""


async def crowd(url: str, copies: int) -> None:
    """Add so many copies of every row, and let the database count what it has."""
    connection = await asyncpg.connect(url)
    try:
        for table in metadata.sorted_tables:
            columns = [column for column in table.columns if not _counted(column)]
            names = ", ".join(f'"{column.name}"' for column in columns)
            values = ", ".join(_copied(column) for column in columns)
            if not await connection.fetchval(f'select exists (select 1 from "{table.name}")'):
                await connection.execute(_invented(table, columns))
            await connection.execute(
                f'insert into "{table.name}" ({names}) select {values}'
                f' from "{table.name}" t cross join generate_series(1, {copies}) n'
                " on conflict do nothing"
            )
        await connection.execute("vacuum analyze")
    finally:
        await connection.close()


def _counted(column: sa.Column[object]) -> bool:
    return column.name in {"event_id", "refusal_id"}


def _invented(table: sa.Table, columns: list[sa.Column[object]]) -> str:
    """A hundred rows, all different, of whoever is there."""
    values = ", ".join(_any(column) for column in columns)
    names = ", ".join(f'"{column.name}"' for column in columns)
    return f'insert into "{table.name}" ({names}) select {values} from generate_series(1, 100) n'


def _any(column: sa.Column[object]) -> str:
    for key in column.foreign_keys:
        of = key.column
        return f'(select "{of.name}" from "{of.table.name}" limit 1)'
    if isinstance(column.type, sa.LargeBinary):
        return "convert_to(n::text, 'utf8')"
    if isinstance(column.type, sa.Boolean):
        return "true"
    return "n" if isinstance(column.type, sa.Integer) else "n::text"


def _copied(column: sa.Column[object]) -> str:
    if isinstance(column.type, sa.Text) and column.name in NAMES:
        # A copy is told from what it was made of at its end and, before 'P' stands for a person, not
        # in the middle; what is empty names nothing.
        return (
            f"""case when t."{column.name}" = '' then '' else t."{column.name}" || '~' || n end"""
        )
    if column.name == "token_hash":
        return """t."token_hash" || convert_to(n::text, 'utf8')"""
    return f't."{column.name}"'
