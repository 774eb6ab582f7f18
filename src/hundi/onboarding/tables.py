"""Tables of onboarding. Times are microseconds since 1970 UTC.

What a client has only asked about is keyed by client: two clients may use one objectId until one of
them is registered, and neither can tell that the other did.
"""

import sqlalchemy as sa

from hundi.store.metadata import metadata, only

candidate = sa.Table(
    "candidate",
    metadata,
    sa.Column("client_id", sa.Text, sa.ForeignKey("client.client_id"), primary_key=True),
    sa.Column("object_id", sa.Text, primary_key=True),
    sa.Column("pan", sa.Text, nullable=False),
    sa.Column("legal_form", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("registration", sa.Text),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
)

registration = sa.Table(
    "registration",
    metadata,
    sa.Column("req_msg_id", sa.Text, primary_key=True),
    sa.Column("client_id", sa.Text, sa.ForeignKey("client.client_id"), nullable=False),
    sa.Column("object_id", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("phone", sa.Text, nullable=False, index=True),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("identifier", sa.Text, nullable=False),
    # The code: only its slow, salted hash is kept, and only while it may be used.
    sa.Column("code_salt", sa.LargeBinary),
    sa.Column("code_hash", sa.LargeBinary),
    sa.Column("code_expires_at", sa.BigInteger),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("codes", sa.Integer, nullable=False),
    sa.Column("asked_at", sa.BigInteger, nullable=False),
    # Its way to the contact: due, leased by a sender, sent.
    sa.Column("sending", sa.Text, nullable=False),
    sa.Column("due_at", sa.BigInteger, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("lapses_at", sa.BigInteger, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
)
sa.Index("registration_of_client", registration.c.client_id, registration.c.asked_at)
sa.Index("registration_due", registration.c.due_at, **only("state = 'OPEN' and sending <> 'SENT'"))
sa.Index("registration_lapse", registration.c.lapses_at, **only("state = 'OPEN'"))

business_identifier = sa.Table(
    "business_identifier",
    metadata,
    sa.Column("document", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, primary_key=True),
    sa.Column("entity_id", sa.Text, sa.ForeignKey("entity.entity_id"), nullable=False, index=True),
    sa.Column("registered_name", sa.Text, nullable=False),
)
