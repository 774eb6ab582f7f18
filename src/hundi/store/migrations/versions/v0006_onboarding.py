"""Onboarding: what an entity tells of itself, its level, further identifiers, registrations.

Every new column has a default or may be null, so that a process of the version before goes on
writing. A PAN stays unique but for a person's (fourth letter P): he may have several businesses.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# SQLite gives an unnamed constraint no name, PostgreSQL this one.
_NAMES = {"uq": "%(table_name)s_%(column_0_name)s_key"}
_OF_A_FIRM = "substr(pan, 4, 1) <> 'P'"
_OPEN = "state = 'OPEN'"
_UNSENT = "state = 'OPEN' and sending <> 'SENT'"


def _entity() -> None:
    with op.batch_alter_table("entity", naming_convention=_NAMES) as batch:
        batch.drop_constraint("entity_pan_key", type_="unique")
        batch.add_column(sa.Column("object_id", sa.Text(), nullable=True))
        batch.add_column(sa.Column("legal_form", sa.Text(), nullable=True))
        for name in ("alias", "state", "pincode"):
            batch.add_column(sa.Column(name, sa.Text(), nullable=False, server_default=""))
        batch.add_column(sa.Column("level", sa.Integer(), nullable=False, server_default="3"))
        batch.add_column(sa.Column("registration", sa.Text(), nullable=True))
        batch.create_unique_constraint("entity_object_id_key", ["object_id"])
    op.create_index(op.f("ix_entity_pan"), "entity", ["pan"], unique=False)
    op.create_index(
        "entity_of_pan",
        "entity",
        ["pan"],
        unique=True,
        postgresql_where=sa.text(_OF_A_FIRM),
        sqlite_where=sa.text(_OF_A_FIRM),
    )


def _b2b_id() -> None:
    op.add_column(
        "b2b_id", sa.Column("public", sa.Boolean(), nullable=False, server_default=sa.true())
    )
    op.add_column("b2b_id", sa.Column("description", sa.Text(), nullable=False, server_default=""))
    op.add_column("b2b_id", sa.Column("branch_gstin", sa.Text(), nullable=True))


def _candidate() -> None:
    op.create_table(
        "candidate",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("pan", sa.Text(), nullable=False),
        sa.Column("legal_form", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("registration", sa.Text(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["client.client_id"]),
        sa.PrimaryKeyConstraint("client_id", "object_id"),
    )


def _registration() -> None:
    op.create_table(
        "registration",
        sa.Column("req_msg_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("identifier", sa.Text(), nullable=False),
        sa.Column("code_salt", sa.LargeBinary(), nullable=True),
        sa.Column("code_hash", sa.LargeBinary(), nullable=True),
        sa.Column("code_expires_at", sa.BigInteger(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("codes", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("sending", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("lapses_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["client.client_id"]),
        sa.PrimaryKeyConstraint("req_msg_id"),
    )
    op.create_index(op.f("ix_registration_phone"), "registration", ["phone"], unique=False)
    for name, column, where in (
        ("registration_due", "due_at", _UNSENT),
        ("registration_lapse", "lapses_at", _OPEN),
    ):
        op.create_index(
            name,
            "registration",
            [column],
            unique=False,
            postgresql_where=sa.text(where),
            sqlite_where=sa.text(where),
        )


def _business_identifier() -> None:
    op.create_table(
        "business_identifier",
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.Text(), nullable=False),
        sa.Column("registered_name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["entity_id"], ["entity.entity_id"]),
        sa.PrimaryKeyConstraint("document", "value"),
    )
    op.create_index(
        op.f("ix_business_identifier_entity_id"), "business_identifier", ["entity_id"], unique=False
    )


def upgrade() -> None:
    """Widen the parties' tables, then add those of onboarding."""
    _entity()
    _b2b_id()
    _candidate()
    _registration()
    _business_identifier()
