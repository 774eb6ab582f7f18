"""When a document changed its status or version last, and up to which row of its journal that is known.

Both may be null, and are for every document that is there: nothing is rewritten. A process of the
version before goes on writing without them. What it does moves the journal's head past the number
here, so that the time beside it is known to be too old, and is not told.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_TABLE = "document"


def upgrade() -> None:
    """Add both columns."""
    op.add_column(_TABLE, sa.Column("last_at", sa.BigInteger(), nullable=True))
    op.add_column(_TABLE, sa.Column("last_at_head", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Drop both."""
    op.drop_column(_TABLE, "last_at_head")
    op.drop_column(_TABLE, "last_at")
