"""Indexes in the order of the lists of documents and webhooks: a page costs the same in a full store.

On PostgreSQL nothing can be written while they are made, some seconds for a million documents:
callers get 503 with Retry-After, and nothing is lost.
"""

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
    op.create_index(
        "document_written", "document", ["author_entity", "created_at", "type", "object_id"]
    )
    op.create_index(
        "document_came",
        "document",
        ["counterparty_entity", "created_at", "author_entity", "type", "object_id"],
    )
    op.create_index("exchange_sent", "exchange", ["sender_b2b", "req_msg_id"])
    op.create_index("exchange_came", "exchange", ["receiver_b2b", "req_msg_id"])
    op.create_index(
        "exchange_own", "exchange", ["client_id", "req_msg_id"],
        postgresql_where=_OWN, sqlite_where=_OWN,
    )  # fmt: skip

    for name, column in _TROUBLED.items():
        only = sa.text(f"{column} is not null")
        op.create_index(name, "client", [column], postgresql_where=only, sqlite_where=only)


def downgrade() -> None:
    """Take them away."""
    for name in _TROUBLED:
        op.drop_index(name, "client")
    for name in ("exchange_own", "exchange_came", "exchange_sent"):
        op.drop_index(name, "exchange")
    for name in ("document_came", "document_written"):
        op.drop_index(name, "document")
