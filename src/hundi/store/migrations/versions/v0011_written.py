"""The index of what a business wrote is for lists alone: it may not tempt a planner away from the key.

It begins with the author as the key does and holds all of the key's columns. Over a table that
autovacuum has not counted yet PostgreSQL thinks both as good, and a process keeps that plan until
then: a document was looked up among all of its author's.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_NAME, _TABLE = "document_written", "document"
_COLUMNS = ["author_entity", "created_at", "type", "object_id"]


def upgrade() -> None:
    """Make it again, for those who say `created_at > 0`, as the list does."""
    _again(sa.text("created_at > 0"))


def downgrade() -> None:
    """Make it again, for everybody."""
    _again(None)


def _again(only: sa.TextClause | None) -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.drop_index(_NAME, _TABLE)
        op.create_index(_NAME, _TABLE, _COLUMNS, sqlite_where=only)
        return
    with op.get_context().autocommit_block():
        op.execute(f"drop index concurrently if exists {_NAME}")
        op.create_index(
            _NAME, _TABLE, _COLUMNS, postgresql_where=only, postgresql_concurrently=True
        )
