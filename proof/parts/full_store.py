"""The same calls on an empty store and on a full one: what they cost stays the same."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from time import perf_counter

from bench import hundi
from bench.orders import object_id
from bench.stage import percentile
from hundi.exchange.cursor import cursor
from proof.ground import judging
from proof.ground.calling import Line
from proof.ground.databases import ask
from proof.ground.driving import Driver
from proof.ground.filling import FIRST, Filler, copied_client
from proof.ground.network import SPLIT, Network, standing
from proof.part import (
    BOTH,
    POSTGRESQL,
    Figure,
    Length,
    Part,
    ProofError,
    Run,
    at_least,
    at_most,
    none,
    told,
)

FLAT = 1.5
V1 = "/network/v1"
CONTROL = "/readyz"
"""A call that asks the database and no table: how fast the machine is now. Filling tires it."""
ACK, TRIP = "ack, at 30 a second", "whole exchange, time of the server for each"
WRITES = {ACK, TRIP}
FEW = 120
"""Documents that an `empty` store has: more than a page."""
AMONG_FEW = 80
"""The number of a document behind which even an empty store has a full page."""
SOON = 50
"""Milliseconds for what looks through as much as one call may."""
LARGE = 10_000
"""Rows from which a table is not to be read from end to end."""
COPIED = 8
"""Tables that hold rows of each document that is written (`proof.ground.filling`)."""
_SCANNED = f"select relname, seq_tup_read from pg_stat_user_tables where n_live_tup >= {LARGE}"


async def reads(network: Network, *, number: int, times: int) -> dict[str, float]:
    """Milliseconds of each read, one after the other: its median.

    `number` is that of the document which is read, and behind which a page far down begins.
    """
    line, token = Line(network.ports[0]), (await network.tokens())["buyer"]
    before = await _typical(line, token, CONTROL, times=times)
    page = json.loads(await _get(line, token, f"{V1}/documents?limit=50"))
    events = json.loads(await _get(line, token, f"{V1}/events?limit=100"))
    name = f"documents/purchase-order/{object_id(number)}"
    paths = {
        "list": "documents?limit=50",
        "second page": f"documents?limit=50&cursor={page['cursor']}",
        "page far down": f"documents?limit=50&cursor={await _behind(network, number)}",
        "one document": name,
        "history": f"{name}/history",
        "feed, from its begin": "events?limit=100",
        "feed, further on": f"events?limit=100&cursor={events['cursor']}",
        "webhooks": "deliveries?limit=50",
    }
    seen = {
        what: await _typical(line, token, f"{V1}/{path}", times=times)
        for what, path in paths.items()
    }
    seen[CONTROL] = (before + await _typical(line, token, CONTROL, times=times)) / 2
    line.close()
    return seen


async def _behind(network: Network, number: int) -> str:
    """The cursor of the list of documents behind one of them."""
    key = "created_at, author_entity, type, object_id"
    text = f"select {key} from document where object_id = '{object_id(number)}'"
    [place] = await ask(network.place.url, text)
    return cursor("documents", *place)


async def _of_a_full_store(network: Network, *, times: int) -> dict[str, float]:
    """Milliseconds of what an empty store has nothing of: a filter in vain, a client of no trade."""
    line, buyer = Line(network.ports[0]), network.clients["buyer"]
    token = await hundi.token(network.ports[0], buyer)
    other = await hundi.token(network.ports[0], buyer | {"clientId": copied_client(0)})
    seen = {
        "a filter that finds nothing": await _typical(
            line, token, f"{V1}/documents?status=NONE", times=times
        ),
        "webhooks of a client without any": await _typical(
            line, other, f"{V1}/deliveries?limit=50", times=times
        ),
    }
    line.close()
    return seen


async def _typical(line: Line, token: str, path: str, *, times: int) -> float:
    spent = []
    for _ in range(times):
        began = perf_counter()
        await _get(line, token, path)
        spent.append(perf_counter() - began)
    return percentile(sorted(spent), 0.5) or 0.0


async def _get(line: Line, token: str, path: str) -> bytes:
    head = f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n\r\n"
    while True:
        answer = await line.call(head.encode())
        if answer is not None and answer.status == 429:
            await asyncio.sleep(0.2)
        elif answer is None or answer.status != 200:
            raise ProofError(f"{path}: {answer}")
        else:
            return answer.body


async def _writes(driver: Driver, seconds: float) -> dict[str, float]:
    """Milliseconds: the median ack of a light load, and a whole exchange of the heaviest."""
    light = await driver.arriving(30, seconds)
    heavy = await driver.exchanges(seconds)
    if not light.acks or not heavy.trips:
        raise ProofError("nothing ended while it was measured")
    return {
        ACK: percentile(light.acks, 0.5) or 0.0,
        TRIP: 1000 / heavy.trips_a_second,
    }


async def measure(run: Run) -> Sequence[Figure]:
    """Measure, fill, measure again."""
    documents = run.size(full=1_000_000, brief=50_000, tiny=1000)
    parties = run.size(full=10_000, brief=2000, tiny=100)
    seconds, times = run.size(full=20, brief=4, tiny=1), run.size(full=200, brief=40, tiny=20)
    async with standing(run, roles=SPLIT) as network:
        driver = Driver(network)
        await driver.arriving(FEW, 1)
        empty = await reads(network, number=AMONG_FEW, times=times) | await _writes(driver, seconds)
        await _filled(network, documents=documents, parties=parties)
        before = await _scanned(run, network)
        middle = FIRST + documents // 2
        full = await reads(network, number=middle, times=times) | await _writes(driver, seconds)
        alone = await _of_a_full_store(network, times=times)
        scans = await _scanned(run, network)
        promises = await judging.promises_broken(network)
    return [
        told("the full store", f"{documents:,} documents, {parties:,} parties more"),
        told(
            f"{CONTROL}, which reads no table: ms on the empty and on the full store",
            f"{empty[CONTROL]:.2f} and {full[CONTROL]:.2f}: all reads are held against it",
        ),
        *_ratios(empty, full),
        *(at_most(f"{what}, one call", SOON, seen=alone[what], unit="ms") for what in alone),
        none("broken promises of the full store", promises),
        *_plans(run, before, scans),
    ]


def _ratios(empty: Mapping[str, float], full: Mapping[str, float]) -> Iterator[Figure]:
    """Of reads, beside the control; of writes, which wait for the disk most of their time, as they are."""
    grown = {what: full[what] / empty[what] for what in empty}
    pace = grown.pop(CONTROL)
    for what, ratio in grown.items():
        of_writes = what in WRITES
        held = "" if of_writes else ", by the control"
        yield at_most(
            f"{what}: median {empty[what]:.2f} ms empty, {full[what]:.2f} ms full; ratio{held}",
            FLAT, seen=ratio if of_writes else ratio / pace,
        )  # fmt: skip


async def _filled(network: Network, *, documents: int, parties: int) -> None:
    for server in network.servers:
        await server.stop()
    filler = Filler(network)
    await filler.parties(parties)
    await filler.documents(documents)
    for server in network.servers:
        await server.start()


async def _scanned(run: Run, network: Network) -> dict[str, int]:
    """Rows read from end to end in large tables; PostgreSQL counts them, SQLite does not.

    A tiny store has no large tables.
    """
    if run.database != POSTGRESQL:
        return {}
    await asyncio.sleep(3)  # sessions tell their counts when they rest
    return dict(await ask(network.place.url, _SCANNED))


def _plans(run: Run, before: Mapping[str, int], after: Mapping[str, int]) -> list[Figure]:
    if run.database != POSTGRESQL:
        return []
    read = {name: after[name] - before.get(name, 0) for name in after}
    names = ", ".join(name for name, rows in read.items() if rows) or "none"
    scanned = none(f"rows read by scans of large tables ({names})", sum(read.values()))
    if run.length is Length.TINY:
        return [scanned]
    return [at_least("large tables watched", COPIED, seen=len(read)), scanned]


PART = Part(
    name="full-store",
    promise="Calls cost the same with 1,000,000 documents and 10,000 parties in the store.",
    databases=BOTH,
    run=measure,
)
