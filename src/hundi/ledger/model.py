"""The nouns of the ledger: balances, transfers and the books of some documents. Pure.

Every account belongs to a document. A transfer debits one account of a document and credits another
one of the same document with the same amount, so the sum over all accounts of a unit is zero by the
shape of a row. It is reserved first (pending) and then posted or voided; a fact's is posted at once.
"""

from enum import Enum

import msgspec


class Unit(Enum):
    """What an account counts, in its smallest part."""

    PAISE = "PAISE"
    THOUSANDTHS = "THOUSANDTHS"  # of a unit of quantity
    COUNT = "COUNT"


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
    def left(self) -> int:
        """What is held and not reserved to leave: no one else may draw more."""
        return self.net - self.credit_pending

    @property
    def taken(self) -> int:
        """What is held or on its way in: what limits count against."""
        return self.net + self.debit_pending


NOTHING = Balance()
