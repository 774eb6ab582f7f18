"""The nouns of the ledger: balances, transfers and the books of some documents. Pure.

Every account belongs to a document. A transfer debits one account of a document and credits another
one of the same document with the same amount, so the sum over all accounts of a unit is zero by the
shape of a row. It is reserved first (pending) and then posted or voided; a fact's is posted at once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import msgspec

LARGEST = 2**61
"""The most that goes through one account. What puts accounts in order and what gives back books as
much again at most: it stays within 64 bits."""

Key = tuple[str, str, str]
"""The document that owns the accounts: author's entity id, document type, objectId."""


def document_key(row: Mapping[str, Any]) -> Key:
    """The key of the document that a row tells of, from the three columns that every table names so."""
    return row["author_entity"], row["type"], row["object_id"]


class Unit(Enum):
    """What an account counts, in its smallest part."""

    PAISE = "PAISE"
    THOUSANDTHS = "THOUSANDTHS"  # of a unit of quantity
    COUNT = "COUNT"

    def text(self, amount: int) -> str:
        """An amount as people write it: `702848.00` rupees, `3208.750` of a quantity, `2`."""
        places = _PLACES[self.value]
        if not places:
            return str(amount)
        sign, whole = "-" if amount < 0 else "", 10**places
        return f"{sign}{abs(amount) // whole}.{abs(amount) % whole:0{places}d}"


_PLACES = {"PAISE": 2, "THOUSANDTHS": 3, "COUNT": 0}


class Phase(Enum):
    """Where a transfer stands. PENDING is left once."""

    PENDING = "PENDING"
    POSTED = "POSTED"
    VOID = "VOID"


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """One account: what was posted to either side, and what is reserved on either side."""

    debit: int = 0
    credit: int = 0
    debit_pending: int = 0
    credit_pending: int = 0

    @property
    def net(self) -> int:
        """Posted debits less posted credits: what an account of claims (due, cash) holds."""
        return self.debit - self.credit

    @property
    def turnover(self) -> int:
        """Whatever was posted or is reserved on the busier side."""
        return max(self.debit + self.debit_pending, self.credit + self.credit_pending)

    @property
    def left(self) -> int:
        """What is held and not reserved to leave: no one else may draw more."""
        return self.net - self.credit_pending

    @property
    def taken(self) -> int:
        """What is held or on its way in: what limits count against."""
        return self.net + self.debit_pending


NOTHING = Balance()


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the ledger: `amount` from the account `credit` to the account `debit`.

    `id` is the reqMsgId of the exchange that booked it and a running number, so that no exchange
    books twice. `holder` is the document that the exchange moved, for whose sake it was booked. A
    `standing` one outlives its exchange and waits for the holder to be confirmed or refused.
    """

    key: Key
    id: str
    holder: Key
    debit: str
    credit: str
    amount: int
    unit: Unit
    phase: Phase
    standing: bool

    @property
    def req_msg_id(self) -> str:
        """The exchange that booked it."""
        return self.id.partition("/")[0]


def _shifted(before: Balance, name: str, amount: int) -> Balance:
    return msgspec.structs.replace(before, **{name: getattr(before, name) + amount})


@dataclass(slots=True)
class Books:
    """The accounts of some documents while a transaction works on them, and what it changes.

    `made` are new transfers by document and id, `ended` those that leave PENDING, `changed` the
    accounts whose balances are to be written.
    """

    accounts: dict[Key, dict[str, Balance]]
    made: dict[tuple[Key, str], Transfer] = field(default_factory=dict)
    ended: list[tuple[Transfer, Phase]] = field(default_factory=list)
    changed: dict[tuple[Key, str], Unit] = field(default_factory=dict)
    _over: set[tuple[Key, str]] = field(default_factory=set)

    @property
    def touched(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.changed or self.made or self.ended)

    def fork(self, keys: Iterable[Key]) -> "Books":
        """Books of some of the documents to try something on; these stay as they are."""
        return Books({key: dict(self.accounts.get(key, {})) for key in keys})

    def of(self, key: Key) -> Mapping[str, Balance]:
        """The accounts of a document by name."""
        return self.accounts.get(key, {})

    def add(self, transfer: Transfer) -> None:
        """Book a new transfer, pending or posted."""
        self.made[transfer.key, transfer.id] = transfer
        suffix = "_pending" if transfer.phase is Phase.PENDING else ""
        self._shift(transfer, suffix, transfer.amount)

    def end(self, transfer: Transfer, phase: Phase) -> None:
        """Post or void a pending transfer; one that has ended already stays as it is."""
        place = (transfer.key, transfer.id)
        if place in self._over:
            return
        self._over.add(place)
        if place in self.made:
            self.made[place] = msgspec.structs.replace(transfer, phase=phase)
        else:
            self.ended.append((transfer, phase))
        self._shift(transfer, "_pending", -transfer.amount)
        if phase is Phase.POSTED:
            self._shift(transfer, "", transfer.amount)

    def _shift(self, transfer: Transfer, suffix: str, amount: int) -> None:
        accounts = self.accounts.setdefault(transfer.key, {})
        for name, side in ((transfer.debit, "debit"), (transfer.credit, "credit")):
            accounts[name] = _shifted(accounts.get(name, NOTHING), side + suffix, amount)
            self.changed[transfer.key, name] = transfer.unit
