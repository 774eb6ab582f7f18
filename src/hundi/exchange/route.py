"""Where a call goes that may be several exchanges, or whose body names no parties. Pure.

A message says what has to be looked up (`Seeks`); of what was found it makes one `Leg` for each
exchange. A call to n receivers is n exchanges under one receipt.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from hundi.ledger.model import Key

if TYPE_CHECKING:
    from hundi.exchange.definition import Touched
    from hundi.kernel.faults import Fault


class Seeks(msgspec.Struct, frozen=True, kw_only=True):
    """What has to be looked up before it is known who speaks to whom.

    `financiers` are lenders as (faId, financierId); `received` documents, as (type, objectId), that
    were sent to a party which the client serves; `authored` documents, as (type, number), that such
    a party has made. Of these, all that refer to them are looked up too.
    """

    financiers: tuple[tuple[str, str], ...] = ()
    received: tuple[tuple[str, str], ...] = ()
    authored: tuple[tuple[str, str], ...] = ()


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A document that a look-up found, read without a lock: enough to name it, not to judge it."""

    key: Key
    number: str
    status: str
    author_b2b: str
    counterparty_b2b: str
    referring: "tuple[Listed, ...]" = ()


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What `Seeks` led to. `mine` are the B2B IDs that the client serves."""

    mine: frozenset[str]
    financiers: Mapping[tuple[str, str], str]
    received: tuple[Listed, ...]
    authored: tuple[Listed, ...]


class Cut(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a message that one receiver gets: some items of one list, and some new ones.

    `member` names an object of the body and the list in it; `keep` are places in that list, whose
    items travel as they came; `add` are items that the network writes.
    """

    member: tuple[str, str]
    keep: tuple[int, ...]
    add: tuple[Mapping[str, object], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One exchange of a call: who speaks to whom about what.

    `parties` are B2B IDs by role, `paths` where the message names them. `cut` is None where the
    receiver gets the message as it came. One that `follows` is told only once the first leg of the
    call has settled, and given up where that has not.
    """

    parties: Mapping[str, str]
    paths: Mapping[str, str]
    touched: "tuple[Touched, ...]"
    action: str | None
    cut: Cut | None = None
    follows: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How a call that may be several exchanges, or that names no parties, finds them. Pure.

    `legs` gives one leg for each exchange, or faults.
    """

    seeks: Callable[[Any], Seeks]
    legs: Callable[[Any, Found], "tuple[Leg, ...] | tuple[Fault, ...]"]
