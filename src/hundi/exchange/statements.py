"""What two businesses owe each other, read from the ledger and from nothing else.

The document type and the names of its accounts are passed in (`Claims`): a claim is a document whose
author is owed what its account `due` holds. Nothing is recomputed from bodies. The order of lines is
that of posting: by time, then by exchange. One account keeps within 64 bits, the sum of many need
not: sums are read in two halves, which do on either database, and put together here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from hundi.exchange import visibility
from hundi.exchange.document import COLUMNS
from hundi.kernel.faults import Code, Kind, RefusedError
from hundi.parties.model import NOT_YOURS
from hundi.parties.queries import entities_of, owners_of
from hundi.store.engine import Row, Transaction
from hundi.store.statement import Statement

UNKNOWN = Code(
    "ACCOUNT-UNKNOWN", Kind.UNKNOWN, "You share no document with this B2B ID. Check its spelling."
)
CODES = (UNKNOWN,)

START: tuple[int, str, str, str, str] = (0, "", "", "", "")
"""The place before the first line of a statement."""
OLDEST: tuple[int, str, str] = (0, "", "")
"""The place before the claim that was agreed first."""
_HALF = 31


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """The documents by which one party owes another, and the names of their accounts.

    `due` holds what is owed, `credit` (as a credit) what was paid beyond it, `paying` what payments
    under way have reserved.
    """

    type: str
    due: str
    credit: str
    paying: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """The businesses that ask, and the one that they ask about."""

    mine: Sequence[str]
    entity: str
    b2b_id: str

    def arguments(self, claims: Claims) -> list[object]:
        """The first parameters of every statement about a pair."""
        return [list(self.mine), self.entity, self.b2b_id, claims.type]


_ACCOUNT = "l.author_entity = d.author_entity and l.type = d.type and l.object_id = d.object_id"
_OF_PAIR = _ACCOUNT.replace("d.", "p.")


def _sum(what: str, name: str) -> str:
    return f"cast(coalesce(sum({what}), 0) as bigint) as {name}"


def _halves(what: str, name: str) -> str:
    """A sum that may exceed 64 bits: of what is above the lowest 31 bits, and of these."""
    high, low = f"({what}) >> {_HALF}", f"({what}) & {2**_HALF - 1}"
    return f"{_sum(high, f'{name}_high')}, {_sum(low, f'{name}_low')}"


def _whole(row: Row, name: str) -> int:
    """What `_halves` has summed."""
    high: int = row[f"{name}_high"]
    low: int = row[f"{name}_low"]
    return (high << _HALF) + low


_AMOUNTS = (("due", "$5", "held"), ("credit", "$6", "-held"), ("paying", "$7", "pending"))
_SIDES = ((1, "receivable"), (0, "payable"))
_SUMS = ", ".join(
    how(
        f"case when receivable = {side} and name = {name} then {what} else 0 end",
        f"{prefix}_{member}",
    )
    for side, prefix in _SIDES
    for how, member, name, what in (
        *((_halves, *amount) for amount in _AMOUNTS),
        (_sum, "open", "$5", "case when held > 0 then 1 else 0 end"),
    )
)
_HELD = "l.name, l.debit - l.credit as held, l.debit_pending as pending"
_ALL = (
    f"select d.counterparty_b2b as other, 1 as receivable, {_HELD} from document d"
    f" join ledger_account l on {_ACCOUNT} where d.author_entity = any($1::text[])"
    " and d.type = $4 and d.counterparty_b2b > $2 and l.name in ($5, $6, $7)"
    f" union all select d.author_b2b, 0, {_HELD} from document d"
    f" join ledger_account l on {_ACCOUNT} where d.counterparty_entity = any($1::text[])"
    " and d.type = $4 and d.author_b2b > $2 and l.name in ($5, $6, $7)"
)
_BALANCES = Statement.both(
    f"select other, {_SUMS} from ({_ALL}) held group by other order by other limit $3"
)


def _pair(columns: str) -> str:
    """The claims between two businesses, in either direction."""
    return (
        f"select {columns}, 1 as receivable from document d where d.counterparty_entity = $2"
        " and d.author_entity = any($1::text[]) and d.type = $4 and d.counterparty_b2b = $3"
        f" union all select {columns}, 0 from document d where d.author_entity = $2"
        " and d.counterparty_entity = any($1::text[]) and d.type = $4 and d.author_b2b = $3"
    )


_KEY = "d.author_entity, d.type, d.object_id"
_KNOWN = Statement.both(
    f"select 1 as known from document d where d.counterparty_entity = $2"
    f" and d.author_entity = any($1::text[]) and d.counterparty_b2b = $3 and {visibility.DOCUMENT}"
    " union all select 1 from document d where d.author_entity = $2"
    " and d.counterparty_entity = any($1::text[]) and d.author_b2b = $3"
    f" and {visibility.DOCUMENT} limit 1"
)
_BETWEEN = Statement.both(
    f"select {_SUMS} from (select p.receivable, {_HELD} from ({_pair(_KEY)}) p"
    f" join ledger_account l on {_OF_PAIR} where l.name in ($5, $6, $7)) held"
)
_AGREED = "coalesce(p.agreed_at, 0), p.author_entity, p.object_id"
_OPEN = Statement.both(
    f"select p.*, l.debit - l.credit as due, l.credit_pending as reserved"
    f" from ({_pair(', '.join(f'd.{name}' for name in COLUMNS))}) p"
    f" join ledger_account l on {_OF_PAIR} and l.name = $5 where l.debit - l.credit > 0"
    f" and ({_AGREED}) > ($6, $7, $8) order by {_AGREED} limit $9"
)
_CLAIM = f"{_KEY}, d.number, d.author_b2b"
_LINES = (
    "select t.ended_at, t.req_msg_id, t.author_entity, t.object_id, t.transfer_id, t.amount,"
    " t.debit, t.credit, t.holder_author, t.holder_type, t.holder_id, p.number, p.author_b2b,"
    " case when (t.debit = any($5::text[])) = (p.receivable = 1)"
    " then t.amount else -t.amount end as change"
    f" from ({_pair(_CLAIM)}) p join ledger_transfer t on t.author_entity = p.author_entity"
    " and t.type = p.type and t.object_id = p.object_id where t.phase = 'POSTED'"
    " and (t.debit = any($5::text[])) <> (t.credit = any($5::text[]))"
)
_PLACE = "(s.ended_at, s.req_msg_id, s.author_entity, s.object_id, s.transfer_id)"
_BEFORE = Statement.both(
    f"select {_halves('s.change', 'balance')} from ({_LINES}) s"
    f" where {_PLACE} <= ($6, $7, $8, $9, $10)"
)
_PAGE = Statement.both(
    "select s.*, h.author_b2b as holder_b2b, h.number as holder_number"
    f" from (select * from ({_LINES}) s where {_PLACE} > ($6, $7, $8, $9, $10)"
    f" order by {_PLACE[1:-1]} limit $11) s left join document h"
    " on h.author_entity = s.holder_author and h.type = s.holder_type"
    " and h.object_id = s.holder_id"
    " and (h.author_entity = any($1::text[]) or h.counterparty_entity = any($1::text[]))"
    f" order by {_PLACE[1:-1]}"
)


async def mine_of(tx: Transaction, *, client_id: str, party: str) -> list[str]:
    """The entities that a client serves; with a B2B ID of one of them, that one alone.

    Raises RefusedError where the client does not serve the ID.
    """
    mine = await entities_of(tx, client_id)
    if not party:
        return mine
    owner = (await owners_of(tx, {party})).get(party)
    if owner not in mine:
        raise RefusedError([NOT_YOURS.at("party", f"You do not serve {party}.")])
    return [owner]


async def pair_of(tx: Transaction, *, client_id: str, b2b_id: str, party: str) -> Pair:
    """The caller's businesses and the one with a B2B ID.

    Raises RefusedError where they share no document that the caller may see: so nobody learns
    from an account whether an ID exists.
    """
    mine = await mine_of(tx, client_id=client_id, party=party)
    entity = (await owners_of(tx, {b2b_id})).get(b2b_id, "")
    pair = Pair(mine=mine, entity=entity, b2b_id=b2b_id)
    if not entity or not await tx.fetch(_KNOWN, list(mine), entity, b2b_id):
        raise RefusedError(
            [UNKNOWN.at("counterpartyB2BId", f"No document is shared with {b2b_id}.")]
        )
    return pair


class Balances(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over all claims of one direction. `open` counts those of which something is due."""

    due: int
    credit: int
    paying: int
    open: int


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What a counterparty owes (`receivable`) and is owed (`payable`), in paise."""

    other: str
    receivable: Balances
    payable: Balances


def _standing(row: Row, other: str) -> Standing:
    receivable, payable = (
        Balances(
            **{member: _whole(row, f"{prefix}_{member}") for member, *_ in _AMOUNTS},
            open=row[f"{prefix}_open"],
        )
        for _, prefix in _SIDES
    )
    return Standing(other=other, receivable=receivable, payable=payable)


async def balances(
    tx: Transaction, mine: Sequence[str], claims: Claims, *, after: str, limit: int
) -> Sequence[Standing]:
    """What each counterparty owes and is owed, behind a B2B ID, by B2B ID."""
    names = (claims.due, claims.credit, claims.paying)
    rows = await tx.fetch(_BALANCES, list(mine), after, limit, claims.type, *names)
    return [_standing(row, row["other"]) for row in rows]


async def balance_between(tx: Transaction, pair: Pair, claims: Claims) -> Standing:
    """The same for one counterparty."""
    names = (claims.due, claims.credit, claims.paying)
    [row] = await tx.fetch(_BETWEEN, *pair.arguments(claims), *names)
    return _standing(row, pair.b2b_id)


async def open_claims(
    tx: Transaction, pair: Pair, claims: Claims, *, after: Sequence[str | int], limit: int
) -> Sequence[Row]:
    """Documents of which something is due behind a place, those that were agreed first before others."""
    return await tx.fetch(_OPEN, *pair.arguments(claims), claims.due, *after, limit)


def place_of_claim(row: Row) -> tuple[int, str, str]:
    """Where an open claim stands among those of its pair."""
    return row["agreed_at"] or 0, row["author_entity"], row["object_id"]


async def lines(
    tx: Transaction,
    pair: Pair,
    claims: Claims,
    *,
    after: Sequence[str | int],
    limit: int,
) -> tuple[int, Sequence[Row]]:
    """The balance up to a place of the statement, and the lines behind it.

    `change` of a line is above zero where it is in favour of the one who asks. A line that is
    posted late, with a time before a place that was read already, counts in that balance.
    """
    asked = (*pair.arguments(claims), [claims.due, claims.credit], *after)
    [before] = await tx.fetch(_BEFORE, *asked)
    return _whole(before, "balance"), await tx.fetch(_PAGE, *asked, limit)


def place_of(row: Row) -> tuple[int, str, str, str, str]:
    """Where a line stands in its statement."""
    return (
        row["ended_at"],
        row["req_msg_id"],
        row["author_entity"],
        row["object_id"],
        row["transfer_id"],
    )
