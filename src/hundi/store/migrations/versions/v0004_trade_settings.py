"""What a business has settled for its trade, and the way to what two businesses share.

The columns may be null, so that a process of the version before goes on writing.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("entity", sa.Column("enterprise", sa.Text(), nullable=True))
    op.add_column("entity", sa.Column("deemed_acceptance_days", sa.Integer(), nullable=True))
    op.add_column("entity", sa.Column("over_delivery_percent", sa.Text(), nullable=True))
    op.create_index("document_pair", "document", ["counterparty_entity", "author_entity", "type"])
