"""Clocks that are wrong: the server's and the database's, ten minutes ahead, ten behind, and back."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from time import monotonic, time

from bench.receiver import Headers
from hundi.kernel.clock import SECOND
from proof.ground import judging
from proof.ground.databases import PostgresPlace, ask
from proof.ground.network import SPLIT, Network, standing
from proof.ground.still import PENDING
from proof.ground.traffic import Traffic, told_id
from proof.part import BOTH, Figure, Part, ProofError, Run, at_least, at_most, none, told

FURTHEST = 600
"""Seconds off, either way."""
MOVING = 60.0
"""Seconds within which a network accepts and delivers after its clock was moved."""
NEAR = 10
"""Seconds that an ack's moment may lie beside the clock's: it was under way meanwhile."""
OPEN = 30
MOST_ASKED = 40
"""Beyond a hundred a proposal is asked each ten minutes only: too late for the end of the part."""
_NOT_YET = b"HTTP/1.1 200 OK\r\nRetry-After: 20\r\nContent-Length: %d\r\n\r\n%s" % (
    len(PENDING),
    PENDING,
)
_LIBRARY = "libfaketime.so.1"
_FIRST = {1: (FURTHEST, FURTHEST), 2: (-FURTHEST, -FURTHEST), 3: (FURTHEST, -FURTHEST)}
"""All the way, before dice are rolled."""
_SPREAD = "select (max(created_at) - min(created_at)) / 1000000 from exchange"
_BEGAN = "select created_at from exchange where req_msg_id = '{}'"
_EARLY = (
    "select (select count(*) from exchange where state = 'EXPIRED')"
    " + (select count(*) from delivery where state = 'PARKED')"
)


def false_clock(clock: Path) -> dict[str, str]:
    """What a process needs to read its date and time from a file. Steady clocks stay true."""
    found = sorted(Path("/usr/lib").glob(f"**/faketime/{_LIBRARY}"))
    if not found:
        raise ProofError(f"there is no {_LIBRARY} (on Debian: apt-get install faketime)")
    return {
        "LD_PRELOAD": str(found[0]),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_CACHE_DURATION": "1",
    }


class Undecided:
    """A receiver that needs more time for the first messages: these are open while the clocks move."""

    def __init__(self) -> None:
        self.asked: Counter[bytes] = Counter()
        self.deciding = False

    def judge(self, transport: asyncio.Transport, head: bytes, _body: bytes) -> bool:
        """Whether a webhook is answered as usual; the others are told to come again (`Systems.judge`)."""
        exchange = Headers(head).value(b"hundi-exchange")
        if self.deciding or b"/req-" not in head[: head.index(b"\r")]:
            return True
        if exchange not in self.asked and len(self.asked) >= OPEN:
            return True
        if self.asked[exchange] >= MOST_ASKED:
            return True
        self.asked[exchange] += 1
        transport.write(_NOT_YET)
        return False


class Clocks:
    """The server's clock and, on PostgreSQL, the database's; each is set by writing its file."""

    def __init__(self, folder: Path) -> None:
        self.server = folder / "server.clock"
        self.database = folder / "database.clock"
        self.both((0, 0))

    def both(self, seconds: tuple[int, int]) -> None:
        """Set the server's and the database's clock so many seconds off."""
        for clock, off in zip((self.server, self.database), seconds, strict=True):
            fresh = clock.with_suffix(".new")
            fresh.write_text(f"{off:+d}s\n")
            fresh.replace(clock)
            clock.chmod(0o644)


async def measure(run: Run) -> Sequence[Figure]:
    """Move the clocks, again and again, under traffic."""
    run.folder.chmod(0o711)
    clocks = Clocks(run.folder)
    false = false_clock(clocks.server)
    async with standing(run, roles=SPLIT, slow=0.05, environment=false) as network:
        await falsify(network, clocks)
        undecided = Undecided()
        network.systems.judge = undecided.judge
        traffic = Traffic(network, run.chance("traffic"), callers=8)
        await traffic.start()
        waits, kept = await _moved(run, traffic, clocks)
        undecided.deciding = True
        clocks.both((FURTHEST, FURTHEST))  # what waits for a time that was ahead is due now
        await asyncio.sleep(2)
        await traffic.stop()
        await judging.drain(network)
        [(early,)] = await ask(network.place.url, _EARLY)
        [(spread,)] = await ask(network.place.url, _SPREAD)
        return [
            at_least("moves of a clock, seen in the moment of what was acknowledged then", _moves(run),
                     seen=kept),
            at_least("from the earliest to the latest ack by the database's clock", FURTHEST,
                     seen=int(spread), unit="s"),
            at_most("accepts 20 more after a move, at most", MOVING, seen=max(waits), unit="s"),
            at_least("proposals kept open while the clocks moved", OPEN, seen=len(undecided.asked)),
            none("exchanges expired or webhooks parked before their ten days", early),
            *await judging.verdict(traffic),
            told("webhooks repeated, each under its first id", f"{network.systems.repeated:,}"),
        ]  # fmt: skip


async def falsify(network: Network, clocks: Clocks) -> None:
    """Have PostgreSQL read its date and time from its file, too."""
    place = network.place
    if isinstance(place, PostgresPlace):
        await place.kill()
        await place.come_back(false_clock(clocks.database))
        for server in network.servers:
            await server.ready()


def _moves(run: Run) -> int:
    return run.size(full=200, brief=16, tiny=3)


async def _moved(run: Run, traffic: Traffic, clocks: Clocks) -> tuple[list[float], int]:
    """Seconds until traffic flowed again, of each move; and how many moves the store shows."""
    chance, waits, kept = run.chance("clocks"), list[float](), 0
    run.progress.goal("moves of a clock", _moves(run))
    for move in range(1, _moves(run) + 1):
        off = _FIRST.get(move) or (_off(chance.random()), _off(chance.random()))
        clocks.both(off)
        await asyncio.sleep(1.2)  # the clock is read from its file once a second
        began = monotonic()
        await traffic.flows(more=20)
        waits.append(monotonic() - began)
        kept += await _kept(traffic, off[isinstance(traffic.network.place, PostgresPlace)])
        run.progress.at(move, f"{traffic.acknowledged:,} acks, clocks now {off} s off")
    return waits, kept


async def _kept(traffic: Traffic, off: int) -> bool:
    """Whether acks come whose exchange began when a clock says that is so many seconds off."""
    for _ in range(25):
        last = told_id(next(reversed(traffic.answers.values())))
        rows = await ask(traffic.network.place.url, _BEGAN.format(last))
        if any(abs(began / SECOND - time() - off) < NEAR for (began,) in rows):
            return True
        await asyncio.sleep(0.2)
    return False


def _off(roll: float) -> int:
    """Right, all the way to either side, or somewhere between."""
    if roll < 0.2:
        return 0
    return -FURTHEST if roll < 0.45 else FURTHEST if roll < 0.7 else round((roll - 0.85) * 4000)


PART = Part(
    name="clock",
    promise="With clocks ten minutes wrong, backwards too, nothing is lost, doubled or ended early.",
    databases=BOTH,
    run=measure,
)
