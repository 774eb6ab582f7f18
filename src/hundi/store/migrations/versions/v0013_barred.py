"""Whether the operator has switched a B2B ID off, and a client's registrations of the last day.

A process of the version before writes neither: what it adds is not barred.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_INDEX = "registration_of_client"


def upgrade() -> None:
    """Add the column, and the index by which wrong codes are counted."""
    op.add_column(
        "b2b_id", sa.Column("barred", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.create_index(_INDEX, "registration", ["client_id", "asked_at"])


def downgrade() -> None:
    """Drop both."""
    op.drop_index(_INDEX, "registration")
    op.drop_column("b2b_id", "barred")
