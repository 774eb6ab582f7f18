"""Tables of the ledger. The author's entity id of the owning document comes first in every key.

The database itself refuses what must never be: an amount that is not positive, a transfer from an
account to itself, a guarded account (what is due) below zero with all that is reserved to leave it.
"""

import sqlalchemy as sa

from hundi.store.metadata import metadata, only

account = sa.Table(
    "ledger_account",
    metadata,
    sa.Column("author_entity", sa.Text, primary_key=True),
    sa.Column("type", sa.Text, primary_key=True),
    sa.Column("object_id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("guarded", sa.Boolean, nullable=False),
    sa.Column("debit", sa.BigInteger, nullable=False),
    sa.Column("credit", sa.BigInteger, nullable=False),
    sa.Column("debit_pending", sa.BigInteger, nullable=False),
    sa.Column("credit_pending", sa.BigInteger, nullable=False),
    sa.CheckConstraint(
        "debit >= 0 and credit >= 0 and debit_pending >= 0 and credit_pending >= 0",
        name="ledger_account_sides",
    ),
    sa.CheckConstraint(
        "not guarded or debit - credit - credit_pending >= 0", name="ledger_account_guarded"
    ),
)

transfer = sa.Table(
    "ledger_transfer",
    metadata,
    sa.Column("author_entity", sa.Text, primary_key=True),
    sa.Column("type", sa.Text, primary_key=True),
    sa.Column("object_id", sa.Text, primary_key=True),
    sa.Column("transfer_id", sa.Text, primary_key=True),
    sa.Column("req_msg_id", sa.Text, nullable=False),
    sa.Column("holder_author", sa.Text, nullable=False),
    sa.Column("holder_type", sa.Text, nullable=False),
    sa.Column("holder_id", sa.Text, nullable=False),
    sa.Column("debit", sa.Text, nullable=False),
    sa.Column("credit", sa.Text, nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("phase", sa.Text, nullable=False),
    sa.Column("standing", sa.Boolean, nullable=False),
    sa.Column("booked_at", sa.BigInteger, nullable=False),
    sa.Column("ended_at", sa.BigInteger),
    sa.CheckConstraint("amount > 0", name="ledger_transfer_amount"),
    sa.CheckConstraint("debit <> credit", name="ledger_transfer_sides"),
    sa.CheckConstraint("phase in ('PENDING', 'POSTED', 'VOID')", name="ledger_transfer_phase"),
)
sa.Index("ledger_transfer_pending", transfer.c.req_msg_id, **only("phase = 'PENDING'"))
sa.Index(
    "ledger_transfer_holder",
    transfer.c.holder_author,
    transfer.c.holder_type,
    transfer.c.holder_id,
)
