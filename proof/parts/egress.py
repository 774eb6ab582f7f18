"""Where a webhook may not go, in every spelling, shown by the attempts that the dispatcher writes.

No packet leaves: an address that passes every look is noted at the last one, and no socket is made.
"""

import asyncio
import errno
import secrets
import socket
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from ipaddress import ip_address

import sqlalchemy as sa
from aiohttp.abc import AbstractResolver, ResolveResult

from bench import orders
from hundi.delivery.breaker import Breaker
from hundi.delivery.dispatch import Dispatcher
from hundi.delivery.egress import EgressGuard, GuardedResolver, system_look_up
from hundi.delivery.wire import HttpWire
from hundi.documents import MESSAGES
from hundi.exchange import tables
from hundi.exchange.gate import Road
from hundi.exchange.outbox import AttemptResult, Outbox
from hundi.exchange.request import Accepted, read_request
from hundi.kernel.clock import wall_clock
from hundi.kernel.sealing import Keyring
from hundi.store.engine import Database
from hundi.store.opening import open_database
from proof.ground import branches
from proof.ground.branches import Branch
from proof.ground.databases import Place, ask, opened
from proof.ground.network import Network
from proof.ground.receiving import Systems
from proof.part import BOTH, Figure, Part, ProofError, Run, at_least, none, told
from tests.delivery.addresses import (
    ALLOWED_URLS,
    PUBLIC_ADDRESSES,
    REFUSED_ADDRESSES,
    REFUSED_URLS,
)

HARMLESS = "8.8.8.8"
NAMES_KEPT = 10.5
"""Seconds after which the wire asks for a name again."""
_ATTEMPTS = (
    "select d.client_id, a.number, a.status, a.reached, a.outcome, a.reason from attempt a"
    " join delivery d on d.webhook_id = a.webhook_id where a.ended_at is not null"
)


@dataclass(frozen=True, slots=True)
class Form:
    """An endpoint, and what its name resolves to, look-up after look-up; None: as the system says.

    `behind` hands the address over without the resolver's judgement, as a broken one would.
    """

    url: str
    found: tuple[tuple[str, ...], ...] | None = ((HARMLESS,),)
    refused: tuple[bool, bool] = (True, True)
    behind: bool = False


def forms() -> list[Form]:
    """Everything that may not be called, and what may."""
    made = [Form(url) for url, _ in REFUSED_URLS if "\0" not in url]
    bad = [address for address, _ in REFUSED_ADDRESSES]
    for n, address in enumerate(bad):
        host = f"[{address}]" if ":" in address else address
        made.append(Form(f"https://{host}/hundi"))
        made.append(Form(f"https://n{n}.example/hundi", ((address,),)))
        made.append(Form(f"https://m{n}.example/", ((HARMLESS, address), (address, HARMLESS))))
        made.append(Form(f"https://b{n}.example/", ((address,),), behind=True))
        rebinding = ((HARMLESS,), (address,))
        made.append(Form(f"https://r{n}.example:8443/", rebinding, refused=(False, True)))
    made += [Form(f"https://{name}/", None) for name in ("localhost", "LOCALHOST")]
    rooted = ("localhost.", "localhost.localdomain", "ip6-localhost", "127.0.0.1.nip.example")
    made += [Form(f"https://{name}/", (("127.0.0.1",),)) for name in rooted]
    fine = (False, False)
    made += [
        Form(url, refused=fine)
        for url in ALLOWED_URLS
        if not {"localhost", "127.0.0.1.nip.example"} & {url.split("/")[2]}
    ]
    made += [
        Form(f"https://p{n}.example/", ((address,),), refused=fine)
        for n, address in enumerate(PUBLIC_ADDRESSES)
    ]
    return made


@dataclass(frozen=True, kw_only=True)
class Watchman(EgressGuard):
    """The guard as it stands; what it lets pass is noted, and goes no further."""

    passed: list[str] = field(default_factory=list)

    def socket_to(self, target: tuple[int, int, int, str, tuple[str | int, ...]]) -> socket.socket:
        """Raises EgressRefusedError as the guard does, OSError for what it lets pass."""
        super().socket_to(target).close()
        self.passed.append(str(target[4][0]))
        raise OSError(errno.ENETUNREACH, "Network is unreachable")


class Names:
    """A name service of our own. `asked` counts the look-ups of each name."""

    def __init__(self, known: Mapping[str, Form]) -> None:
        self._known = known
        self.asked: Counter[str] = Counter()

    def look_up(self, host: str, port: int) -> Sequence[tuple[socket.AddressFamily, str]]:
        """The answer whose turn it is."""
        form = self._known.get(host)
        if form is None or form.found is None:
            return system_look_up(host, port) if form else [(socket.AF_INET, HARMLESS)]
        answer = form.found[min(self.asked[host], len(form.found) - 1)]
        self.asked[host] += 1
        return [(socket.AF_INET6 if ":" in one else socket.AF_INET, one) for one in answer]


class Unjudging(AbstractResolver):
    """Judges nothing for names that are to be caught at the last look, after the first one."""

    def __init__(self, guarded: GuardedResolver, names: Names, known: Mapping[str, Form]) -> None:
        self._guarded, self._names, self._known = guarded, names, known

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """What the name service says."""
        if host not in self._known or not self._known[host].behind:
            return await self._guarded.resolve(host, port, family)
        return [
            ResolveResult(hostname=host, host=address, port=port, family=known, proto=0, flags=0)
            for known, address in self._names.look_up(host, port)
        ]

    async def close(self) -> None:
        """Give the threads up."""
        await self._guarded.close()


class _Nobody:
    def attempted(self, result: AttemptResult, now: int) -> None:
        """Nobody counts here."""


def _host(form: Form) -> str:
    return form.url.partition("//")[2].partition("/")[0].partition(":")[0].lower()


@asynccontextmanager
async def dispatching(
    database: Database, known: Mapping[str, Form]
) -> AsyncIterator[tuple[Dispatcher, Road, Watchman]]:
    """The road and a dispatcher over the database, guarded as `hundi serve` is without `--dev`."""
    usual = EgressGuard.for_mode(dev=False)
    guard = Watchman(
        allow_http=usual.allow_http, allow_loopback=usual.allow_loopback, any_port=usual.any_port
    )
    names = Names(known)
    resolver = Unjudging(GuardedResolver(guard, look_up=names.look_up), names, known)
    wire = HttpWire(guard, resolver=resolver)
    road = Road(database, MESSAGES, random=secrets.token_bytes, accepted=lambda: None)
    try:
        yield (
            Dispatcher(
                database=database, outbox=Outbox(road.settler), wire=wire,
                breaker=Breaker(random=secrets.token_bytes), observer=_Nobody(),
                keyring=Keyring(), clock=wall_clock, random=secrets.token_bytes,
            ),
            road,
            guard,
        )  # fmt: skip
    finally:
        await wire.close()


async def _send(road: Road, seats: Mapping[str, Branch], client_id: str) -> None:
    """One order to each branch."""
    body = orders.send()
    for number, branch in enumerate(seats.values(), 1):
        about = body.replace(orders.SUPPLIER.encode(), branch.b2b_id.encode())
        raw = about.replace(orders.MARK.encode(), b"%032d" % number)
        message = road.messages["purchase-order/req-send"]
        request = read_request(message, raw, client_id=client_id, idempotency_key=None)
        outcome = await road.submit(request)
        if not isinstance(outcome, Accepted):
            raise ProofError(f"an order to {branch.name} was not accepted: {outcome}")


async def _round(dispatcher: Dispatcher) -> int:
    """One attempt at everything; how many there were."""
    database, tried = dispatcher.database, 0
    due = sa.update(tables.delivery).where(tables.delivery.c.state == "QUEUED").values(due_at=0)
    await database.write(lambda tx: tx.execute(due))
    while leased := await dispatcher.claim(Counter(), 128):
        results = await asyncio.gather(*(dispatcher.attempt(one) for one in leased))
        await database.write(partial(dispatcher.outbox.finish, results=results))
        tried += len(leased)
    return tried


async def _enrolled(run: Run, place: Place) -> Network:
    """Both businesses, and nobody who serves: the buyer's system is never called."""
    network = Network(run, place, Systems(run.chance("systems")))
    await network.systems.start()
    await network.enrol()
    await network.systems.stop()
    return network


async def measure(run: Run) -> Sequence[Figure]:
    """Two attempts at each form, with the name service asked anew in between."""
    made = {f"E{n}": form for n, form in enumerate(forms())}
    run.progress.goal("attempts", 2 * len(made))
    async with opened(run) as place:
        network = await _enrolled(run, place)
        urls = {name: form.url for name, form in made.items()}
        seats = await branches.seat(network, urls, role="supplier")
        database = await open_database(place.url, wall_clock)
        try:
            known = {_host(form): form for form in made.values()}
            async with dispatching(database, known) as (dispatcher, road, guard):
                await _send(road, seats, network.clients["buyer"]["clientId"])
                tried = await _round(dispatcher)
                run.progress.at(tried, "first look-ups")
                await asyncio.sleep(NAMES_KEPT)
                run.progress.at(tried + await _round(dispatcher), "second look-ups")
        finally:
            await database.close()
        rows = await ask(place.url, _ATTEMPTS)
    return _figures(run, {seats[n].client_id: f for n, f in made.items()}, rows=rows, guard=guard)


def _figures(
    run: Run, made: Mapping[str, Form], *, rows: Sequence[Sequence[object]], guard: Watchman
) -> Sequence[Figure]:
    wrong, seen = [], Counter[str]()
    for client_id, number, status, reached, outcome, reason in rows:
        form = made[str(client_id)]
        refused = form.refused[int(str(number)) - 1]
        blocked = str(reason).startswith("egress: ")
        seen["blocked" if blocked else "passed"] += 1
        if blocked != refused or reached or status is not None or outcome != "FAILED":
            wrong.append(f"{form.url[:80]} {form.found}: attempt {number} {outcome} {reason}")
    for complaint in wrong[:40]:
        run.progress.say(complaint)
    private = [address for address in guard.passed if not ip_address(address).is_global]
    refused_forms = sum(form.refused == (True, True) for form in made.values())
    shown = f": {wrong[0]}" if wrong else ""
    return [
        at_least("forms that may not be called", 60, seen=refused_forms),
        at_least("names that change their answer between two attempts", 1,
                 seen=sum(form.refused == (False, True) for form in made.values())),
        at_least("attempts", 2 * len(made), seen=len(rows)),
        none(f"attempts not refused that had to be, refused that had not, or reached{shown}",
             len(wrong)),
        none("sockets for addresses that are not global", len(private)),
        told("attempts blocked, and let pass to where a socket would be made",
             f"{seen['blocked']:,} and {seen['passed']:,}"),
    ]  # fmt: skip


PART = Part(
    name="egress",
    promise="No spelling of an address leads a webhook to a place that is not public.",
    databases=BOTH,
    run=measure,
)
