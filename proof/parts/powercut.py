"""A power cut at a random instant: every process frozen, the files copied, the copy opened.

What the file system holds at that moment is what is copied, flushed or not: this shows that what is
written is in the right order and is enough, not that the disk keeps what it was told to flush.
"""

import asyncio
import shutil
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from proof.ground import judging, killing
from proof.ground.databases import PostgresPlace, SqlitePlace, ask
from proof.ground.network import SPLIT, Network, standing
from proof.ground.traffic import Traffic
from proof.part import BOTH, Figure, Part, Run, at_least, none, told
from tests import postgres

TOGETHER = 50
"""Instants on one network: then a fresh one, so that copies stay small."""
CALLERS = 8
SMALL = {"max_wal_size": "64MB", "min_wal_size": "32MB", "shared_buffers": "32MB"}
_KNOWN = "select req_msg_id from exchange"
_CONTENT = (
    "select (select count(*) from exchange x where x.state = 'OPEN' and not exists"
    " (select 1 from delivery d where d.req_msg_id = x.req_msg_id))"
    " + (select count(*) from document d where not exists (select 1 from journal j"
    " where j.author_entity = d.author_entity and j.type = d.type"
    " and j.object_id = d.object_id and j.sequence = d.head_sequence))"
)
"""Exchanges without a webhook and documents without their last row: halves of a transaction."""


class Cuts:
    """Cuts the power of a network again and again. `lost` counts acks that a copy does not know."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.chance = run.chance("instants")
        self.instants = self.compared = 0
        self.lost = self.torn = self.unopened = 0

    async def cut(self, network: Network, traffic: Traffic) -> None:
        """Freeze everything, copy, let it go on, and look into the copy."""
        await asyncio.sleep(self.chance.uniform(0, 0.15))
        copy = self.run.folder / f"copy{self.instants}"
        frozen = await killing.freeze(network.pids)
        try:
            await asyncio.to_thread(_copied, network, copy)
            await asyncio.sleep(0.05)  # acks that were under way are read
            acknowledged = traffic.ids()
        finally:
            killing.thaw(frozen)
        self.instants += 1
        self.compared += len(acknowledged)
        try:
            await self._look(network, copy, acknowledged)
        except (sqlite3.DatabaseError, postgres.NoPostgresError) as error:
            self.unopened += 1
            self.run.progress.say(f"a copy does not open: {error}")
        await asyncio.to_thread(shutil.rmtree, copy)

    async def _look(self, network: Network, copy: Path, acknowledged: set[str]) -> None:
        place = network.place
        if isinstance(place, SqlitePlace):
            await asyncio.to_thread(_whole, copy / place.path.name)
            await self._compare(f"sqlite:///{copy / place.path.name}", acknowledged)
        elif isinstance(place, PostgresPlace):
            there = replace(place.cluster, folder=copy)
            opened, process = postgres.revive(there, port=postgres.free_port())
            try:
                await self._compare(opened.url("hundi"), acknowledged)
            finally:
                await asyncio.to_thread(postgres.stop, process)

    async def _compare(self, url: str, acknowledged: set[str]) -> None:
        known = {name for (name,) in await ask(url, _KNOWN)}
        [(torn,)] = await ask(url, _CONTENT)
        self.lost += len(acknowledged - known)
        self.torn += torn


def _copied(network: Network, copy: Path) -> None:
    place = network.place
    copy.mkdir()
    if isinstance(place, SqlitePlace):
        for ending in ("", "-wal"):  # the index in shared memory does not survive a power cut
            path = place.path.with_name(place.path.name + ending)
            if path.exists():
                shutil.copy(path, copy / path.name)
    elif isinstance(place, PostgresPlace):
        shutil.copytree(
            place.cluster.folder / "data", copy / "data", ignore=shutil.ignore_patterns("*.pid")
        )
        postgres.own(copy)


def _whole(path: Path) -> None:
    """Recover the file and check it. Raises sqlite3.DatabaseError."""
    with closing(sqlite3.connect(path)) as connection:
        [told_of_it] = connection.execute("pragma integrity_check").fetchone()
        if told_of_it != "ok":
            raise sqlite3.DatabaseError(told_of_it)


async def measure(run: Run) -> Sequence[Figure]:
    """Cut the power at as many instants as were promised."""
    many = run.size(full=500, brief=20, tiny=2)
    cuts, acks = Cuts(run), 0
    counts: Counter[str] = Counter()
    while cuts.instants < many:
        run.progress.goal("instants", many)
        last = min(many, cuts.instants + TOGETHER)
        async with standing(run, roles=SPLIT, settings=SMALL) as network:
            seed = run.chance(f"traffic {cuts.instants}")
            traffic = Traffic(network, seed, callers=CALLERS)
            await _together(cuts, last, traffic)
            acks += traffic.acknowledged
            counts.update(await judging.counted(traffic))
    return [
        at_least("instants", many, seen=cuts.instants),
        none("copies that did not open, or failed the check of their integrity", cuts.unopened),
        none("acknowledged before an instant and not in its copy", cuts.lost),
        none("halves of a transaction in a copy", cuts.torn),
        told("acknowledged", f"{acks:,}, and looked for in copies {cuts.compared:,} times"),
        *judging.figures(counts),
    ]


async def _together(cuts: Cuts, last: int, traffic: Traffic) -> None:
    """Instants on one network, which goes on after each and then lets everything end."""
    await traffic.start()
    while cuts.instants < last:
        await traffic.flows()
        await cuts.cut(traffic.network, traffic)
        cuts.run.progress.at(cuts.instants, f"{traffic.acknowledged:,} acks, {cuts.lost} lost")
    await traffic.stop()
    await judging.drain(traffic.network)


PART = Part(
    name="powercut",
    promise="Whenever the power goes, the files open, and hold all that was acknowledged.",
    databases=BOTH,
    run=measure,
)
