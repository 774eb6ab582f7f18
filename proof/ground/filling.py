"""A store filled fast: copies of one settled order, row for row as the network wrote them.

Each copy has its own ids, number, moments and body, and a journal whose chain verifies. The copies
are older than what they were made of, one a millisecond.
"""

import asyncio
import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from secrets import token_bytes
from typing import Any

import asyncpg

import hundi.exchange.tables
import hundi.parties.tables
from bench.orders import object_id
from hundi.exchange.journal import GENESIS, link
from hundi.kernel.sealing import keyring_from
from hundi.parties.at_rest import sealed
from hundi.store.metadata import metadata
from hundi.store.opening import sqlite_path
from proof.ground.databases import ask
from proof.ground.network import Network

BATCH = 5000
FIRST = 10**9
"""The number of the first copy: far from those of new orders."""
_OF_MESSAGE = ("exchange", "delivery", "event")
_OF_DOCUMENT = ("document", "number_claim", "journal")
_PARTIES = ("client", "entity", "b2b_id", "gstin")
_WITH_THEM = (hundi.exchange.tables, hundi.parties.tables)
"""Their tables are in the catalogue once they are imported."""

Row = dict[str, Any]
Rows = dict[str, list[Row]]


@dataclass(slots=True)
class Filler:
    """Writes behind the network's back, while its servers are down."""

    network: Network

    async def documents(self, count: int) -> None:
        """So many copies of the first order, which must have settled."""
        template, heads = await self._template(), await self._heads()
        self.network.run.progress.goal("documents written", count)
        for begin in range(0, count, BATCH):
            places = range(begin, min(count, begin + BATCH))
            rows: Rows = {}
            for place in places:
                _add(rows, _copied(template, place, before=count - place))
            for event in rows["event"]:
                heads[event["client_id"]] += 1
                event["position"] = heads[event["client_id"]]
            await self._write(rows)
            self.network.run.progress.at(places[-1] + 1)
        await self._ended(heads)

    async def parties(self, count: int) -> None:
        """So many businesses more, each with its client, who never come."""
        client = self.network.clients["buyer"]["clientId"]
        inner = f"(select entity_id from b2b_id where client_id = '{client}')"
        where = dict.fromkeys(_PARTIES, f"where client_id = '{client}'")
        where |= dict.fromkeys(("entity", "gstin"), f"where entity_id in {inner}")
        template = {name: await self._rows(name, where[name]) for name in _PARTIES}
        entity = template["entity"][0]["entity_id"]
        pan = template["entity"][0]["pan"]
        keyring = keyring_from(self.network.hundi.environment()["HUNDI_SECRET_KEYS"])
        clear = self.network.clients["buyer"]["webhookSecret"]
        rows: Rows = {}
        for place in range(count):
            swap = _swapping(
                {
                    pan: f"ZZZCA{place:04d}A",
                    client: copied_client(place),
                    entity[-12:]: f"{place:012d}",
                }
            )
            made = {name: [_changed(row, swap) for row in kept] for name, kept in template.items()}
            row = made["client"][0]
            own = row["client_id"]
            secret = sealed({"webhook_secret": clear}, own, keyring=keyring, random=token_bytes)
            made["client"][0] = row | secret | {"username": f"copy-{place}"}
            _add(rows, made)
        await self._write(rows)

    async def _template(self) -> Rows:
        name = object_id(1)
        rows = {t: await self._rows(t, f"where object_id = '{name}'") for t in _OF_DOCUMENT}
        message = rows["document"][0]["last_exchange"]
        where = f"where req_msg_id = '{message}'"
        rows |= {t: await self._rows(t, where) for t in _OF_MESSAGE}
        inner = f"(select webhook_id from delivery {where})"
        rows["attempt"] = await self._rows("attempt", f"where webhook_id in {inner}")
        rows["body"] = await self._rows("body", f"where body_id in {inner}")
        return rows

    async def _rows(self, table: str, where: str) -> list[Row]:
        names = metadata.tables[table].columns.keys()
        text = f'select {", ".join(names)} from "{table}" {where}'
        return [
            dict(zip(names, row, strict=True)) for row in await ask(self.network.place.url, text)
        ]

    async def _heads(self) -> dict[str, int]:
        return dict(await ask(self.network.place.url, "select client_id, position from feed_head"))

    async def _write(self, rows: Rows) -> None:
        for of in rows.get("event", ()):
            of.pop("event_id", None)  # the database counts them
        path = sqlite_path(self.network.place.url)
        if path is not None:
            await asyncio.to_thread(_write_file, str(path), rows)
            return
        connection = await asyncpg.connect(self.network.place.url)
        try:
            for table, kept in rows.items():
                records = [tuple(row.values()) for row in kept]
                await connection.copy_records_to_table(
                    table, records=records, columns=list(kept[0])
                )
        finally:
            await connection.close()

    async def _ended(self, heads: Mapping[str, int]) -> None:
        """The feeds go on behind the copies; PostgreSQL is told what its tables hold now.

        All of it is on the disk then: what is measured next does not wait for what was filled.
        """
        pairs = [(position, client) for client, position in heads.items()]
        path = sqlite_path(self.network.place.url)
        if path is not None:
            await asyncio.to_thread(_set_heads, str(path), pairs)
            await asyncio.to_thread(os.sync)
            return
        connection = await asyncpg.connect(self.network.place.url)
        try:
            text = "update feed_head set position = $1 where client_id = $2"
            await connection.executemany(text, pairs)
            await connection.execute("vacuum analyze")
            await connection.execute("checkpoint")
        finally:
            await connection.close()


def copied_client(place: int) -> str:
    """The id of a client that `Filler.parties` adds; its secret is that of the buyer's."""
    return f"C{place:09d}"


def _copied(template: Rows, place: int, *, before: int) -> Rows:
    """One copy, `before` milliseconds older than the template."""
    message = template["document"][0]["last_exchange"][3:]
    moment = int(message[:12], 16) - before
    own = f"{moment:012X}7{place:019X}"
    number = object_id(1)[3:]
    swap = _swapping({number: object_id(FIRST + place)[3:], message: own})
    rows = {
        table: [_older(_changed(row, swap), before) for row in kept]
        for table, kept in template.items()
    }
    _chain(rows, template)
    return rows


def _swapping(pairs: Mapping[str, str]) -> Callable[[Any], Any]:
    encoded = {old.encode(): new.encode() for old, new in pairs.items()}

    def swapped(value: Any) -> Any:
        if isinstance(value, str):
            for old, new in pairs.items():
                value = value.replace(old, new)
        elif isinstance(value, bytes):
            for old_bytes, new_bytes in encoded.items():
                value = value.replace(old_bytes, new_bytes)
        return value

    return swapped


def _changed(row: Row, swap: Callable[[Any], Any]) -> Row:
    return {name: swap(value) for name, value in row.items()}


def _older(row: Row, milliseconds: int) -> Row:
    for name, value in row.items():
        if value and (name == "at" or name.endswith("_at")):
            row[name] = value - milliseconds * 1000
    return row


def _chain(rows: Rows, template: Rows) -> None:
    """Digests of the copy's own bodies, and hashes from the first row to the head."""
    digests = {
        hashlib.sha256(old["bytes"]).digest(): hashlib.sha256(new["bytes"]).digest()
        for old, new in zip(template["body"], rows["body"], strict=True)
    }
    previous = GENESIS
    for row in sorted(rows["journal"], key=lambda each: int(each["sequence"])):
        row["digest"] = digests.get(row["digest"], row["digest"])
        fields = list(row.values())[:11]
        previous = row["hash"] = link(previous, fields, row["digest"])
    rows["document"][0]["head_hash"] = previous


def _add(rows: Rows, more: Rows) -> None:
    for table, kept in more.items():
        rows.setdefault(table, []).extend(kept)


def _write_file(path: str, rows: Rows) -> None:
    with closing(sqlite3.connect(path, timeout=20)) as connection, connection:
        for table, kept in rows.items():
            names, marks = ", ".join(kept[0]), ", ".join("?" * len(kept[0]))
            text = f"insert into {table} ({names}) values ({marks})"
            connection.executemany(text, _values(kept))


def _values(rows: Iterable[Row]) -> Iterator[tuple[Any, ...]]:
    return (tuple(row.values()) for row in rows)


def _set_heads(path: str, pairs: Iterable[tuple[int, str]]) -> None:
    with closing(sqlite3.connect(path, timeout=20)) as connection, connection:
        connection.executemany("update feed_head set position = ? where client_id = ?", pairs)
        connection.commit()
        connection.execute("pragma wal_checkpoint(truncate)")
