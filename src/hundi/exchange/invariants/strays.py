"""Rows that nothing leads to: looked for where a walk has met fewer rows than a table has."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hundi.exchange.invariants.finding import EXCHANGE, FEED, JOURNAL, LEDGER, OUTBOX, Broken
from hundi.store.engine import Row, Transaction
from hundi.store.statement import Statement

PAGE = 5000
MOST_TOLD = 100

_PAPER = "d.author_entity = s.author_entity and d.type = s.type and d.object_id = s.object_id"
_KEY = ("author_entity", "type", "object_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """How to find the strays of one table: its key, and what must lead to a row `s`.

    The last column of a `numbered` key is a number, all others are texts.
    """

    promise: str
    key: tuple[str, ...]
    led: str
    numbered: bool = False

    @property
    def start(self) -> tuple[object, ...]:
        """Before every row."""
        return (*[""] * (len(self.key) - 1), -1 if self.numbered else "")

    def page(self, table: str) -> Statement:
        """The next rows of the table behind a key, each with whether something leads to it."""
        columns = ", ".join(self.key)
        after = ", ".join(f"${n}" for n in range(1, len(self.key) + 1))
        text = (
            f"select {columns}, ({self.led}) as led from {table} s"
            f" where ({columns}) > ({{after}}) order by {columns} limit {PAGE}"
        )
        typed = f"{after}::bigint" if self.numbered else after
        return Statement.both(text.format(after=typed), sqlite=text.format(after=after))


_TABLES = {
    "journal": _Table(
        promise=JOURNAL,
        key=(*_KEY, "sequence"),
        numbered=True,
        led=f"exists (select 1 from document d where {_PAPER} and s.sequence <= d.head_sequence)",
    ),
    "delivery": _Table(
        promise=OUTBOX,
        key=("webhook_id",),
        led="exists (select 1 from exchange x where x.req_msg_id = s.req_msg_id)",
    ),
    "attempt": _Table(
        promise=OUTBOX,
        key=("webhook_id", "number"),
        numbered=True,
        led="exists (select 1 from delivery d join exchange x on x.req_msg_id = d.req_msg_id"
        " where d.webhook_id = s.webhook_id)",
    ),
    "ledger_account": _Table(
        promise=LEDGER,
        key=(*_KEY, "name"),
        led=f"exists (select 1 from document d where {_PAPER})",
    ),
    "ledger_transfer": _Table(
        promise=LEDGER,
        key=(*_KEY, "transfer_id"),
        led=f"exists (select 1 from document d where {_PAPER})",
    ),
    "event": _Table(
        promise=FEED,
        key=("event_id",),
        numbered=True,
        led="s.position is null or exists (select 1 from feed_head h"
        " where h.client_id = s.client_id and s.position between 1 and h.position)",
    ),
}


async def strays(tx: Transaction, table: str, number: int) -> list[Broken]:
    """The rows of a table that nothing leads to, a hundred at most; in any case one line.

    `number` is how many rows more there are than were met.
    """
    known = _TABLES.get(table)
    promise = known.promise if known is not None else EXCHANGE
    found = [Broken(promise, table, f"{number} rows are led to by nothing")]
    if known is None:
        return found
    statement, at = known.page(table), known.start
    while len(found) <= MOST_TOLD and (page := await tx.fetch(statement, *at)):
        at = tuple(page[-1][name] for name in known.key)
        found += _unled(known, table, page)
    return found[: MOST_TOLD + 1]


def _unled(known: _Table, table: str, page: Sequence[Row]) -> Iterator[Broken]:
    for row in page:
        if not row["led"]:
            where = " ".join(str(row[name]) for name in known.key)
            yield Broken(known.promise, f"{table} {where}", "nothing leads to this row")
