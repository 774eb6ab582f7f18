"""Marked secrets under load, crashes and refusals; then every line, span and page is searched for them.

The network tells all it can: debug logs, traces, metrics. Its receivers repeat secrets in what they
answer, its callers put them in every wrong place, its tables vanish under it, its processes are killed.
"""

import asyncio
import os
import re
import secrets
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.hundi import token
from hundi.store.opening import sqlite_path
from proof.ground import marks
from proof.ground.calling import Line
from proof.ground.databases import ask, opened
from proof.ground.network import SPLIT, Network
from proof.ground.receiving import Systems
from proof.ground.servers import Server
from proof.ground.traffic import Traffic
from proof.part import BOTH, POSTGRESQL, Figure, Part, Run, at_least, none, told
from tests.observing.collector import Collector, collecting, in_clear
from tests.postgres import binaries

LOUD = "debug, asyncio=debug, aiohttp=debug, uvicorn=debug, sqlalchemy=debug, alembic=debug"
TABLES = ("body", "exchange", "client", "access_token", "token_guard", "registration")
"""They vanish one after the other: what was on its way to one stands in the error."""
COMMANDS = (
    ("client", "list"), ("party", "list"), ("journal", "verify"), ("invariants",),
    ("secrets", "rotate"),
)  # fmt: skip
_FRACTION = re.compile(r" [0-9]+\.[0-9]+(?:e[+-]?[0-9]+)?$", re.MULTILINE)
_FORMS_OF_SECRETS = ("clientSecret", "password", "webhookSecret")


@dataclass
class Watch:
    """What was told, by kind, and what must not stand in it: `kept` anywhere, `owned` in no answer."""

    network: Network
    collector: Collector
    kept: list[str] = field(default_factory=list)
    owned: list[str] = field(default_factory=list)
    metrics: list[str] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)
    dumped: list[str] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    answers: int = 0
    kills: int = 0
    token: str = ""
    together: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(16))

    def keep(self, *texts: str, owned: bool = True) -> None:
        """Remember secrets, in each form in which they may be written."""
        found = [one for text in texts for one in marks.forms(text)]
        self.kept += found
        if owned:
            self.owned += found

    def told(self) -> dict[str, list[str]]:
        """All that an operator's tools are given."""
        logs = sorted(self.network.run.folder.glob("*.log"))
        return {
            "log lines": [path.read_text(errors="replace") for path in logs],
            "spans": [raw.decode("latin-1") for raw in self.collector.raw],
            # A measured sum has so many digits that one day a phone number is among them.
            "metric pages": [_FRACTION.sub(" 0", page) for page in self.metrics],
        }

    async def bother(self, texts: Sequence[str]) -> None:
        """Everything wrong that a caller can do with these texts."""
        requests = [one for text in texts for one in marks.misplaced(text, self.token)]
        await asyncio.gather(*map(self.send, requests))
        await self._look_at_metrics()

    async def send(self, request: bytes) -> None:
        """One request on a connection of its own; what its answer tells of others is noted."""
        async with self.together:
            line = Line(self.network.ports[0])
            answer = await line.call(request)
            line.close()
        if answer is None:
            return
        self.answers += 1
        head = "\n".join(f"{name}: {value}" for name, value in answer.headers.items()).encode()
        found = marks.shown(head + b"\n" + answer.body, sent=request, kept=self.owned)
        self.answered += [f"{one}: {answer.body[:200]!r}" for one in found]

    async def _look_at_metrics(self) -> None:
        line = Line(self.network.ports[0])
        answer = await line.call(marks.call("GET", "/metrics"))
        line.close()
        if answer is not None:
            self.metrics.append(answer.body.decode())

    async def command(self, *arguments: str) -> None:
        """What a command prints, whether it succeeds or not."""
        network = self.network
        process = await asyncio.create_subprocess_exec(
            str(network.program), *arguments,
            env=os.environ | network.hundi.environment() | dict(network.environment),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        output, _ = await process.communicate()
        self.printed.append(output.decode(errors="replace"))

    async def kill(self, server: Server) -> None:
        """End a server as a power cut would, and start it again."""
        self.kills += 1
        await server.kill()
        await server.start()


@asynccontextmanager
async def watched(run: Run) -> AsyncIterator[Watch]:
    """A network that tells everything, with secrets in all its settings."""
    with collecting() as collector:
        async with opened(run) as place:
            network = Network(run, place, Systems(run.chance("systems")))
            await network.systems.start()
            try:
                watch = Watch(network, collector)
                await _set_up(watch)
                yield watch
            finally:
                await asyncio.gather(*(server.stop() for server in network.servers))
                await network.systems.stop()


async def _set_up(watch: Watch) -> None:
    network = watch.network
    await network.enrol()
    rail, password, header = (f"Mk{secrets.token_hex(12)}Z" for _ in range(3))
    network.environment = {
        "HUNDI_LOG": LOUD,
        "HUNDI_LOG_FORMAT": "json",
        "HUNDI_CONTACT_TOKEN": rail,
        "OTEL_EXPORTER_OTLP_ENDPOINT": watch.collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        # The cluster asks for no password, and is told one all the same.
        "HUNDI_DATABASE_URL": network.place.url.replace("hundi@", f"hundi:{password}@"),
    }
    watch.keep(rail, password, header, network.hundi.environment()["HUNDI_SECRET_KEYS"])
    supplier = str(network.clients["supplier"]["clientId"])
    static = ("--header", f"X-Api-Key: {header}")
    await network.hundi.run("client", "set", "--client", supplier, *static, "--json")
    for client in network.clients.values():
        watch.keep(*(str(client[name]) for name in _FORMS_OF_SECRETS))
        watch.keep(marks.pair(str(client["clientId"]), str(client["clientSecret"])))
    for role in SPLIT if network.run.database == POSTGRESQL else ("all",):
        await network.seat(role).start()
    watch.token = await token(network.ports[0], network.clients["buyer"])
    watch.keep(watch.token)
    watch.keep(*marks.PERSONAL, owned=False)
    enrolled = ("ZZZCI2701K", "ZZZFM3301Q", "9000000001", "9000000002", "accounts@loom.example.com")
    watch.keep(*enrolled, owned=False)


def _chatty(watch: Watch) -> None:
    """One webhook in eight is answered by an ERP that says more than it should."""
    dice = watch.network.run.chance("chatty")

    def judge(transport: asyncio.Transport, head: bytes, _body: bytes) -> bool:
        if dice.randrange(8):
            return True
        words = f"{marks.PAN} {marks.ACCOUNT} {watch.token} ".encode() + head[-400:].replace(
            b"\r\n", b" "
        )
        reason = f"{marks.PAN} {marks.ACCOUNT}".encode()
        answers = (
            b"HTTP/1.1 500 %b\r\ncontent-length: %d\r\n\r\n%b" % (reason, len(words), words),
            b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(words), words),
            b"HTTP/1.1 200 %b\r\nX %b\r\n\r\n" % (reason, reason),
            b"%b\r\n\r\n" % words,
        )
        transport.write(dice.choice(answers))
        transport.close()
        return False

    watch.network.systems.judge = judge


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(path, timeout=20, isolation_level=None)) as connection:
        connection.execute("begin immediate")
        yield
        connection.execute("rollback")


async def _without_database(watch: Watch, texts: Sequence[str]) -> None:
    """The database is gone, or held by another process, while callers and operators go on."""
    place = watch.network.place
    path = sqlite_path(place.url)
    if path is not None:
        with _locked(path):
            await watch.bother(texts)
        return
    await place.kill()
    await asyncio.gather(watch.bother(texts), watch.command("client", "list"))
    await place.come_back()


async def _without_a_table(watch: Watch, table: str, texts: Sequence[str]) -> None:
    url = watch.network.place.url
    await ask(url, f"alter table {table} rename to {table}_away")
    try:
        await watch.bother(texts)
        for client in watch.network.clients.values():
            secret = marks.pair(str(client["clientId"]), str(client["clientSecret"]))
            form = "content-type: application/x-www-form-urlencoded"
            await watch.send(
                marks.call("POST", "/oauth/token", f"authorization: Basic {secret}", form,
                           body=b"grant_type=client_credentials")
            )  # fmt: skip
        if table == "client":
            await watch.command("client", "list")
    finally:
        await ask(url, f"alter table {table}_away rename to {table}")


async def _play(watch: Watch) -> Traffic:
    run, network = watch.network.run, watch.network
    cycles = run.size(full=20, brief=4, tiny=1)
    share = run.size(full=150, brief=50, tiny=10)
    mine = [watch.token, str(network.clients["buyer"]["clientSecret"])]
    texts = [*marks.PERSONAL, *mine, str(network.clients["supplier"]["webhookSecret"])]
    texts = texts if run.size(full=1, brief=1, tiny=0) else [marks.PAN, mine[0]]
    run.progress.goal("crashes", cycles + len(TABLES))
    traffic = Traffic(network, run.chance("traffic"), callers=4)
    await traffic.start()
    await traffic.flows(more=share, seconds=120)
    # Before anybody writes secrets where only his own words should stand: those are kept as they came.
    watch.dumped.append(await asyncio.to_thread(_dump, network.place.url))
    _chatty(watch)
    await watch.bother(texts)
    for cycle in range(cycles):
        some = texts[cycle % len(texts) :][:2]
        await traffic.flows(more=share, seconds=120)
        await watch.kill(network.servers[cycle % len(network.servers)])
        await _without_database(watch, some)
        await watch.bother(some)
        run.progress.at(cycle + 1, f"{watch.answers:,} answers to misplaced secrets")
    await traffic.stop()
    for number, table in enumerate(TABLES, 1):
        await _without_a_table(watch, table, texts[number % len(texts) :][:1])
        run.progress.at(cycles + number, f"without {table}")
    for command in COMMANDS:
        await watch.command(*command)
    return traffic


def _dump(url: str) -> str:
    """All that the store holds, as whoever has stolen it reads it."""
    path = sqlite_path(url)
    if path is not None:
        files = (path, path.with_name(f"{path.name}-wal"))
        return "".join(one.read_bytes().decode("latin-1") for one in files if one.exists())
    folder = binaries()
    command = [str(folder / "pg_dump") if folder else "pg_dump", url]
    return subprocess.run(command, check=True, capture_output=True).stdout.decode("latin-1")


async def measure(run: Run) -> Sequence[Figure]:
    """Load, crashes, and then the search."""
    async with watched(run) as watch:
        traffic = await _play(watch)
        await asyncio.sleep(2)
        for server in watch.network.servers:
            await server.stop()
        return await asyncio.to_thread(_figures, watch, traffic)


def _figures(watch: Watch, traffic: Traffic) -> Sequence[Figure]:
    kept, output = list(dict.fromkeys(watch.kept)), watch.told()
    found = {kind: in_clear(texts, kept) for kind, texts in output.items()}
    found["answers to others"] = watch.answered
    found["lines of commands"] = in_clear(watch.printed, watch.owned)
    found["lines of a dump"] = in_clear(watch.dumped, watch.owned)
    for kind, lines in found.items():
        for line in dict.fromkeys(lines[:10]):
            watch.network.run.progress.say(f"{kind}: {line}")
    text = "\n".join(output["log lines"])
    return [
        *(none(f"{kind} with a secret in clear", len(lines)) for kind, lines in found.items()),
        at_least("planted secrets that the search finds, of each form", len(kept) * len(output),
                 seen=_planted(output, kept)),
        at_least("bytes of the dump", 100_000, seen=len(watch.dumped[0])),
        at_least("log lines", 100, seen=text.count("\n")),
        at_least("log lines with a masked text", 10,
                 seen=sum("xxxxx" in line or "***" in line for line in text.splitlines())),
        # A table that is gone is told as a database that is: 503, and a line without a traceback.
        told("tracebacks in them", f"{text.count('Traceback')}"),
        at_least("spans", 100, seen=len(watch.collector.spans)),
        at_least("metric pages", 2, seen=len(watch.metrics)),
        at_least("answers to misplaced secrets", 50, seen=watch.answers),
        at_least("outputs of commands", len(COMMANDS), seen=len(watch.printed)),
        told("acknowledged meanwhile", f"{traffic.acknowledged:,}"),
        told("kills", f"{watch.kills} of servers"),
    ]  # fmt: skip


def _planted(output: dict[str, list[str]], kept: Sequence[str]) -> int:
    """How many secrets are found when each is put once in the midst of each kind of text."""
    seen = 0
    for texts in output.values():
        text = max(texts, key=len, default="")[-2000:]
        seen += sum(bool(in_clear([f"{text[:900]}{one}{text[900:]}"], [one])) for one in kept)
    return seen


PART = Part(
    name="leaks",
    promise="No secret, token, PAN or account number stands in clear in a log, a metric, a span or another's answer.",
    databases=BOTH,
    run=measure,
)
