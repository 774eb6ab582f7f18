"""Indexes in the order of the lists of documents and webhooks: a page costs the same in a full store.

On PostgreSQL they are made while others write. Locks on one table after the other would not do: who
ends an exchange writes to both, and one of the two would be ended as the cause of a deadlock.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_TROUBLED = {"client_disabled": "disabled_at", "client_failing": "failing_since"}
_OWN = sa.text("receiver_b2b = ''")


def upgrade() -> None:
    """Add them; old processes keep them up without knowing."""
    _add("document_written", "document", ["author_entity", "created_at", "type", "object_id"])
    _add(
        "document_came",
        "document",
        ["counterparty_entity", "created_at", "author_entity", "type", "object_id"],
    )
    _add("exchange_sent", "exchange", ["sender_b2b", "req_msg_id"])
    _add("exchange_came", "exchange", ["receiver_b2b", "req_msg_id"])
    _add("exchange_own", "exchange", ["client_id", "req_msg_id"], only=_OWN)
    for name, column in _TROUBLED.items():
        _add(name, "client", [column], only=sa.text(f"{column} is not null"))


def _add(
    name: str, table: str, columns: Sequence[str], *, only: sa.TextClause | None = None
) -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.create_index(name, table, columns, sqlite_where=only)
        return
    with op.get_context().autocommit_block():
        # What an attempt that was cut off has left is half of an index.
        op.execute(f"drop index concurrently if exists {name}")
        op.create_index(name, table, columns, postgresql_where=only, postgresql_concurrently=True)


def downgrade() -> None:
    """Take them away."""
    for name in _TROUBLED:
        op.drop_index(name, "client")
    for name in ("exchange_own", "exchange_came", "exchange_sent"):
        op.drop_index(name, "exchange")
    for name in ("document_came", "document_written"):
        op.drop_index(name, "document")
