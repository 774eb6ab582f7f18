"""What must hold of the ledger and the documents at any moment; each thing that does not, as a line."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from hundi.documents import DOCUMENT_TYPES, invoice_ledger
from hundi.exchange import tables
from hundi.exchange.journal import first_broken
from hundi.ledger import tables as ledger
from hundi.ledger.model import Balance
from tests.trade.desk import Desk

Row = Mapping[str, Any]
Key = tuple[str, str, str]
SIDES = ("debit", "credit", "debit_pending", "credit_pending")
TYPES = {kind.name: kind for kind in DOCUMENT_TYPES}


def key_of(row: Row) -> Key:
    return row["author_entity"], row["type"], row["object_id"]


async def broken(trade: Desk) -> list[str]:
    """Everything that is wrong now."""
    accounts = await trade.rows(sa.select(ledger.account))
    transfers = await trade.rows(sa.select(ledger.transfer))
    documents = await trade.rows(sa.select(tables.document))
    exchanges = await trade.rows(sa.select(tables.exchange))
    journal = await trade.rows(sa.select(tables.journal).order_by(tables.journal.c.sequence))
    return wrong_in(accounts, transfers, documents=documents, exchanges=exchanges, journal=journal)


def wrong_in(
    accounts: Sequence[Row],
    transfers: Sequence[Row],
    *,
    documents: Sequence[Row],
    exchanges: Sequence[Row],
    journal: Sequence[Row],
) -> list[str]:
    """Everything that is wrong in these rows; `journal` in the order of its numbers."""
    return [
        *_accounts_are_their_transfers(accounts, transfers),
        *_sums_are_zero(accounts),
        *_dues(accounts),
        *_statuses(documents, accounts),
        *_nothing_waits_for_nobody(transfers, exchanges, documents),
        *_journals(journal, documents),
    ]


def _accounts_are_their_transfers(
    accounts: Sequence[Row], transfers: Sequence[Row]
) -> Iterator[str]:
    made: defaultdict[tuple[Key, str], Counter[str]] = defaultdict(Counter)
    for one in transfers:
        if one["phase"] == "VOID":
            continue
        suffix = "_pending" if one["phase"] == "PENDING" else ""
        made[key_of(one), one["debit"]]["debit" + suffix] += one["amount"]
        made[key_of(one), one["credit"]]["credit" + suffix] += one["amount"]
    for row in accounts:
        told = {side: row[side] for side in SIDES}
        summed = made.get((key_of(row), row["name"]), Counter())
        if told != {side: summed[side] for side in SIDES}:
            yield f"account {key_of(row)} {row['name']} is {told}, its transfers make {summed}"


def _sums_are_zero(accounts: Sequence[Row]) -> Iterator[str]:
    sums: Counter[tuple[Key, str]] = Counter()
    for row in accounts:
        sums[key_of(row), row["unit"]] += row["debit"] - row["credit"]
        sums[key_of(row), row["unit"] + " pending"] += row["debit_pending"] - row["credit_pending"]
    yield from (f"{place} sums to {amount}" for place, amount in sums.items() if amount)


def _balances(accounts: Sequence[Row]) -> dict[Key, dict[str, Balance]]:
    found: defaultdict[Key, dict[str, Balance]] = defaultdict(dict)
    for row in accounts:
        found[key_of(row)][row["name"]] = Balance(**{side: row[side] for side in SIDES})
    return found


def _dues(accounts: Sequence[Row]) -> Iterator[str]:
    """due = max(0, total - advances + debit notes - credit notes - cash - splits), exactly."""
    nothing = Balance()
    lowering = ("advances", "notes", "cash", "waived", "rounding")
    for key, books in _balances(accounts).items():
        if key[1] != "invoice":
            continue
        due = books.get(invoice_ledger.DUE, nothing)
        account = -books.get(invoice_ledger.ON_ACCOUNT, nothing).net
        splits = sum(b.net for name, b in books.items() if name.startswith("split:"))
        asked = -books.get("billed", nothing).net - books.get("debit notes", nothing).net
        raw = asked - splits - sum(books.get(name, nothing).net for name in lowering)
        raw -= books.get("notes ahead", nothing).net
        if due.net < 0 or due.left < 0 or account < 0:
            yield f"{key}: due {due}, on account {account}"
        if due.net - account != raw:
            yield f"{key}: due {due.net} less {account} on account is not {raw}"
        if due.left > 0 and account > 0 and not books.get("financed", nothing).net:
            yield f"{key}: {due.left} is due beside a credit of {account}"


def _statuses(documents: Sequence[Row], accounts: Sequence[Row]) -> Iterator[str]:
    books = _balances(accounts)
    for row in documents:
        kind = TYPES[row["type"]]
        states = {kind.initial, *(m.target for m in kind.moves)}
        if row["type"] == "invoice":
            states |= invoice_ledger.OWED
        if row["status"] not in states:
            yield f"{key_of(row)} is {row['status']}"
        if kind.derive is not None and row["booked"]:
            view = _view(row, books[key_of(row)])
            derived = kind.derive(view)
            if derived.status != row["status"] or derived.postings:
                yield f"{key_of(row)} is {row['status']}, the ledger says {derived}"


def _view(row: Row, balances: Mapping[str, Balance]) -> Any:
    from hundi.exchange.definition import DocumentView

    return DocumentView(
        status=row["status"],
        version=row["version"],
        agreed_version=row["agreed_version"],
        number=row["number"],
        balances=balances,
    )


def _nothing_waits_for_nobody(
    transfers: Sequence[Row], exchanges: Sequence[Row], documents: Sequence[Row]
) -> Iterator[str]:
    opened = {row["req_msg_id"] for row in exchanges if row["state"] == "OPEN"}
    for row in transfers:
        stuck = row["phase"] == "PENDING" and not row["standing"]
        if stuck and row["req_msg_id"] not in opened:
            yield f"transfer {row['transfer_id']} waits for an exchange that has ended"
    for row in documents:
        if row["open_exchange"] is not None and row["open_exchange"] not in opened:
            yield f"{key_of(row)} is busy with an exchange that has ended"


def _journals(journal: Sequence[Row], documents: Sequence[Row]) -> Iterator[str]:
    rows: defaultdict[Key, list[Row]] = defaultdict(list)
    for row in journal:
        rows[key_of(row)].append(row)
    for document in documents:
        key = key_of(document)
        trouble = first_broken(rows[key], document["head_sequence"], bytes(document["head_hash"]))
        if trouble is not None:
            yield f"journal of {key}: {trouble}"
