"""Statements of the hot path, written once where the two databases agree, side by side where not.

Parameters are `$1`, `$2` … in both texts; the SQLite text is turned to its own spelling here. A
`Bulk` is one statement for a whole batch: PostgreSQL gets all rows as one JSON parameter and answers
in one round trip, SQLite runs its text once a row inside the same transaction. (An array parameter
per column was measured: at 60 columns and 24 rows it takes four times as long, docs/decisions.)
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import msgspec
import sqlalchemy as sa

_PARAMETER = re.compile(r"\$(\d+)")
_LOCK = re.compile(r"\s+for (update|share|no key update|key share)( of \w+)?( skip locked)?")
_ANY = re.compile(r"= any\(\$(\d+)::\w+\[\]\)")
_NOT_ALL = re.compile(r"<> all\(\$(\d+)::\w+\[\]\)")


def _for_sqlite(text: str) -> str:
    text = _LOCK.sub("", text)
    text = _ANY.sub(r"in (select value from json_each(?\1))", text)
    text = _NOT_ALL.sub(r"not in (select value from json_each(?\1))", text)
    text = text.replace("strpos(", "instr(")
    return _PARAMETER.sub(r"?\1", text)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement in the two spellings. A list argument of text reaches SQLite as JSON."""

    postgresql: str
    sqlite: str

    @classmethod
    def both(cls, text: str, *, sqlite: str | None = None) -> "Statement":
        """From the PostgreSQL text; row locks fall away on SQLite, which locks the whole file."""
        return cls(text, _for_sqlite(sqlite or text))


@dataclass(frozen=True, slots=True)
class Bulk:
    """One statement for many rows; `returns` says whether it answers with rows."""

    postgresql: str
    sqlite: str
    returns: bool

    @classmethod
    def of(cls, *, postgresql: str, sqlite: str, returns: bool) -> "Bulk":
        """From the two texts; the SQLite one takes a single row's parameters."""
        return cls(postgresql, _for_sqlite(sqlite), returns)


def column_type(column: sa.Column[object]) -> str:
    """A column's type as PostgreSQL casts to it."""
    kind = column.type
    if isinstance(kind, sa.LargeBinary):
        return "bytea"
    if isinstance(kind, sa.Boolean):
        return "boolean"
    if isinstance(kind, sa.BigInteger):
        return "bigint"
    if isinstance(kind, sa.Integer):
        return "integer"
    return "text"


def listed(names: Sequence[str], source: str) -> str:
    """Columns of a source, for a select."""
    return ", ".join(f"{source}.{name}" for name in names)


def nulls(table: sa.Table, names: Sequence[str]) -> str:
    """As many nulls with the names and types of columns, for the parts of a union that lack them."""
    return ", ".join(f"null::{column_type(table.c[name])} as {name}" for name in names)


def rows(columns: str, *, parameter: int = 1) -> str:
    """A batch's rows as a PostgreSQL source to select from: `rows("id text, at bigint") as v`.

    `parameter` is the number of the one that brings them; in a statement of several parts each has its own.
    """
    cells = []
    for place, column in enumerate(columns.split(", ")):
        name, kind = column.split(" ")
        cell = f"decode(r->>{place}, 'base64')" if kind == "bytea" else f"(r->>{place})::{kind}"
        cells.append(f"{cell} as {name}")
    # The limit changes no rows. It lets a planner expect ten and not a hundred, and so begin with
    # them and look the table up by key, even where the table seemed small when the plan was made.
    given = f"${parameter}::jsonb"
    source = f"jsonb_array_elements({given}) r limit jsonb_array_length({given})"
    return f"(select {', '.join(cells)} from {source})"


def _typed(table: sa.Table, columns: Sequence[str]) -> str:
    return ", ".join(f"{c} {column_type(table.c[c])}" for c in columns)


def insert(
    table: sa.Table, columns: Sequence[str], *, claims: Sequence[str] = (), or_nothing: bool = False
) -> Bulk:
    """A bulk insert of rows in the order of `columns`.

    With `claims`, a conflicting row is left alone and the named columns of each row that really
    went in come back: a batch member counts only if its own row is among them. `or_nothing` leaves
    conflicting rows alone without saying so.
    """
    names = ", ".join(columns)
    values = ", ".join(f"${n}" for n in range(1, len(columns) + 1))
    tail = " on conflict do nothing" if claims or or_nothing else ""
    if claims:
        tail += " returning " + ", ".join(claims)
    head = f"insert into {table.name} ({names})"
    return Bulk.of(
        postgresql=f"{head} select * from {rows(_typed(table, columns))} v{tail}",
        sqlite=f"{head} values ({values}){tail}",
        returns=bool(claims),
    )


def update(table: sa.Table, *, key: Sequence[str], columns: Sequence[str]) -> Bulk:
    """A bulk update by key; a row is the key's columns, then the new values, in the order given."""
    every = _typed(table, [*key, *columns])
    fresh = ", ".join(f"{c} = fresh.{c}" for c in columns)
    match = " and ".join(f"{table.name}.{c} = fresh.{c}" for c in key)
    single = ", ".join(f"{c} = ${n}" for n, c in enumerate(columns, len(key) + 1))
    where = " and ".join(f"{c} = ${n}" for n, c in enumerate(key, 1))
    return Bulk.of(
        postgresql=f"update {table.name} set {fresh} from {rows(every)} fresh where {match}",
        sqlite=f"update {table.name} set {single} where {where}",
        returns=False,
    )


@lru_cache(maxsize=256)
def together(bulks: tuple[Bulk, ...]) -> str:
    """PostgreSQL text that runs several bulks in one round trip; their parameters follow in order.

    They are parts of one statement and see one snapshot, so they must write different rows.
    """
    parts = []
    for place, bulk in enumerate(bulks):
        text = bulk.postgresql.replace("$1::jsonb", f"${place + 1}::jsonb")
        parts.append(f"part{place} as ({text} returning 1)")
    return "with " + ", ".join(parts) + " select where false"


def encoded(rows: Sequence[Sequence[object]]) -> bytes:
    """A batch's rows as the JSON parameter that PostgreSQL takes; bytes as base64."""
    return msgspec.json.encode(rows)


def sqlite_arguments(arguments: Sequence[object]) -> list[object]:
    """Arguments as SQLite takes them: lists become JSON text."""
    return [json.dumps(a) if isinstance(a, list) else a for a in arguments]


def compiled(query: sa.Select[tuple[object, ...]], dialect: sa.Dialect) -> tuple[str, list[object]]:
    """A SQLAlchemy query as text and positional arguments for a raw connection."""
    made = query.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    order = made.positiontup or []
    return str(made), [made.params[name] for name in order]


@lru_cache(maxsize=2)
def dialect_of(name: str) -> sa.Dialect:
    """The SQLAlchemy dialect that spells queries for our raw connections."""
    from sqlalchemy.dialects.postgresql import asyncpg  # noqa: PLC0415 (loaded only where used)
    from sqlalchemy.dialects.sqlite import pysqlite  # noqa: PLC0415

    if name == "postgresql":
        return asyncpg.dialect()  # type: ignore[no-untyped-call]
    return pysqlite.dialect()
