"""A promise that the store breaks, as a line that names the rows. Pure."""

from collections.abc import Sequence

import msgspec

DOCUMENT, JOURNAL, EXCHANGE, OUTBOX = "document", "journal", "exchange", "outbox"
LEDGER, FEED, KEYS, CHECKPOINT = "ledger", "feed", "idempotency", "checkpoint"


class Broken(msgspec.Struct, frozen=True):
    """One broken promise: of which kind, about which row, and what is wrong with it."""

    promise: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.promise}: {self.where}: {self.what}"


def told(key: Sequence[str]) -> str:
    """A document as lines name it: `purchase-order PO… of ENT…`, by its author's entity."""
    author, type_, object_id = key
    return f"{type_} {object_id} of {author}"
