"""The context of a trace with each exchange and each webhook, where there is one.

Both may be null: a process of the version before goes on writing, and most networks trace nothing.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("exchange", sa.Column("trace", sa.Text(), nullable=True))
    op.add_column("delivery", sa.Column("trace", sa.Text(), nullable=True))
