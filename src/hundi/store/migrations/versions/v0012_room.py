"""Room on the page for the rows that are soon written again; unnumbered events in no index of numbers.

PostgreSQL writes a new version of a row beside the old one, and leaves the indexes alone, where the
page has room and no indexed column changes. Documents and attempts change so within milliseconds,
but came onto pages that were full by then.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_ROOM = {"document": 60, "attempt": 30}
"""How much of a page new rows may fill, in percent: what is left is for their next versions."""
_TABLE, _COLUMNS = "event", ["client_id", "position"]
_ALL, _NUMBERED = "event_position", "event_feed"


def upgrade() -> None:
    """Leave room, and list only the events that have a number."""
    if op.get_bind().dialect.name == "postgresql":
        for table, percent in _ROOM.items():
            op.execute(f"alter table {table} set (fillfactor = {percent})")
    _index(_NUMBERED, only=sa.text("position is not null"), instead_of=_ALL)


def downgrade() -> None:
    """Fill pages, and list all events."""
    if op.get_bind().dialect.name == "postgresql":
        for table in _ROOM:
            op.execute(f"alter table {table} reset (fillfactor)")
    _index(_ALL, only=None, instead_of=_NUMBERED)


def _index(name: str, *, only: sa.TextClause | None, instead_of: str) -> None:
    """The new one first: feeds are read meanwhile."""
    if op.get_bind().dialect.name == "sqlite":
        op.create_index(name, _TABLE, _COLUMNS, unique=True, sqlite_where=only)
        op.drop_index(instead_of, _TABLE)
        return
    with op.get_context().autocommit_block():
        op.execute(f"drop index concurrently if exists {name}")
        op.create_index(
            name, _TABLE, _COLUMNS, unique=True, postgresql_where=only, postgresql_concurrently=True
        )
        op.execute(f"drop index concurrently if exists {instead_of}")
