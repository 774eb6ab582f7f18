"""Tables of the parties. Times are microseconds since 1970 UTC."""

import sqlalchemy as sa

from hundi.store.metadata import metadata, only

client = sa.Table(
    "client",
    metadata,
    sa.Column("client_id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("secret_hash", sa.Text, nullable=False),
    sa.Column("username", sa.Text, nullable=False, unique=True),
    sa.Column("password_hash", sa.Text, nullable=False),
    sa.Column("mailbox", sa.Boolean, nullable=False),
    sa.Column("endpoint_url", sa.Text),
    sa.Column("endpoint_headers", sa.Text, nullable=False),
    sa.Column("empty_means_success", sa.Boolean, nullable=False),
    sa.Column("webhook_secret", sa.Text, nullable=False),
    sa.Column("previous_secret", sa.Text),
    sa.Column("previous_secret_until", sa.BigInteger),
    sa.Column("disabled_at", sa.BigInteger),
    sa.Column("disabled_reason", sa.Text),
    sa.Column("last_success_at", sa.BigInteger),
    sa.Column("failing_since", sa.BigInteger),
    sa.Column("failed_exchanges", sa.Integer, nullable=False),
    sa.Column("warned_at", sa.BigInteger),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    # Since when it may not call; and its own limits of calls (`500/1000`, `off`), null: the usual.
    sa.Column("barred_at", sa.BigInteger),
    sa.Column("message_rate", sa.Text),
    sa.Column("read_rate", sa.Text),
)

# The gauges count those in trouble: few of many.
sa.Index("client_disabled", client.c.disabled_at, **only("disabled_at is not null"))
sa.Index("client_failing", client.c.failing_since, **only("failing_since is not null"))

entity = sa.Table(
    "entity",
    metadata,
    sa.Column("entity_id", sa.Text, primary_key=True),
    sa.Column("pan", sa.Text, nullable=False, index=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("enterprise", sa.Text),
    sa.Column("deemed_acceptance_days", sa.Integer),
    sa.Column("over_delivery_percent", sa.Text),
    # Added with onboarding: an older process writes none of these and must still be able to write.
    sa.Column("object_id", sa.Text, unique=True),
    sa.Column("legal_form", sa.Text),
    sa.Column("alias", sa.Text, nullable=False, server_default=""),
    sa.Column("state", sa.Text, nullable=False, server_default=""),
    sa.Column("pincode", sa.Text, nullable=False, server_default=""),
    sa.Column("level", sa.Integer, nullable=False, server_default="3"),
    sa.Column("registration", sa.Text),
)
sa.Index(
    "entity_of_pan",  # a person's PAN (P) may stand behind several sole proprietorships
    entity.c.pan,
    unique=True,
    **only("substr(pan, 4, 1) <> 'P'"),
)

b2b_id = sa.Table(
    "b2b_id",
    metadata,
    sa.Column("b2b_id", sa.Text, primary_key=True),
    sa.Column("entity_id", sa.Text, sa.ForeignKey("entity.entity_id"), nullable=False, index=True),
    sa.Column("client_id", sa.Text, sa.ForeignKey("client.client_id"), nullable=False, index=True),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("public", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("description", sa.Text, nullable=False, server_default=""),
    sa.Column("branch_gstin", sa.Text),
    # Switched off by the operator: its client cannot switch it on.
    sa.Column("barred", sa.Boolean, nullable=False, server_default=sa.false()),
)

gstin = sa.Table(
    "gstin",
    metadata,
    sa.Column("gstin", sa.Text, primary_key=True),
    sa.Column("entity_id", sa.Text, sa.ForeignKey("entity.entity_id"), nullable=False, index=True),
)

# Lenders as financing requests name them: by platform and by their name there. The account is where
# a lender wants to be paid once an invoice is his.
financier = sa.Table(
    "financier",
    metadata,
    sa.Column("fa_id", sa.Text, primary_key=True),
    sa.Column("financier_id", sa.Text, primary_key=True),
    sa.Column("b2b_id", sa.Text, sa.ForeignKey("b2b_id.b2b_id"), nullable=False, index=True),
    sa.Column("ifsc", sa.Text, nullable=False, server_default=""),
    sa.Column("masked_account", sa.Text, nullable=False, server_default=""),
    sa.Column("created_at", sa.BigInteger, nullable=False),
)

access_token = sa.Table(
    "access_token",
    metadata,
    sa.Column("token_hash", sa.LargeBinary, primary_key=True),
    sa.Column("client_id", sa.Text, sa.ForeignKey("client.client_id"), nullable=False, index=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False, index=True),
    sa.Column("created_at", sa.BigInteger, nullable=False),
)

# Failed token calls: of a client from an address, of an address (no client), of a client (no address).
# No foreign key: what is guessed at need not exist.
token_guard = sa.Table(
    "token_guard",
    metadata,
    sa.Column("client_id", sa.Text, primary_key=True),
    sa.Column("address", sa.Text, primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("blocked_until", sa.BigInteger, nullable=False),
    sa.Column("last_at", sa.BigInteger, nullable=False, index=True),
)

familiar_address = sa.Table(
    "familiar_address",
    metadata,
    sa.Column("client_id", sa.Text, sa.ForeignKey("client.client_id"), primary_key=True),
    sa.Column("address", sa.Text, primary_key=True),
    sa.Column("last_at", sa.BigInteger, nullable=False, index=True),
)
