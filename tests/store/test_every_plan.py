"""What a statement reads is found by an index: none goes through all that the store holds.

Generic plans, as the server's: no parameter changes them. PostgreSQL makes them for a crowded
store; SQLite makes the same ones whatever it holds.
"""

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import asyncpg

from hundi.store.metadata import metadata
from hundi.store.opening import sqlite_path
from hundi.store.postgres import SETTINGS
from tests.store.crowd import crowd
from tests.store.statements import statements

COPIES = 60
EAGER = dict.fromkeys(
    ("min_parallel_index_scan_size", "min_parallel_table_scan_size", "parallel_setup_cost"), "0"
)
"""Even a small store would call for parallel workers, if the server's settings let it."""
SPOKEN_BY_ONE = {
    "exchange.leases._NOTE": "sqlite",
    "exchange.leases._AT_ONCE": "postgresql",
    "exchange.last_read._LOCKED_AND_CLOSED": "postgresql",
}
"""Statements that only one of the databases understands."""
ONCE = "every client has a feed, and the operator does it once, after a restore"
COUNTS_ALL = "a survey of everything that is there, which the operator has asked for"
ENDS = "it reads from one end of an index and stops at its limit"
ALLOWED = {
    "cli.restored._NEWEST": ENDS,
    "exchange.feed._BEGIN_ANEW": ONCE,
    "exchange.invariants.walk._COUNTS": COUNTS_ALL,
    "exchange.sealing.verify._COUNT": COUNTS_ALL,
    "exchange.refusals._TRIM": ENDS,
    "exchange.sealing.store._LAST": ENDS,
    "parties.guard._PURGE": ENDS,
}
"""By the statement's name, without what stands in brackets."""
LEADING = """
    select i.relname, a.attname from pg_index x join pg_class i on i.oid = x.indexrelid
    join pg_attribute a on a.attrelid = x.indrelid and a.attnum = x.indkey[0] where x.indpred is null
"""
"""Indexes of all rows, each with its first column. One of some rows alone may be read whole."""
_SOURCE = re.compile(r"\b(?:from|join)\s+(\w+)(?:\s+(?:as\s+)?(\w+))?")


def asked_of(database: str) -> dict[str, str]:
    """Texts of the statements that are to be looked at, by name."""
    return {
        name: getattr(statement, database)
        for name, statement in statements().items()
        if SPOKEN_BY_ONE.get(name, database) == database
    }


def told(found: dict[str, list[str]]) -> dict[str, list[str]]:
    """The statements that go through something and may not."""
    return {n: what for n, what in found.items() if what and n.split("[")[0] not in ALLOWED}


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


async def explained(connection: asyncpg.Connection, text: str) -> dict[str, Any]:
    prepared = await connection.prepare(text)
    kinds = [kind.name for kind in prepared.get_parameters()]
    kinds = [f"{kind[1:]}[]" if kind.startswith("_") else kind for kind in kinds]
    declared, given = (f"({', '.join(kinds)})", f"({', '.join(['null'] * len(kinds))})")
    await connection.execute(f"prepare it{declared if kinds else ''} as {text}")
    shown = await connection.fetchval(f"explain (format json) execute it{given if kinds else ''}")
    await connection.execute("deallocate it")
    plan: dict[str, Any] = json.loads(shown)[0]["Plan"]
    return plan


def walked(plan: dict[str, Any], leading: dict[str, str]) -> list[str]:
    """What a plan of PostgreSQL reads from end to end, or with helpers."""
    found = []
    for node in nodes(plan):
        index = node.get("Index Name")
        if node["Node Type"] == "Seq Scan":
            found.append(f"all of {node['Relation Name']}")
        elif index in leading and leading[index] not in node.get("Index Cond", ""):
            found.append(f"all of {index}")
        elif "Gather" in node["Node Type"]:
            found.append("parallel workers")
    return found


async def test_postgresql_goes_through_nothing(filled_postgres_url: str) -> None:
    await crowd(filled_postgres_url, COPIES)
    connection = await asyncpg.connect(
        filled_postgres_url, server_settings=EAGER | SETTINGS, statement_cache_size=0
    )
    try:
        leading = dict(await connection.fetch(LEADING))
        found = {
            name: walked(await explained(connection, text), leading)
            for name, text in asked_of("postgresql").items()
        }
    finally:
        await connection.close()
    assert told(found) == {}
    assert not ALLOWED.keys() - {name.split("[")[0] for name, what in found.items() if what}


def scanned(lines: list[str], text: str, whole: set[str]) -> list[str]:
    """What a plan of SQLite reads from end to end: tables, or indexes of all their rows."""
    tables = metadata.tables
    mine = {alias or name for name, alias in _SOURCE.findall(text) if name in tables} | set(tables)
    scans = [line.split() for line in lines if line.startswith("SCAN ")]
    return [
        " ".join(words)
        for words in scans
        if words[1] in mine and (len(words) < 3 or words[-1] in whole or words[2] != "USING")
    ]


def test_sqlite_goes_through_nothing(sqlite_url: str) -> None:
    with closing(sqlite3.connect(sqlite_path(sqlite_url) or "")) as connection:
        rows = connection.execute("select name, sql from sqlite_master where type = 'index'")
        whole = {name for name, text in rows if text is None or " WHERE " not in text.upper()}
        found = {}
        for name, text in asked_of("sqlite").items():
            given = (None,) * max(map(int, re.findall(r"\?(\d+)", text)), default=0)
            plan = connection.execute(f"explain query plan {text}", given)
            found[name] = scanned([row[3] for row in plan], text, whole)
    assert told(found) == {}
    assert any(found.values()), (
        "what is allowed to is told so in a word that this SQLite does not use"
    )
