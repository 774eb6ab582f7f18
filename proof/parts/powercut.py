"""A power cut at a random instant: every process frozen, the files copied, the copy opened.

What the file system holds at that moment is what is copied, flushed or not: this shows that what is
written is in the right order and is enough, not that the disk keeps what it was told to flush.
"""

import asyncio
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from proof.ground import judging, killing
from proof.ground.copies import Copies
from proof.ground.databases import Place, PostgresPlace, SqlitePlace
from proof.ground.network import SPLIT, Network, standing
from proof.ground.traffic import Traffic
from proof.part import BOTH, Figure, Part, ProofError, Run, at_least, told
from tests import postgres

TOGETHER = 50
"""Instants on one network: then a fresh one, so that copies stay small."""
CALLERS = 8
SMALL = {"max_wal_size": "64MB", "min_wal_size": "32MB", "shared_buffers": "32MB"}


class Cuts:
    """Cuts the power of a network again and again."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.chance = run.chance("instants")
        self.copies = Copies(run)

    async def cut(self, network: Network, traffic: Traffic) -> None:
        """Freeze everything, copy, let it go on, and look into the copy."""
        await asyncio.sleep(self.chance.uniform(0, 0.15))
        folder = self.run.folder / f"copy{self.copies.looked}"
        frozen = await killing.freeze(network.pids)
        try:
            copy = await asyncio.to_thread(_copied, network.place, folder)
            await asyncio.sleep(0.05)  # acks that were under way are read
            acknowledged = traffic.ids()
        finally:
            killing.thaw(frozen)
        await self.copies.look(network.place, copy, acknowledged)
        await asyncio.to_thread(shutil.rmtree, folder)


def _copied(place: Place, folder: Path) -> Path:
    """Copy what a power cut leaves; the copy of the file, or the folder of the cluster's."""
    folder.mkdir()
    if isinstance(place, PostgresPlace):
        postgres.copied(place.cluster, folder)
        return folder
    if not isinstance(place, SqlitePlace):
        raise ProofError(f"nobody knows how to copy {place.url}")
    for ending in ("", "-wal"):  # the index in shared memory does not survive a power cut
        path = place.path.with_name(place.path.name + ending)
        if path.exists():
            shutil.copy(path, folder / path.name)
    return folder / place.path.name


async def measure(run: Run) -> Sequence[Figure]:
    """Cut the power at as many instants as were promised."""
    many = run.size(full=500, brief=20, tiny=2)
    cuts, acks = Cuts(run), 0
    counts: Counter[str] = Counter()
    while cuts.copies.looked < many:
        run.progress.goal("instants", many)
        last = min(many, cuts.copies.looked + TOGETHER)
        async with standing(run, roles=SPLIT, settings=SMALL) as network:
            seed = run.chance(f"traffic {cuts.copies.looked}")
            traffic = Traffic(network, seed, callers=CALLERS)
            await _together(cuts, last, traffic)
            acks += traffic.acknowledged
            counts.update(await judging.counted(traffic))
    return [
        at_least("instants", many, seen=cuts.copies.looked),
        *cuts.copies.figures(),
        told("acknowledged", f"{acks:,} messages"),
        *judging.figures(run, counts),
    ]


async def _together(cuts: Cuts, last: int, traffic: Traffic) -> None:
    """Instants on one network, which goes on after each and then lets everything end."""
    await traffic.start()
    while cuts.copies.looked < last:
        await traffic.flows()
        await cuts.cut(traffic.network, traffic)
        cuts.run.progress.at(
            cuts.copies.looked, f"{traffic.acknowledged:,} acks, {cuts.copies.lost} lost"
        )
    await traffic.stop()
    await judging.drain(traffic.network)


PART = Part(
    name="powercut",
    promise="Whenever the power goes, the files open, and hold all that was acknowledged.",
    databases=BOTH,
    run=measure,
)
