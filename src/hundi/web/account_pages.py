"""Accounts between two businesses as they go out: the road's sums, with the words of invoices.

Amounts are decimal texts. What the caller is owed is receivable, what it owes is payable; `balance`
is the one less the other, each less the credit that the buyer has on account.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from hundi.documents import invoice_ledger
from hundi.documents.clocks import Clocks, after_acceptance, terms_of
from hundi.documents.invoice import INVOICE
from hundi.documents.statement_words import what_of
from hundi.exchange import statements
from hundi.exchange.bodies import Stored, stored
from hundi.exchange.cursor import cursor, key_of
from hundi.exchange.statements import Balances, Claims, Standing, place_of
from hundi.kernel.clock import indian_date, to_text
from hundi.kernel.money import Money
from hundi.parties.model import NOTHING_SETTLED, TradeSettings
from hundi.parties.trade_settings import settings_by_entity
from hundi.store.engine import Row, Transaction
from hundi.web.document_page import day_text

Json = dict[str, object]

CLAIMS = Claims(
    type=INVOICE.name,
    due=invoice_ledger.DUE,
    credit=invoice_ledger.ON_ACCOUNT,
    paying=invoice_ledger.PAYING,
)
MOST = 200
"""Open invoices of which the ages are told, the oldest ones."""
SIDES = ("receivable", "payable")
_BUCKETS = ((0, "notDue"), (30, "days1to30"), (60, "days31to60"), (90, "days61to90"))
_OLDEST, _UNKNOWN = "over90", "notAged"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFile:
    """An account as far as the database tells it.

    `oldest` are the open invoices whose ages are told on every page, `listed` those of this one,
    `cursor` leads to the next.
    """

    b2b_id: str
    today: date
    sums: Standing
    oldest: Sequence[Row]
    listed: Sequence[Row]
    cursor: str | None
    bodies: Stored
    settings: Mapping[str, TradeSettings]


async def listed(tx: Transaction, client_id: str, *, party: str, after: str, limit: int) -> Json:
    """A page of accounts: `{accounts, cursor}`. Raises RefusedError for a cursor of another list."""
    [behind] = key_of(after, "accounts", first=("",))
    mine = await statements.mine_of(tx, client_id=client_id, party=party)
    found = await statements.balances(tx, mine, CLAIMS, after=str(behind), limit=limit + 1)
    page = found[:limit]
    more = cursor("accounts", page[-1].other) if len(found) > limit else None
    accounts = [{"counterparty": one.other, **_sums(one)} for one in page]
    return {"accounts": accounts, "cursor": more}


async def read_account(
    tx: Transaction, client_id: str, *, b2b_id: str, party: str, after: str, limit: int
) -> AccountFile:
    """Read what a page of an account needs.

    Raises RefusedError where there is none, and for a cursor of another list.
    """
    pair = await statements.pair_of(tx, client_id=client_id, b2b_id=b2b_id, party=party)
    name = f"account {b2b_id}"
    place = key_of(after, name, first=statements.OLDEST)
    oldest = rows = await statements.open_claims(
        tx, pair, CLAIMS, after=statements.OLDEST, limit=MOST + 1
    )
    if after:
        rows = await statements.open_claims(tx, pair, CLAIMS, after=place, limit=limit + 1)
    page, oldest = rows[:limit], oldest[:MOST]
    more = len(rows) > limit
    bodies = await stored(tx, _body_ids(oldest))
    if after:
        bodies |= await stored(tx, _body_ids(page))
    return AccountFile(
        b2b_id=b2b_id,
        today=indian_date(tx.now),
        sums=await statements.balance_between(tx, pair, CLAIMS),
        oldest=oldest,
        listed=page,
        cursor=cursor(name, *statements.place_of_claim(page[-1])) if more else None,
        bodies=bodies,
        settings=await settings_by_entity(tx, {row["author_entity"] for row in (*oldest, *page)}),
    )


def _body_ids(rows: Sequence[Row]) -> list[str]:
    return [row["agreed_body_id"] for row in rows]


def shown(found: AccountFile) -> Json:
    """The page of an account as it goes out."""
    clocks = [(row, _clocks(found, row)) for row in found.oldest]
    ageing = {
        side: _ageing(
            Money(_of_side(found.sums, side).due),
            [pair for pair in clocks if _side(pair[0]) == side],
            found.today,
        )
        for side in SIDES
    }
    return {
        "counterparty": found.b2b_id,
        **_sums(found.sums),
        "ageing": ageing,
        "openInvoices": [_open(row, _clocks(found, row)) for row in found.listed],
        "cursor": found.cursor,
    }


async def statement(
    tx: Transaction, client_id: str, *, b2b_id: str, party: str, after: str, limit: int
) -> Json:
    """A page of a statement: `{counterparty, opening, lines, closing, cursor}`.

    Raises RefusedError where there is no account, and for a cursor of another list.
    """
    pair = await statements.pair_of(tx, client_id=client_id, b2b_id=b2b_id, party=party)
    name = f"statement {b2b_id}"
    place = key_of(after, name, first=statements.START)
    before, rows = await statements.lines(tx, pair, CLAIMS, after=place, limit=limit + 1)
    page, balance, told = rows[:limit], before, []
    for row in page:
        balance += row["change"]
        told.append(_line(row, balance))
    return {
        "counterparty": b2b_id,
        "opening": Money(before).text(),
        "lines": told,
        "closing": Money(balance).text(),
        "cursor": cursor(name, *place_of(page[-1])) if len(rows) > limit else None,
    }


def _sums(standing: Standing) -> Json:
    sides = {
        side: {
            "due": Money(sums.due).text(),
            "reserved": Money(sums.paying).text(),
            "onAccount": Money(sums.credit).text(),
            "openInvoices": sums.open,
        }
        for side in SIDES
        for sums in (_of_side(standing, side),)
    }
    owed, owing = (_net(_of_side(standing, side)) for side in SIDES)
    return {**sides, "balance": Money(owed - owing).text()}


def _of_side(standing: Standing, side: str) -> Balances:
    return standing.receivable if side == "receivable" else standing.payable


def _net(sums: Balances) -> int:
    return sums.due - sums.credit


def _side(row: Row) -> str:
    return "receivable" if row["receivable"] else "payable"


def _clocks(found: AccountFile, row: Row) -> Clocks | None:
    """When an open invoice is due; None where its body is not at hand."""
    body = found.bodies.get(row["agreed_body_id"])
    if body is None or row["agreed_at"] is None:
        return None
    return after_acceptance(
        terms_of(body[1]),
        accepted=indian_date(row["agreed_at"]),
        today=found.today,
        supplier=found.settings.get(row["author_entity"], NOTHING_SETTLED),
        owed=True,
    )


def _ageing(due: Money, open_: Iterable[tuple[Row, Clocks | None]], today: date) -> Json:
    """What is due by age. What no due date is known of is `notAged`: with the rest, all of it."""
    found = dict.fromkeys((*(name for _, name in _BUCKETS), _OLDEST), 0)
    for row, clocks in open_:
        if clocks is not None and clocks.holds is not None:
            found[_bucket((today - clocks.holds).days)] += row["due"]
    aged = {name: Money(amount).text() for name, amount in found.items()}
    return {**aged, _UNKNOWN: (due - Money(sum(found.values()))).text()}


def _bucket(days: int) -> str:
    """The bucket of what is so many days late."""
    return next((name for most, name in _BUCKETS if days <= most), _OLDEST)


def _open(row: Row, clocks: Clocks | None) -> Json:
    known = clocks or Clocks()
    return {
        "type": row["type"],
        "objectId": row["object_id"],
        "author": row["author_b2b"],
        "number": row["number"],
        "status": row["status"],
        "side": _side(row),
        "due": Money(row["due"]).text(),
        "reserved": Money(row["reserved"]).text(),
        "accepted": None if row["agreed_at"] is None else day_text(indian_date(row["agreed_at"])),
        "dueDate": day_text(known.due),
        "legalDueDate": day_text(known.legal),
        "daysOverdue": known.overdue,
    }


def _line(row: Row, balance: int) -> Json:
    change, nothing = Money(abs(row["change"])).text(), Money(0).text()
    favour = row["change"] > 0
    other = row["credit"] if row["debit"] in {CLAIMS.due, CLAIMS.credit} else row["debit"]
    return {
        "at": to_text(row["ended_at"]),
        "what": what_of(other),
        "type": row["holder_type"],
        "objectId": row["holder_id"],
        "author": row["holder_b2b"] or "",
        "number": row["holder_number"] or "",
        "invoice": {
            "objectId": row["object_id"],
            "author": row["author_b2b"],
            "number": row["number"],
        },
        "debit": change if favour else nothing,
        "credit": nothing if favour else change,
        "balance": Money(balance).text(),
        "reqMsgId": row["req_msg_id"],
    }
