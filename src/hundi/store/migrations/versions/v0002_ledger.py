"""The ledger, relations between documents, further lanes, numbers that come back with their IRN."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_KEY = ("author_entity", "type", "object_id")


def _account() -> None:
    op.create_table(
        "ledger_account",
        *(sa.Column(name, sa.Text(), nullable=False) for name in (*_KEY, "name", "unit")),
        sa.Column("guarded", sa.Boolean(), nullable=False),
        sa.Column("debit", sa.BigInteger(), nullable=False),
        sa.Column("credit", sa.BigInteger(), nullable=False),
        sa.Column("debit_pending", sa.BigInteger(), nullable=False),
        sa.Column("credit_pending", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "debit >= 0 and credit >= 0 and debit_pending >= 0 and credit_pending >= 0",
            name="ledger_account_sides",
        ),
        sa.CheckConstraint(
            "not guarded or debit - credit - credit_pending >= 0", name="ledger_account_guarded"
        ),
        sa.PrimaryKeyConstraint(*_KEY, "name"),
    )


def _transfer() -> None:
    texts = ("transfer_id", "req_msg_id", "holder_author", "holder_type", "holder_id")
    op.create_table(
        "ledger_transfer",
        *(sa.Column(name, sa.Text(), nullable=False) for name in (*_KEY, *texts)),
        sa.Column("debit", sa.Text(), nullable=False),
        sa.Column("credit", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("standing", sa.Boolean(), nullable=False),
        sa.Column("booked_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("amount > 0", name="ledger_transfer_amount"),
        sa.CheckConstraint("debit <> credit", name="ledger_transfer_sides"),
        sa.CheckConstraint("phase in ('PENDING', 'POSTED', 'VOID')", name="ledger_transfer_phase"),
        sa.PrimaryKeyConstraint(*_KEY, "transfer_id"),
    )
    op.create_index(
        "ledger_transfer_pending",
        "ledger_transfer",
        ["req_msg_id"],
        postgresql_where=sa.text("phase = 'PENDING'"),
        sqlite_where=sa.text("phase = 'PENDING'"),
    )
    op.create_index(
        "ledger_transfer_holder", "ledger_transfer", ["holder_author", "holder_type", "holder_id"]
    )


def _relation() -> None:
    targets = ("target_author", "target_type", "target_id")
    op.create_table(
        "relation",
        *(sa.Column(name, sa.Text(), nullable=False) for name in (*_KEY, *targets)),
        sa.PrimaryKeyConstraint(*_KEY, *targets),
    )
    op.create_index("relation_target", "relation", list(targets))


def _further_lane() -> None:
    op.create_table(
        "further_lane",
        sa.Column("webhook_id", sa.Text(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("webhook_id", "lane"),
    )
    op.create_index("further_lane_order", "further_lane", ["lane", "position"])
    op.add_column("delivery", sa.Column("sequences", sa.Text(), nullable=True))


def upgrade() -> None:
    _account()
    _transfer()
    _relation()
    _further_lane()
    zero, no, yes = "0", sa.false(), sa.true()
    for name, column in (
        ("document", sa.Column("status_at", sa.BigInteger(), nullable=False, server_default=zero)),
        ("document", sa.Column("agreed_at", sa.BigInteger(), nullable=True)),
        ("document", sa.Column("booked", sa.Boolean(), nullable=False, server_default=no)),
        ("exchange", sa.Column("holds", sa.Text(), nullable=False, server_default="[]")),
        ("exchange", sa.Column("booked", sa.Boolean(), nullable=False, server_default=no)),
        ("number_claim", sa.Column("tag", sa.Text(), nullable=False, server_default="")),
        ("number_claim", sa.Column("live", sa.Boolean(), nullable=False, server_default=yes)),
    ):
        op.add_column(name, column)
    # Of documents from before, the last step is the best that is known.
    op.execute("update document set status_at = updated_at")
    op.execute("update document set agreed_at = updated_at where agreed_version is not null")
