"""What must hold at any moment: the store's own check, and the rule of what is due on invoices."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from hundi.documents import DOCUMENT_TYPES, invoice_ledger
from hundi.exchange.invariants.walk import check_store
from hundi.ledger import tables as ledger
from hundi.ledger.model import Balance, document_key
from hundi.store.engine import Transaction
from tests.trade.desk import Desk

Row = Mapping[str, Any]
Key = tuple[str, str, str]
SIDES = ("debit", "credit", "debit_pending", "credit_pending")
TYPES = {kind.name: kind for kind in DOCUMENT_TYPES}


async def broken(trade: Desk) -> list[str]:
    """Everything that is wrong now."""
    return await trade.database.read(wrong_in)


async def wrong_in(tx: Transaction) -> list[str]:
    """Everything that is wrong in a store."""
    found: list[str] = []
    await check_store(tx, TYPES, report=lambda one: found.append(str(one)))
    return [*found, *_dues(await tx.select(sa.select(ledger.account)))]


def _balances(accounts: Sequence[Row]) -> dict[Key, dict[str, Balance]]:
    found: defaultdict[Key, dict[str, Balance]] = defaultdict(dict)
    for row in accounts:
        found[document_key(row)][row["name"]] = Balance(**{side: row[side] for side in SIDES})
    return found


def _dues(accounts: Sequence[Row]) -> Iterator[str]:
    """due = max(0, total - advances + debit notes - credit notes - cash - splits), exactly.

    Of an assigned invoice what is on account does not lower it, and while something is reserved what
    is beyond waits.
    """
    nothing = Balance()
    lowering = ("advances", "notes", "cash", "waived")
    for key, books in _balances(accounts).items():
        if key[1] != "invoice":
            continue
        due = books.get(invoice_ledger.DUE, nothing)
        account = -books.get(invoice_ledger.ON_ACCOUNT, nothing).net
        over = -books.get(invoice_ledger.ROUNDING, nothing).net
        kept = account if books.get("financed", nothing).net else 0
        splits = sum(b.net for name, b in books.items() if name.startswith("split:"))
        asked = -books.get("billed", nothing).net - books.get("debit notes", nothing).net
        raw = asked - splits - sum(books.get(name, nothing).net for name in lowering)
        raw -= books.get("notes ahead", nothing).net
        if due.net < 0 or due.left < 0 or account < 0 or over < 0:
            yield f"{key}: due {due}, on account {account}, rounding {over}"
        if due.net - account - over != raw:
            yield f"{key}: due {due.net} less {account} on account and {over} is not {raw}"
        waived = books.get("waived", nothing).net
        if waived > 0 and (account > 0 or due.left > 0):
            yield f"{key}: {waived} is waived, {due.left} due and {account} on account"
        if due.left > 0 and account - kept + over > 0:
            yield f"{key}: {due.left} is due beside a credit of {account} and {over}"
        if due.left == due.net != max(0, raw + kept):
            yield f"{key}: due {due.net} is not {raw}, of which {kept} stays on account"
