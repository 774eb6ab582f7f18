"""Backups taken while serving: `hundi db backup` of a file, `pg_basebackup` of a cluster."""

import asyncio
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from proof.ground import judging, killing
from proof.ground.copies import Copies
from proof.ground.databases import PostgresPlace
from proof.ground.network import SPLIT, Network, standing
from proof.ground.traffic import Traffic
from proof.part import BOTH, Figure, Part, ProofError, Run, at_least
from tests import postgres


async def measure(run: Run) -> Sequence[Figure]:
    """Back up again and again under traffic; a copy holds what was acknowledged before it began."""
    many = run.size(full=100, brief=8, tiny=2)
    copies = Copies(run)
    async with standing(run, roles=SPLIT) as network:
        traffic = Traffic(network, run.chance("traffic"), callers=8)
        await traffic.start()
        run.progress.goal("backups", many)
        while copies.looked < many:
            await traffic.flows(more=20)
            await _one(network, traffic, copies)
            run.progress.at(copies.looked, f"{traffic.acknowledged:,} acks, {copies.lost} lost")
        await traffic.stop()
        await judging.drain(network)
        return [
            at_least("backups while serving", many, seen=copies.looked),
            *copies.figures(),
            *await judging.verdict(traffic),
        ]


async def _one(network: Network, traffic: Traffic, copies: Copies) -> None:
    folder = network.run.folder / f"backup{copies.looked}"
    folder.mkdir()
    acknowledged, place = traffic.ids(), network.place
    if isinstance(place, PostgresPlace):
        await asyncio.to_thread(_base_backup, place, folder)
        copy = folder
    else:
        copy = folder / "copy.db"
        acknowledged = await _backed_up(network, traffic, copy, still=copies.looked % 2 == 0)
    await copies.look(place, copy, acknowledged)
    await asyncio.to_thread(shutil.rmtree, folder)


async def _backed_up(network: Network, traffic: Traffic, copy: Path, *, still: bool) -> set[str]:
    """Back a file up while its server serves, or stands still; what was acknowledged before.

    One that serves moves its log into the file before long, and a copy of the file alone would do.
    """
    frozen = await killing.freeze(network.pids) if still else []
    try:
        await asyncio.sleep(0.05)  # acks that were under way are read
        acknowledged = traffic.ids()
        await network.hundi.run("db", "backup", str(copy))
    finally:
        killing.thaw(frozen)
    return acknowledged


def _base_backup(place: PostgresPlace, folder: Path) -> None:
    there = ("-h", "127.0.0.1", "-p", str(place.cluster.port), "-U", postgres.USER)
    program = place.cluster.programs / "pg_basebackup"
    command = [str(program), *there, "-D", str(folder / "data"), "-X", "stream", "-c", "fast"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise ProofError(f"pg_basebackup: {done.stderr.strip()}")
    postgres.own(folder)


PART = Part(
    name="backup",
    promise="A backup taken while serving opens, and holds all that was acknowledged before it.",
    databases=BOTH,
    run=measure,
)
