"""Who may call: failed token calls, places where clients proved themselves, rates, barred clients.

A process of the version before goes on: it writes none of this, and new columns may be null.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns of clients, then the tables of the guard."""
    for name, kind in (
        ("barred_at", sa.BigInteger),
        ("message_rate", sa.Text),
        ("read_rate", sa.Text),
    ):
        op.add_column("client", sa.Column(name, kind(), nullable=True))
    op.create_index(op.f("ix_access_token_client_id"), "access_token", ["client_id"], unique=False)
    op.create_table(
        "token_guard",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("blocked_until", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "address"),
    )
    op.create_index(op.f("ix_token_guard_last_at"), "token_guard", ["last_at"], unique=False)
    op.create_table(
        "familiar_address",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["client.client_id"]),
        sa.PrimaryKeyConstraint("client_id", "address"),
    )
    op.create_index(
        op.f("ix_familiar_address_last_at"), "familiar_address", ["last_at"], unique=False
    )
