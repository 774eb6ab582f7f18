"""The list of documents in pages, the newest first.

A business comes to its documents by two roads: those that it wrote, and those that came to it.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from functools import partial

from hundi.exchange import visibility
from hundi.exchange.cursor import LARGEST
from hundi.exchange.document import COLUMNS
from hundi.exchange.stepping import Stepping
from hundi.store.engine import Row, Transaction
from hundi.store.statement import Statement

Place = tuple[int, str, str, str]
"""Where a document stands in the list: when it was made, then its key."""

START: Place = (LARGEST, "", "", "")
_KEY = ("created_at", "author_entity", "type", "object_id")
_SIDES = ("author_entity", "counterparty_entity")
_BEHIND = ("behind_at", "behind_author", "behind_type", "behind_id")


def _of(alias: str) -> str:
    return ", ".join(f"{alias}.{name}" for name in _KEY)


def _downwards(alias: str) -> str:
    return ", ".join(f"{alias}.{name} desc" for name in _KEY)


_FOUND = (
    "(strpos(lower(d.object_id), lower($6)) > 0 or strpos(lower(d.number), lower($6)) > 0{seen})"
)
_FITS = (
    "($2 = '' or d.type = $2) and ($3 = '' or d.status = $3)"
    " and ($4 = '' or d.author_b2b = $4) and ($5 = '' or d.counterparty_b2b = $5)"
    f" and ($6 = '' or {_FOUND.format(seen='')})"
)
# The number that somebody else's unsent repetition gave a document is not to be found by it.
_SHOWN = f"{visibility.DOCUMENT} and ($6 = '' or " + _FOUND.format(
    seen=f" and {visibility.CONTENT}"
) + ")"  # fmt: skip
_ROAD = (
    # Whoever does not say `created_at > 0` does not get the list's index.
    " from document {a} where {a}.{side} = m.{entity} and {a}.created_at > 0 and ("
    + _of("{a}")
    + ") < ($7, $8, $9, $10)"
    " order by " + _downwards("{a}") + " limit $11"
)


def _roads_postgresql() -> str:
    roads = " union all ".join(
        f"(select {place} as side, {_of('d')}, ({_FITS}) as fits"
        + _ROAD.format(a="d", side=side, entity="entity")
        + ")"
        for place, side in enumerate(_SIDES)
    )
    return (
        "select m.entity, r.* from unnest($1::text[]) as m(entity)"
        f" cross join lateral ({roads}) as r"
    )


def _roads_sqlite() -> str:
    """SQLite has no `lateral`; a list of row numbers may be limited for each business, too."""
    return " union all ".join(
        f"select m.value as entity, {place} as side, {_of('d')}, ({_FITS}) as fits"
        " from json_each($1) m cross join document d where d.rowid in (select p.rowid"
        + _ROAD.format(a="p", side=side, entity="value")
        + ")"
        for place, side in enumerate(_SIDES)
    )


def _page(roads: str) -> str:
    """One step, as `Stepping` has it: without the outer `left join` an empty one would tell nothing."""
    document = ", ".join(f"d.{name}" for name in COLUMNS)
    behind = ", ".join(f"h.{name} as {alias}" for name, alias in zip(_KEY, _BEHIND, strict=True))
    return (
        f"with looked as materialized (select r.*, row_number() over"
        f" (partition by r.entity, r.side order by {_downwards('r')}) as place from ({roads}) r),"
        f" ahead as materialized (select {_of('l')} from looked l where l.place = $11"
        f" order by {_downwards('l')} limit 1)"
        f" select {behind}, s.* from (select 1 as one) o left join ahead h on true"
        f" left join (select {document}, {visibility.CONTENT} as content_seen"
        f" from (select distinct {_of('l')} from looked l where l.fits"
        f" and not exists (select 1 from ahead a where ({_of('l')}) < ({_of('a')}))) k"
        " join document d on d.author_entity = k.author_entity and d.type = k.type"
        f" and d.object_id = k.object_id where {_SHOWN}"
        f" order by {_downwards('d')} limit $12) s on true order by {_downwards('s')}"
    )


_LIST = Statement.both(_page(_roads_postgresql()), sqlite=_page(_roads_sqlite()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a list of documents is narrowed to; "" does not narrow.

    `text` is looked for in numbers and objectIds, in any case; the two parties are B2B IDs.
    """

    type: str = ""
    status: str = ""
    author: str = ""
    counterparty: str = ""
    text: str = ""


async def page(
    tx: Transaction, mine: Sequence[str], filters: Filters, *, after: Place, limit: int
) -> tuple[list[Row], Place | None]:
    """Documents behind a place, and the place behind which the next page begins; None: no more.

    Rows hold `COLUMNS` and `content_seen`. Fewer than `limit` are no sign of the end.
    """
    narrowed = (list(mine), *astuple(filters))
    stepping: Stepping[Place] = Stepping(
        roads=len(mine) * len(_SIDES),
        step=lambda place, each, most: tx.fetch(_LIST, *narrowed, *place, each, most),
        item=partial(_place, names=_KEY),
        behind=partial(_place, names=_BEHIND),
        moment=lambda place: place[0],
        above=lambda place: (place[0] + 1, "", "", ""),
    )
    return await stepping.page(after, limit)


def _place(row: Row, names: Sequence[str]) -> Place | None:
    at, author, type_, object_id = (row[name] for name in names)
    return None if at is None else (at, author, type_, object_id)
