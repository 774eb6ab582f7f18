"""Copies of a database's files: opened, recovered, checked, and asked what they know."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from proof.ground.databases import Place, PostgresPlace, SqlitePlace, ask
from proof.part import Figure, ProofError, Run, at_least, none
from tests import postgres
from tests.ports import free_port

_KNOWN = "select req_msg_id from exchange"
_TORN = (
    "select (select count(*) from exchange x where x.state = 'OPEN' and not exists"
    " (select 1 from delivery d where d.req_msg_id = x.req_msg_id))"
    " + (select count(*) from document d where not exists (select 1 from journal j"
    " where j.author_entity = d.author_entity and j.type = d.type"
    " and j.object_id = d.object_id and j.sequence = d.head_sequence))"
)
"""Exchanges without a webhook and documents without their last row: halves of a transaction."""


@dataclass(slots=True)
class Copies:
    """What was found in copies. `lost` counts acks from before a copy that it does not know.

    `compared` are the acks that were looked for, in copies that opened.
    """

    run: Run
    looked: int = 0
    compared: int = 0
    lost: int = 0
    torn: int = 0
    unopened: int = 0

    async def look(self, place: Place, copy: Path, acknowledged: set[str]) -> None:
        """Open a copy: the file, or the folder whose `data` is a cluster's. Raises ProofError."""
        self.looked += 1
        try:
            await self._look(place, copy, acknowledged)
        except (sqlite3.DatabaseError, postgres.NoPostgresError) as error:
            self.unopened += 1
            self.run.progress.say(f"a copy does not open: {error}")

    async def _look(self, place: Place, copy: Path, acknowledged: set[str]) -> None:
        if isinstance(place, SqlitePlace):
            await asyncio.to_thread(_whole, copy)
            await self._compare(f"sqlite:///{copy}", acknowledged)
        elif isinstance(place, PostgresPlace):
            there = replace(place.cluster, folder=copy)
            opened, process = postgres.revive(there, port=free_port())
            try:
                await self._compare(opened.url("hundi"), acknowledged)
            finally:
                await asyncio.to_thread(postgres.stop, process)
        else:
            raise ProofError(f"nobody knows how to open a copy of {place.url}")

    async def _compare(self, url: str, acknowledged: set[str]) -> None:
        known = {name for (name,) in await ask(url, _KNOWN)}
        [(torn,)] = await ask(url, _TORN)
        self.compared += len(acknowledged)
        self.lost += len(acknowledged - known)
        self.torn += torn

    def figures(self) -> list[Figure]:
        """Of each there may be nothing; to each copy belongs one ack from before it, or many."""
        return [
            at_least("acks looked for in copies", max(1, self.looked), seen=self.compared),
            none("copies that did not open, or failed the check of their integrity", self.unopened),
            none("acknowledged before a copy and not in it", self.lost),
            none("halves of a transaction in a copy", self.torn),
        ]


def _whole(path: Path) -> None:
    """Recover the file and check it. Raises sqlite3.DatabaseError."""
    with closing(sqlite3.connect(path)) as connection:
        [answer] = connection.execute("pragma integrity_check").fetchone()
        if answer != "ok":
            raise sqlite3.DatabaseError(answer)
