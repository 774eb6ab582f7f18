"""What a server needs is taken from it: room on the disk, file handles, its database."""

import asyncio
import resource
import shutil
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    asynccontextmanager,
    closing,
    contextmanager,
    suppress,
)
from pathlib import Path
from time import monotonic
from typing import IO, NoReturn

from hundi.store import sqlite
from proof.ground import judging, killing
from proof.ground.calling import Answer, Line
from proof.ground.databases import PostgresPlace, SqlitePlace
from proof.ground.network import Network, standing
from proof.ground.traffic import Traffic
from proof.part import BOTH, Figure, Part, ProofError, Run, at_least, at_most, none, told

CALLERS = 6
PAUSE = 0.1
"""Seconds: the disk is to fill when it is meant to, not of what is stored."""
RECOVERED = 30.0
"""Seconds within which a server accepts again, by itself, after what it lacked is there."""
NEWCOMER_SECONDS = 4
DISK = {"sqlite": "128m", "postgresql": "384m"}
SMALL = {"max_wal_size": "64MB", "min_wal_size": "32MB", "shared_buffers": "32MB"}
_READY = b"GET /readyz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n"

Trouble = Callable[[Network], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def full_disk(network: Network) -> AsyncIterator[None]:
    """Fill the disk under the database to its last byte. On PostgreSQL its server may end of it."""
    filler = network.run.folder / "small" / "filler"
    await asyncio.to_thread(_fill, filler)
    try:
        yield
    finally:
        filler.unlink()
        await _supervised(network)


def _fill(filler: Path) -> None:
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            with suppress(OSError):
                _write_on(file, b"\0" * size)


def _write_on(file: IO[bytes], content: bytes) -> NoReturn:
    while True:
        file.write(content)


def _open_files(pid: int) -> int:
    """One more than the highest number that a file of a process has."""
    return max(int(path.name) for path in Path(f"/proc/{pid}/fd").iterdir()) + 1


async def _supervised(network: Network) -> None:
    """Start a PostgreSQL again that gave up for want of room, as its supervisor would."""
    place = network.place
    if not isinstance(place, PostgresPlace):
        return
    await asyncio.sleep(1)
    if place.ended:
        network.run.progress.say("PostgreSQL had ended for want of room, and was started again")
        await place.kill()
        await place.come_back()


@asynccontextmanager
async def no_handles(network: Network) -> AsyncIterator[None]:
    """Allow the server not one file, connection or pipe more than it has open now."""
    [pid] = [server.pid for server in network.servers]
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (_open_files(pid), before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


@asynccontextmanager
async def gone(network: Network) -> AsyncIterator[None]:
    """PostgreSQL killed, and back on its port at the end; a file is held by another process."""
    place = network.place
    if isinstance(place, SqlitePlace):
        with closing(sqlite.connect(str(place.path))) as other:
            other.execute("begin immediate")
            yield
            other.execute("rollback")
        return
    await place.kill()
    try:
        yield
    finally:
        await place.come_back()


@asynccontextmanager
async def silent(network: Network) -> AsyncIterator[None]:
    """PostgreSQL keeps its connections and answers nothing."""
    frozen = await killing.freeze(network.place.processes)
    try:
        yield
    finally:
        killing.thaw(frozen)


@contextmanager
def small_disk(run: Run) -> Iterator[Path]:
    """A disk of a few megabytes. Raises ProofError where none can be mounted."""
    folder = run.folder / "small"
    folder.mkdir()
    run.folder.chmod(0o711)
    mount = ("mount", "-t", "tmpfs", "-o", f"size={DISK[run.database]},mode=0711", "none")
    made = subprocess.run([*mount, str(folder)], check=False, capture_output=True, text=True)
    if made.returncode != 0:
        raise ProofError(f"a full disk takes a small one, to be mounted by root: {made.stderr}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


class Scenes:
    """Plays one trouble after the other under the same traffic, and keeps the figures."""

    def __init__(self, traffic: Traffic, *, hold: float) -> None:
        self.traffic = traffic
        self.hold = hold
        self.figures: list[Figure] = []

    async def play(self, name: str, trouble: Trouble, *, refuses: bool) -> None:
        """One trouble. `refuses`: nothing can be accepted in it; else new connections find no place."""
        traffic = self.traffic
        await traffic.flows(more=20)
        before, cut = traffic.statuses.copy(), traffic.unanswered
        async with trouble(traffic.network):
            await self._hold(before["503"] + 1 if refuses else 0)
            newcomers, unannounced = await self._newcomers()
            seen = traffic.statuses - before
            unanswered = traffic.unanswered - cut
        seconds = await self._recovered()
        others = {status: n for status, n in seen.items() if status != "503"}
        if refuses:
            self.figures.append(
                at_least(f"{name}: refused with 503 and Retry-After", 1, seen=seen["503"])
            )
        else:
            self.figures.append(
                at_least(f"{name}: new connections answered 503", 1, seen=newcomers.count(503))
            )
        self.figures += [
            none(f"{name}: 503 without Retry-After, or other refusals {others or ''}".rstrip(),
                 sum(others.values())),
            none(f"{name}: requests without any answer", unanswered),
            at_most(f"{name}: accepts again by itself after", RECOVERED, seen=seconds, unit="s"),
            none(f"{name}: new connections without any answer", newcomers.count(0)),
            none(f"{name}: new connections answered 503 without Retry-After", unannounced),
            told(f"{name}: new connections meanwhile", _listed(newcomers)),
        ]  # fmt: skip

    async def _hold(self, refusals: int) -> None:
        """Let the trouble last, at least until there were so many refusals in all."""
        deadline = monotonic() + 60
        await asyncio.sleep(self.hold)
        while self.traffic.statuses["503"] < refusals and monotonic() < deadline:
            self.traffic.check()
            await asyncio.sleep(0.1)

    async def _newcomers(self) -> tuple[Sequence[int], int]:
        """What callers on new connections are answered, 0 for nothing; how many 503 do not say until when."""
        [port] = self.traffic.network.ports
        told = await asyncio.gather(*(_newcomer(port) for _ in range(10)))
        silent = [
            one for one in told if one and one.status == 503 and "retry-after" not in one.headers
        ]
        return [one.status if one else 0 for one in told], len(silent)

    async def _recovered(self) -> float:
        began = monotonic()
        await self.traffic.flows(more=20, seconds=90)
        return monotonic() - began


async def _newcomer(port: int) -> Answer | None:
    line = Line(port)
    try:
        async with asyncio.timeout(NEWCOMER_SECONDS):
            return await line.call(_READY)
    except TimeoutError:
        return None
    finally:
        line.close()


def _listed(statuses: Sequence[int]) -> str:
    return ", ".join(
        f"{statuses.count(one)} times {one or 'no answer'}" for one in sorted(set(statuses))
    )


async def measure(run: Run) -> Sequence[Figure]:
    """Play every trouble that the database can have, each time over on a fresh network."""
    rounds, troubles = run.size(full=20, brief=2, tiny=1), _troubles(run)
    found: list[Figure] = []
    counts: Counter[str] = Counter()
    with small_disk(run) as disk:
        for place in range(rounds):
            async with standing(run, under=disk, settings=SMALL) as network:
                run.progress.goal("rounds", rounds)
                run.progress.at(place)
                traffic = Traffic(network, run.chance(f"{place}"), callers=CALLERS, pause=PAUSE)
                found += await _round(traffic, troubles)
                counts.update(await judging.counted(traffic))
            for left in disk.iterdir():
                await asyncio.to_thread(shutil.rmtree, left, ignore_errors=True)
    return [*_worst(found), *judging.figures(run, counts)]


async def _round(
    traffic: Traffic, troubles: Sequence[tuple[str, Trouble, bool]]
) -> Sequence[Figure]:
    run = traffic.network.run
    scenes = Scenes(traffic, hold=run.size(full=15, brief=8, tiny=1))
    await traffic.start()
    for name, trouble, refuses in troubles:
        run.progress.say(name)
        await scenes.play(name, trouble, refuses=refuses)
    await traffic.stop()
    await judging.drain(traffic.network)
    return scenes.figures


def _troubles(run: Run) -> list[tuple[str, Trouble, bool]]:
    both: list[tuple[str, Trouble, bool]] = [
        ("disk full", full_disk, True),
        ("no file handles", no_handles, False),
    ]
    if run.database == "sqlite":
        return [*both, ("file held by another process", gone, True)]
    return [*both, ("database killed", gone, True), ("database silent", silent, True)]


def _worst(figures: Sequence[Figure]) -> Sequence[Figure]:
    """Of each name the figure that was missed, or else the last."""
    kept: dict[str, Figure] = {}
    for figure in figures:
        if figure.what not in kept or kept[figure.what].reached:
            kept[figure.what] = figure
    return list(kept.values())


PART = Part(
    name="starved",
    promise="Disk full, no file handles, no database: 503, never a false ack, and it comes right.",
    databases=BOTH,
    run=measure,
)
