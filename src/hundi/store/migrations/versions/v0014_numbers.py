"""Checkpoints have no sequence of their own: who makes one numbers it after the one before.

On PostgreSQL the tables' own creation had given the number a sequence that nothing has ever asked.
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_SEQUENCE = "checkpoint_number_seq"


def upgrade() -> None:
    """Drop the default and its sequence."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("alter table checkpoint alter column number drop default")
        op.execute(f"drop sequence if exists {_SEQUENCE}")


def downgrade() -> None:
    """Make both again."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"create sequence {_SEQUENCE} owned by checkpoint.number")
        op.execute(f"alter table checkpoint alter column number set default nextval('{_SEQUENCE}')")
