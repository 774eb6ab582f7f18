"""The first tables: parties, documents, exchanges, deliveries, journal, feed."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _attempt() -> None:
    op.create_table(
        "attempt",
        sa.Column("webhook_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("redriven", sa.Boolean(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("milliseconds", sa.Integer(), nullable=True),
        sa.Column("reached", sa.Boolean(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("webhook_id", "number"),
    )


def _body() -> None:
    op.create_table(
        "body",
        sa.Column("body_id", sa.Text(), nullable=False),
        sa.Column("bytes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("body_id"),
    )


def _client() -> None:
    op.create_table(
        "client",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("mailbox", sa.Boolean(), nullable=False),
        sa.Column("endpoint_url", sa.Text(), nullable=True),
        sa.Column("endpoint_headers", sa.Text(), nullable=False),
        sa.Column("empty_means_success", sa.Boolean(), nullable=False),
        sa.Column("webhook_secret", sa.Text(), nullable=False),
        sa.Column("previous_secret", sa.Text(), nullable=True),
        sa.Column("previous_secret_until", sa.BigInteger(), nullable=True),
        sa.Column("disabled_at", sa.BigInteger(), nullable=True),
        sa.Column("disabled_reason", sa.Text(), nullable=True),
        sa.Column("last_success_at", sa.BigInteger(), nullable=True),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("failed_exchanges", sa.Integer(), nullable=False),
        sa.Column("warned_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("client_id"),
        sa.UniqueConstraint("username"),
    )


def _delivery() -> None:
    op.create_table(
        "delivery",
        sa.Column("webhook_id", sa.Text(), nullable=False),
        sa.Column("req_msg_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("effect", sa.Text(), nullable=False),
        sa.Column("receiver_b2b", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("body_id", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("reached", sa.Boolean(), nullable=False),
        sa.Column("redriven", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("webhook_id"),
    )


def _delivery_indexes() -> None:
    op.create_index(
        "delivery_due",
        "delivery",
        ["client_id", "due_at"],
        unique=False,
        postgresql_where=sa.text("state = 'QUEUED'"),
        sqlite_where=sa.text("state = 'QUEUED'"),
    )
    op.create_index(
        "delivery_lane",
        "delivery",
        ["lane", "position"],
        unique=False,
        postgresql_where=sa.text("state in ('QUEUED', 'LEASED')"),
        sqlite_where=sa.text("state in ('QUEUED', 'LEASED')"),
    )
    op.create_index(
        "delivery_lease",
        "delivery",
        ["lease_until"],
        unique=False,
        postgresql_where=sa.text("state = 'LEASED'"),
        sqlite_where=sa.text("state = 'LEASED'"),
    )
    op.create_index(
        "delivery_parked",
        "delivery",
        ["client_id"],
        unique=False,
        postgresql_where=sa.text("state = 'PARKED'"),
        sqlite_where=sa.text("state = 'PARKED'"),
    )
    op.create_index(op.f("ix_delivery_req_msg_id"), "delivery", ["req_msg_id"], unique=False)


def _document() -> None:
    op.create_table(
        "document",
        sa.Column("author_entity", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("author_b2b", sa.Text(), nullable=False),
        sa.Column("counterparty_entity", sa.Text(), nullable=False),
        sa.Column("counterparty_b2b", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("claim", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("agreed_version", sa.Integer(), nullable=True),
        sa.Column("highest_version", sa.Integer(), nullable=False),
        sa.Column("open_exchange", sa.Text(), nullable=True),
        sa.Column("body_id", sa.Text(), nullable=False),
        sa.Column("agreed_body_id", sa.Text(), nullable=True),
        sa.Column("head_sequence", sa.BigInteger(), nullable=False),
        sa.Column("head_hash", sa.LargeBinary(), nullable=False),
        sa.Column("last_exchange", sa.Text(), nullable=False),
        sa.Column("last_step", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("author_entity", "type", "object_id"),
    )
    op.create_index(
        "document_counterparty",
        "document",
        ["counterparty_entity", "type", "object_id"],
        unique=False,
    )


def _entity() -> None:
    op.create_table(
        "entity",
        sa.Column("entity_id", sa.Text(), nullable=False),
        sa.Column("pan", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("entity_id"),
        sa.UniqueConstraint("pan"),
    )


def _event() -> None:
    op.create_table(
        "event",
        sa.Column(
            "event_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("req_msg_id", sa.Text(), nullable=False),
        sa.Column("author_entity", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("event_id"),
    )
    op.create_index("event_position", "event", ["client_id", "position"], unique=True)
    op.create_index(
        "event_unnumbered",
        "event",
        ["event_id"],
        unique=False,
        postgresql_where=sa.text("position is null"),
        sqlite_where=sa.text("position is null"),
    )


def _exchange() -> None:
    op.create_table(
        "exchange",
        sa.Column("req_msg_id", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("sender_b2b", sa.Text(), nullable=False),
        sa.Column("receiver_b2b", sa.Text(), nullable=False),
        sa.Column("receiver_client", sa.Text(), nullable=False),
        sa.Column("mailbox", sa.Boolean(), nullable=False),
        sa.Column("effect", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("closing", sa.Text(), nullable=True),
        sa.Column("moves", sa.Text(), nullable=False),
        sa.Column("warnings", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("error_code", sa.Text(), nullable=False),
        sa.Column("error_detail", sa.Text(), nullable=False),
        sa.Column("error_field", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("req_msg_id"),
    )
    op.create_index(
        "exchange_expiry",
        "exchange",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("state = 'OPEN' and closing is null and expires_at is not null"),
        sqlite_where=sa.text("state = 'OPEN' and closing is null and expires_at is not null"),
    )


def _feed_head() -> None:
    op.create_table(
        "feed_head",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("client_id"),
    )


def _idempotency() -> None:
    op.create_table(
        "idempotency",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("req_msg_id", sa.Text(), nullable=False),
        sa.Column("response", sa.LargeBinary(), nullable=False),
        sa.Column("warnings", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "key"),
    )
    op.create_index(op.f("ix_idempotency_created_at"), "idempotency", ["created_at"], unique=False)


def _journal() -> None:
    op.create_table(
        "journal",
        sa.Column("author_entity", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("req_msg_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("author_entity", "type", "object_id", "sequence"),
    )


def _number_claim() -> None:
    op.create_table(
        "number_claim",
        sa.Column("author_entity", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("claim", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("author_entity", "type", "claim"),
    )


def _refusal() -> None:
    op.create_table(
        "refusal",
        sa.Column(
            "refusal_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("faults", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("refusal_id"),
    )
    op.create_index(op.f("ix_refusal_client_id"), "refusal", ["client_id"], unique=False)


def _access_token() -> None:
    op.create_table(
        "access_token",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["client.client_id"],
        ),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_index(
        op.f("ix_access_token_expires_at"), "access_token", ["expires_at"], unique=False
    )


def _b2b_id() -> None:
    op.create_table(
        "b2b_id",
        sa.Column("b2b_id", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["client.client_id"],
        ),
        sa.ForeignKeyConstraint(
            ["entity_id"],
            ["entity.entity_id"],
        ),
        sa.PrimaryKeyConstraint("b2b_id"),
    )
    op.create_index(op.f("ix_b2b_id_client_id"), "b2b_id", ["client_id"], unique=False)
    op.create_index(op.f("ix_b2b_id_entity_id"), "b2b_id", ["entity_id"], unique=False)


def _gstin() -> None:
    op.create_table(
        "gstin",
        sa.Column("gstin", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["entity_id"],
            ["entity.entity_id"],
        ),
        sa.PrimaryKeyConstraint("gstin"),
    )
    op.create_index(op.f("ix_gstin_entity_id"), "gstin", ["entity_id"], unique=False)


def upgrade() -> None:
    """Make every table, referenced ones first."""
    _attempt()
    _body()
    _client()
    _delivery()
    _delivery_indexes()
    _document()
    _entity()
    _event()
    _exchange()
    _feed_head()
    _idempotency()
    _journal()
    _number_claim()
    _refusal()
    _access_token()
    _b2b_id()
    _gstin()
