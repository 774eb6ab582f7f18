"""What the pure functions of documents see of the world, and what they give back.

A rule sees a `RuleContext` and says what is wrong; postings are what a message books; what the books
make of a document's status is `Derived`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

import msgspec

from hundi.kernel.faults import Fault
from hundi.kernel.fields import Group
from hundi.ledger.model import NOTHING, Balance, Unit
from hundi.parties.model import IS_PAID, NOTHING_SETTLED, TradeSettings


class Stakeholder(msgspec.Struct, frozen=True, kw_only=True):
    """A business that a document concerns without being its party, and where it wants to be paid.

    `level` is how far it is verified. `accounts` are (IFSC, masked account number); none where it
    has told none.
    """

    b2b_id: str
    client_id: str
    name: str
    accounts: tuple[tuple[str, str], ...]
    level: int = IS_PAID


class DocumentView(msgspec.Struct, frozen=True, kw_only=True):
    """A stored document as guards and rules see it, read after its row was locked.

    `ref` names it in postings: the JSON path where the message names it (`invoice.poDetails[0]`),
    or `type/objectId` where the road has followed a reference. `agreed_version` is the last version
    that was accepted, None before that; `status_on` the day in India of its status. `balances` are
    its ledger accounts by name; a missing name stands for zero. `body` is the typed body of the
    `req-…` that brought its content: of the version in force where one was agreed, else of the
    current one; None where the message asks for none (`MessageType.reads`).
    `proposed` is that of the current version where another one is in force.
    """

    ref: str = ""
    object_id: str = ""
    status: str
    version: int
    agreed_version: int | None
    number: str
    status_on: date = date.min
    balances: Mapping[str, Balance] = msgspec.field(default_factory=dict)
    body: Any = None
    proposed: Any = None
    stakeholder: Stakeholder | None = None

    def balance(self, account: str) -> Balance:
        """What one of its accounts holds."""
        return self.balances.get(account, NOTHING)


class Posting(msgspec.Struct, frozen=True, kw_only=True):
    """A transfer between two accounts of one document; `amount` in the unit's smallest part, > 0.

    It is reserved while the exchange is open, posted when it settles, void when it ends otherwise;
    a fact's is posted at the ack. A `standing` one stays reserved until a message that `resolves`
    the moved document posts or voids it. It is given back with the document for whose `sake` it is
    booked: another one that the message moves, by its `ref`; "" is the first.
    """

    ref: str
    debit: str
    credit: str
    amount: int
    unit: Unit = Unit.PAISE
    standing: bool = False
    sake: str = ""


class Derived(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger makes of a document: its status, and transfers that put accounts in order."""

    status: str
    postings: tuple[Posting, ...] = ()


Derive = Callable[[DocumentView], Derived]


class Sharing(msgspec.Struct, frozen=True, kw_only=True):
    """A live document of the same author that shares the moved one's number.

    `object_id` is "" where the other side is no party to it: warnings are told to both.
    """

    object_id: str
    number: str


@dataclass(frozen=True, slots=True)
class Party:
    """A party as the network knows it, with what it has settled and how far it is verified."""

    b2b_id: str
    entity_id: str
    name: str
    pan: str
    gstins: tuple[str, ...]
    trade: TradeSettings = NOTHING_SETTLED
    level: int = IS_PAID


class RuleContext(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule may know besides the body. `today` is the date in India at acceptance.

    `parties` are known by B2B ID, `sender` and `receiver` are two of them. `document` is the moved
    one, None when the message creates it. `held` are the others that the message names and the
    network knows, by JSON path, and those that the moved one refers to (`MessageType.follows`), by
    `type/objectId`. `moved` are the paths of all that the exchange moves. `sharing` are the newest
    that share its number. `drawn` is what the moved one has booked on others, by their key in `held`
    and by account, net of credits, in the smallest part of the account's unit. In `worked_out` a
    rule leaves what the postings would work out again.
    """

    today: date
    parties: Mapping[str, Party]
    document: DocumentView | None
    held: Mapping[str, DocumentView] = msgspec.field(default_factory=dict)
    moved: tuple[str, ...] = ()
    sharing: tuple[Sharing, ...] = ()
    drawn: Mapping[str, Mapping[str, int]] = msgspec.field(default_factory=dict)
    sender: str = ""
    receiver: str = ""
    worked_out: dict[str, Any] = msgspec.field(default_factory=dict)


Body = TypeVar("Body", bound=Group)
"""The typed body of a message: its rules and postings take this one and no other."""
Rule = Callable[[Body, RuleContext], Iterable[Fault]]
BodyRule = Callable[[Body], Iterable[Fault]]
"""A rule that asks nothing but the body. It may take long: it is judged before the transaction."""
