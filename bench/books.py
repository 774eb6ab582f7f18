"""What the database says after whole trades: every invoice paid, every account in balance.

The tables are read directly, all rows of them: a sample over HTTP would miss the one that is wrong.
"""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing

import asyncpg

from bench.trades import TOTAL

_PAISE = int(TOTAL.replace(".", ""))
_UNEVEN = (
    "from (select 1 as one from ledger_account group by author_entity, type, object_id, unit"
    " having sum(debit) <> sum(credit) or sum(debit_pending + credit_pending) <> 0) uneven"
)
_COUNTS = (
    ("invoices that are PAID", "from document where type = 'invoice' and status = 'PAID'", True),
    ("other invoices", "from document where type = 'invoice' and status <> 'PAID'", False),
    (
        "invoices whose due came and went whole",
        f"from ledger_account where name = 'due' and debit = {_PAISE} and credit = {_PAISE}",
        True,
    ),
    ("transfers that are still reserved", "from ledger_transfer where phase = 'PENDING'", False),
    (
        "documents whose accounts do not sum to zero",
        _UNEVEN,
        False,
    ),
    ("documents with an open exchange", "from document where open_exchange is not null", False),
)
"""What is counted, and whether every trade has one; else none may be."""


async def wrong(url: str, *, trades: int) -> AsyncIterator[str]:
    """Each count that is not what so many whole trades leave behind."""
    found = await _counted(url)
    for (what, _, each), count in zip(_COUNTS, found, strict=True):
        wanted = trades if each else 0
        if count != wanted:
            yield f"{count:,} {what} after {trades:,} trades, not {wanted:,}"


async def _counted(url: str) -> list[int]:
    queries = [f"select count(*) {rest}" for _, rest, _ in _COUNTS]
    if url.startswith("sqlite"):
        path = url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(path)) as file:
            return [file.execute(query).fetchone()[0] for query in queries]
    connection = await asyncpg.connect(url)
    try:
        return [await connection.fetchval(query) for query in queries]
    finally:
        await connection.close()
