"""Financing: lenders by name, calls to several receivers, documents that lapse."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_SEVERAL = "object_id like '%/%'"
_OF_CALLS = {"receipt_id": "exchange_receipt", "leader_id": "exchange_leader"}


def _receipts() -> None:
    op.create_table(
        "receipt",
        *(sa.Column(n, sa.Text(), nullable=False) for n in ("receipt_id", "message", "client_id")),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("receipt_id"),
    )
    for name, index in _OF_CALLS.items():
        op.add_column("exchange", sa.Column(name, sa.Text(), nullable=True))
        only = sa.text(f"{name} is not null")
        op.create_index(index, "exchange", [name], postgresql_where=only, sqlite_where=only)


def _deadlines() -> None:
    op.create_table(
        "deadline",
        *(sa.Column(n, sa.Text(), nullable=False) for n in ("author_entity", "type", "object_id")),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("author_entity", "type", "object_id"),
    )
    op.create_index("ix_deadline_due_at", "deadline", ["due_at"])


def _financiers() -> None:
    op.create_table(
        "financier",
        *(sa.Column(n, sa.Text(), nullable=False) for n in ("fa_id", "financier_id", "b2b_id")),
        *(
            sa.Column(n, sa.Text(), nullable=False, server_default="")
            for n in ("ifsc", "masked_account")
        ),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["b2b_id"], ["b2b_id.b2b_id"]),
        sa.PrimaryKeyConstraint("fa_id", "financier_id"),
    )
    op.create_index("ix_financier_b2b_id", "financier", ["b2b_id"])


def upgrade() -> None:
    """Add what financing needs beside the road's tables."""
    _receipts()
    _deadlines()
    _financiers()
    op.create_index(
        "document_several",
        "document",
        ["author_entity", "type", "number"],
        postgresql_where=sa.text(_SEVERAL),
        sqlite_where=sa.text(_SEVERAL),
    )


def downgrade() -> None:
    """Take it away again; financing under way is lost."""
    op.drop_index("document_several", "document")
    op.drop_table("financier")
    op.drop_table("deadline")
    for name, index in _OF_CALLS.items():
        op.drop_index(index, "exchange")
        op.drop_column("exchange", name)
    op.drop_table("receipt")
