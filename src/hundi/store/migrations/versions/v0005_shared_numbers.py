"""Numbers that documents of one author may share: payments are found by their UTR."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_COLUMNS = ("author_entity", "type", "number", "object_id")


def upgrade() -> None:
    """Make the table, with the payments that there are."""
    op.create_table(
        "shared_number",
        *(sa.Column(name, sa.Text(), nullable=False) for name in _COLUMNS),
        sa.PrimaryKeyConstraint(*_COLUMNS),
    )
    op.execute(
        "insert into shared_number (author_entity, type, number, object_id)"
        " select author_entity, type, lower(number), object_id from document"
        " where type = 'payment'"
    )


def downgrade() -> None:
    """Forget which numbers are shared."""
    op.drop_table("shared_number")
