"""The nouns: what a client and its endpoint are to the road and to the dispatcher."""

from dataclasses import dataclass
from decimal import Decimal

import msgspec

from hundi.kernel.faults import Code, Kind

TOKEN = Code(
    "AUTH-TOKEN",
    Kind.TOKEN,
    "The access token is missing, unknown or has expired. Fetch a new one from /oauth/token.",
)
NOT_YOURS = Code(
    "PARTY-NOT-YOURS",
    Kind.RIGHTS,
    "The sender's B2B ID is not served by the client whose token was used.",
)
WRONG_ROLE = Code(
    "PARTY-WRONG-ROLE",
    Kind.RIGHTS,
    "The message is the other party's to send; the client serves the one that receives it.",
)
UNKNOWN = Code(
    "PARTY-UNKNOWN", Kind.UNKNOWN, "No such B2B ID is on the network. Check it, or register it."
)
INACTIVE = Code(
    "PARTY-INACTIVE",
    Kind.RULE,
    "The B2B ID is switched off. New requests are refused; open ones finish.",
)
TAKEN = Code(
    "PARTY-TAKEN", Kind.CONFLICT, "The B2B ID or business identifier is already registered."
)
NO_CLIENT = Code(
    "CLIENT-UNKNOWN", Kind.UNKNOWN, "No client with this id. `hundi client add` makes one."
)
BAD_PAN = Code("PARTY-PAN", Kind.RULE, "A PAN has five letters, four digits and a letter.")
BAD_GSTIN = Code("PARTY-GSTIN", Kind.RULE, "The GSTIN is malformed or belongs to another PAN.")
BAD_B2B_ID = Code("PARTY-B2B-ID", Kind.RULE, "A B2B ID is text@BCB of at most 100 characters.")
BAD_ENDPOINT = Code("CLIENT-ENDPOINT", Kind.RULE, "The endpoint is no URL that may be called.")
BAD_HEADER = Code(
    "CLIENT-HEADER", Kind.RULE, "The static header cannot be set: its name, its value, its number."
)
BAD_ADDRESS = Code("CLIENT-ADDRESS", Kind.RULE, "The address is no IP address.")
MODE = Code(
    "CLIENT-MODE",
    Kind.CONFLICT,
    "Endpoint and mailbox cannot be exchanged while exchanges of the client are open.",
)
TOO_FAST = Code(
    "CLIENT-RATE", Kind.LIMIT, "The client's calls come faster than its limit. Wait, as told."
)
BAD_ACCOUNT = Code(
    "PARTY-ACCOUNT",
    Kind.RULE,
    "A lender's account is an IFSC and a number, masked as payments show it.",
)
BAD_NAME = Code("PARTY-NAME", Kind.RULE, "A name has 1 to 200 printable characters.")
CODES = (
    TOKEN, NOT_YOURS, WRONG_ROLE, UNKNOWN, INACTIVE, TAKEN, NO_CLIENT,
    BAD_PAN, BAD_GSTIN, BAD_B2B_ID, BAD_ENDPOINT, BAD_HEADER, BAD_ADDRESS, MODE, TOO_FAST,
    BAD_ACCOUNT,
    BAD_NAME,
)  # fmt: skip


EXCHANGES, PAYS, IS_PAID = 1, 2, 3
"""Levels of verification: exchanging documents, paying as well, being paid as well."""


class TradeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a business has settled for its trade; None for what it has not.

    `enterprise` is its class under the MSMED Act (micro, small, medium). As a buyer it may let
    `deemed_acceptance_days` of silence accept an invoice, and say by how many percent of an order it
    may be over-delivered where the order does not.
    """

    enterprise: str | None = None
    deemed_acceptance_days: int | None = None
    over_delivery_percent: Decimal | None = None

    @property
    def must_be_paid_early(self) -> bool:
        """Whether section 15 of the MSMED Act protects it as a supplier: not a medium one."""
        return self.enterprise in {"micro", "small"}


NOTHING_SETTLED = TradeSettings()


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """A B2B ID with its owner and the client that serves it, as read in a transaction.

    `level` is how far the owner is verified: 1 exchanges documents, 2 also pays, 3 is also paid.
    """

    b2b_id: str
    entity_id: str
    client_id: str
    active: bool
    mailbox: bool
    name: str
    pan: str
    gstins: tuple[str, ...]
    level: int
    trade: TradeSettings = NOTHING_SETTLED


@dataclass(frozen=True, slots=True, kw_only=True)
class NewClient:
    """What `hundi client add` prints once and never again."""

    client_id: str
    client_secret: str
    username: str
    password: str
    webhook_secret: str

    def as_json(self) -> dict[str, str]:
        """The members as the command line and the simulator spell them."""
        return {
            "clientId": self.client_id,
            "clientSecret": self.client_secret,
            "username": self.username,
            "password": self.password,
            "webhookSecret": self.webhook_secret,
        }
