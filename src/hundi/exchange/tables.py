"""Tables of the road. Times are microseconds since 1970 UTC; bodies are the very bytes that came.

The author's entity id is the first column of every document's key and index: the distribution
column, should one PostgreSQL not be enough. What belongs to a client is keyed by client.
"""

import sqlalchemy as sa

from hundi.store.metadata import metadata, only

document = sa.Table(
    "document",
    metadata,
    sa.Column("author_entity", sa.Text, primary_key=True),
    sa.Column("type", sa.Text, primary_key=True),
    sa.Column("object_id", sa.Text, primary_key=True),
    sa.Column("author_b2b", sa.Text, nullable=False),
    sa.Column("counterparty_entity", sa.Text, nullable=False),
    sa.Column("counterparty_b2b", sa.Text, nullable=False),
    sa.Column("number", sa.Text, nullable=False),
    sa.Column("claim", sa.Text),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("agreed_version", sa.Integer),
    sa.Column("highest_version", sa.Integer, nullable=False),
    sa.Column("open_exchange", sa.Text),
    sa.Column("body_id", sa.Text, nullable=False),
    sa.Column("agreed_body_id", sa.Text),
    sa.Column("head_sequence", sa.BigInteger, nullable=False),
    sa.Column("head_hash", sa.LargeBinary, nullable=False),
    sa.Column("last_exchange", sa.Text, nullable=False),
    sa.Column("last_step", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
    sa.Column("status_at", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("agreed_at", sa.BigInteger),
    sa.Column("booked", sa.Boolean, nullable=False, server_default=sa.false()),
    # When it changed last, and the journal's number up to which that is known: not beyond, where a
    # version of before has written a step, and null where no other has.
    sa.Column("last_at", sa.BigInteger),
    sa.Column("last_at_head", sa.BigInteger),
    # Written again within milliseconds: with room on its page, the next version costs no index entry.
    postgresql_with={"fillfactor": 60},
)
sa.Index(
    "document_counterparty",
    document.c.counterparty_entity,
    document.c.type,
    document.c.object_id,
)
sa.Index("document_pair", document.c.counterparty_entity, document.c.author_entity, document.c.type)

# The list of a business's documents, the newest first: of what it wrote, and of what came to it.
sa.Index(
    "document_written",
    document.c.author_entity,
    document.c.created_at,
    document.c.type,
    document.c.object_id,
    # For the list alone: it holds all of the key's columns, and must not be taken for the key.
    **only("created_at > 0"),
)
sa.Index(
    "document_came",
    document.c.counterparty_entity,
    document.c.created_at,
    document.c.author_entity,
    document.c.type,
    document.c.object_id,
)

# What was sent to several receivers under one name is a document for each: `name/receiver`.
sa.Index(
    "document_several",
    document.c.author_entity,
    document.c.type,
    document.c.number,
    **only("object_id like '%/%'"),
)

# When the platform ends a document that nobody has answered.
deadline = sa.Table(
    "deadline",
    metadata,
    sa.Column("author_entity", sa.Text, primary_key=True),
    sa.Column("type", sa.Text, primary_key=True),
    sa.Column("object_id", sa.Text, primary_key=True),
    sa.Column("due_at", sa.BigInteger, nullable=False, index=True),
)

number_claim = sa.Table(
    "number_claim",
    metadata,
    sa.Column("author_entity", sa.Text, primary_key=True),
    sa.Column("type", sa.Text, primary_key=True),
    sa.Column("claim", sa.Text, primary_key=True),
    sa.Column("object_id", sa.Text, nullable=False),
    sa.Column("tag", sa.Text, nullable=False, server_default=""),
    sa.Column("live", sa.Boolean, nullable=False, server_default=sa.true()),
)

# Numbers that documents of one author may share, by which they are found: a bank's for a payment.
shared_number = sa.Table(
    "shared_number",
    metadata,
    sa.Column("author_entity", sa.Text, primary_key=True),
    sa.Column("type", sa.Text, primary_key=True),
    sa.Column("number", sa.Text, primary_key=True),
    sa.Column("object_id", sa.Text, primary_key=True),
)

# What a document says of other documents: an invoice of its order, a payment of its invoices.
relation = sa.Table(
    "relation",
    metadata,
    sa.Column("author_entity", sa.Text, primary_key=True),
    sa.Column("type", sa.Text, primary_key=True),
    sa.Column("object_id", sa.Text, primary_key=True),
    sa.Column("target_author", sa.Text, primary_key=True),
    sa.Column("target_type", sa.Text, primary_key=True),
    sa.Column("target_id", sa.Text, primary_key=True),
)
sa.Index("relation_target", relation.c.target_author, relation.c.target_type, relation.c.target_id)

exchange = sa.Table(
    "exchange",
    metadata,
    sa.Column("req_msg_id", sa.Text, primary_key=True),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("sender_b2b", sa.Text, nullable=False),
    sa.Column("receiver_b2b", sa.Text, nullable=False),
    sa.Column("receiver_client", sa.Text, nullable=False),
    sa.Column("mailbox", sa.Boolean, nullable=False),
    sa.Column("effect", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("closing", sa.Text),
    sa.Column("moves", sa.Text, nullable=False),
    sa.Column("holds", sa.Text, nullable=False, server_default="[]"),
    sa.Column("booked", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("warnings", sa.Text, nullable=False),
    sa.Column("idempotency_key", sa.Text),
    sa.Column("result", sa.Text, nullable=False),
    sa.Column("error_code", sa.Text, nullable=False),
    sa.Column("error_detail", sa.Text, nullable=False),
    sa.Column("error_field", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger),
    sa.Column("ended_at", sa.BigInteger),
    sa.Column("receipt_id", sa.Text),
    sa.Column("leader_id", sa.Text),
    # Whether the sender was a mailbox then; null in rows of before version 0008.
    sa.Column("sender_mailbox", sa.Boolean),
    sa.Column("trace", sa.Text),
)
sa.Index("exchange_leader", exchange.c.leader_id, **only("leader_id is not null"))
sa.Index("exchange_receipt", exchange.c.receipt_id, **only("receipt_id is not null"))
sa.Index(
    "exchange_expiry",
    exchange.c.expires_at,
    **only("state = 'OPEN' and closing is null and expires_at is not null"),
)

# The list of a business's exchanges, the newest first, and of a client's calls without a counterparty.
sa.Index("exchange_sent", exchange.c.sender_b2b, exchange.c.req_msg_id)
sa.Index("exchange_came", exchange.c.receiver_b2b, exchange.c.req_msg_id)
sa.Index("exchange_own", exchange.c.client_id, exchange.c.req_msg_id, **only("receiver_b2b = ''"))

# A call that is several exchanges; `waiting` counts those that have not ended.
receipt = sa.Table(
    "receipt",
    metadata,
    sa.Column("receipt_id", sa.Text, primary_key=True),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("waiting", sa.Integer, nullable=False),
    sa.Column("result", sa.Text, nullable=False),
    sa.Column("idempotency_key", sa.Text),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("ended_at", sa.BigInteger),
)

body = sa.Table(
    "body",
    metadata,
    sa.Column("body_id", sa.Text, primary_key=True),
    sa.Column("bytes", sa.LargeBinary, nullable=False),
)

idempotency = sa.Table(
    "idempotency",
    metadata,
    sa.Column("client_id", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("fingerprint", sa.LargeBinary, nullable=False),
    sa.Column("req_msg_id", sa.Text, nullable=False),
    sa.Column("response", sa.LargeBinary, nullable=False),
    sa.Column("warnings", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False, index=True),
)

delivery = sa.Table(
    "delivery",
    metadata,
    sa.Column("webhook_id", sa.Text, primary_key=True),
    sa.Column("req_msg_id", sa.Text, nullable=False, index=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("effect", sa.Text, nullable=False),
    sa.Column("receiver_b2b", sa.Text, nullable=False),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("lane", sa.Text, nullable=False),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("body_id", sa.Text, nullable=False),
    sa.Column("idempotency_key", sa.Text),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("due_at", sa.BigInteger, nullable=False),
    sa.Column("lease_until", sa.BigInteger),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("reached", sa.Boolean, nullable=False),
    sa.Column("redriven", sa.Boolean, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("ended_at", sa.BigInteger),
    sa.Column("sequences", sa.Text),
    sa.Column("trace", sa.Text),
)

# The further lanes of a webhook about several documents, until it is delivered or withdrawn.
further_lane = sa.Table(
    "further_lane",
    metadata,
    sa.Column("webhook_id", sa.Text, primary_key=True),
    sa.Column("lane", sa.Text, primary_key=True),
    sa.Column("position", sa.BigInteger, nullable=False),
)
sa.Index("further_lane_order", further_lane.c.lane, further_lane.c.position)
sa.Index("delivery_due", delivery.c.client_id, delivery.c.due_at, **only("state = 'QUEUED'"))
sa.Index(
    "delivery_lane", delivery.c.lane, delivery.c.position, **only("state in ('QUEUED', 'LEASED')")
)
sa.Index("delivery_lease", delivery.c.lease_until, **only("state = 'LEASED'"))

sa.Index("delivery_parked", delivery.c.client_id, **only("state = 'PARKED'"))

attempt = sa.Table(
    "attempt",
    metadata,
    sa.Column("webhook_id", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("redriven", sa.Boolean, nullable=False),
    sa.Column("started_at", sa.BigInteger, nullable=False),
    sa.Column("ended_at", sa.BigInteger),
    sa.Column("status", sa.Integer),
    sa.Column("milliseconds", sa.Integer),
    sa.Column("reached", sa.Boolean, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("answer", sa.LargeBinary, nullable=False),
    postgresql_with={"fillfactor": 30},  # as above; the end of an attempt is longer than its begin
)

journal = sa.Table(
    "journal",
    metadata,
    sa.Column("author_entity", sa.Text, primary_key=True),
    sa.Column("type", sa.Text, primary_key=True),
    sa.Column("object_id", sa.Text, primary_key=True),
    sa.Column("sequence", sa.BigInteger, primary_key=True),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("req_msg_id", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
)

event = sa.Table(
    "event",
    metadata,
    sa.Column(
        "event_id",
        sa.BigInteger().with_variant(sa.Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("position", sa.BigInteger),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("req_msg_id", sa.Text, nullable=False),
    sa.Column("author_entity", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("object_id", sa.Text, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
)
sa.Index(
    "event_feed", event.c.client_id, event.c.position, unique=True, **only("position is not null")
)
sa.Index("event_unnumbered", event.c.event_id, **only("position is null"))

feed_head = sa.Table(
    "feed_head",
    metadata,
    sa.Column("client_id", sa.Text, primary_key=True),
    sa.Column("position", sa.BigInteger, nullable=False),
)

refusal = sa.Table(
    "refusal",
    metadata,
    sa.Column(
        "refusal_id",
        sa.BigInteger().with_variant(sa.Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    sa.Column("client_id", sa.Text, nullable=False, index=True),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("faults", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
)

# Work that one process at a time does again and again, and what came of it the last time.
duty = sa.Table(
    "duty",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("due_at", sa.BigInteger, nullable=False),
    sa.Column("lease_until", sa.BigInteger),
    sa.Column("notes", sa.Text, nullable=False, server_default=""),
    sa.Column("found", sa.Integer, nullable=False, server_default="0"),
    sa.Column("done_at", sa.BigInteger),
)

# A signed statement of where the journals ended; each covers the one before it.
checkpoint = sa.Table(
    "checkpoint",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("heads", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    sa.Column("key_id", sa.Text, nullable=False),
    sa.Column("signature", sa.LargeBinary, nullable=False),
)

# The heads that had moved since the checkpoint before; those of an unsigned number are being gathered.
sealed_head = sa.Table(
    "sealed_head",
    metadata,
    sa.Column("author_entity", sa.Text, primary_key=True),
    sa.Column("type", sa.Text, primary_key=True),
    sa.Column("object_id", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("place", sa.BigInteger, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
)
sa.Index("sealed_head_place", sealed_head.c.number, sealed_head.c.place, unique=True)
