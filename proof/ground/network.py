"""A network that stands: a database, servers over it, two enrolled businesses and their systems."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import hundi
from bench.server import free_port
from proof.ground.databases import Place, opened
from proof.ground.receiving import Systems
from proof.ground.servers import Server
from proof.part import POSTGRESQL, Run

ROLES = ("buyer", "supplier")
SPLIT = ("api", "dispatcher")
"""How PostgreSQL is served where a part wants to kill one and not the other."""


def executable() -> Path:
    """The installed command beside this Python."""
    return Path(sys.executable).with_name("hundi")


@dataclass(slots=True)
class Network:
    """`servers` serve now or did before they were killed; `clients` are what `client add` printed."""

    run: Run
    place: Place
    systems: Systems
    servers: list[Server] = field(default_factory=list)
    clients: dict[str, dict[str, Any]] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    program: Path = field(default_factory=executable)

    @property
    def ports(self) -> list[int]:
        """Where requests may be sent."""
        return [server.port for server in self.servers if server.port is not None]

    @property
    def pids(self) -> list[int]:
        """Every process of servers and database that runs."""
        return [s.pid for s in self.servers if s.runs] + list(self.place.processes)

    @property
    def hundi(self) -> hundi.Hundi:
        """The command line over this database."""
        return hundi.Hundi(self.program, self.place.url, self.run.folder)

    def seat(
        self, role: str, *, again: Server | None = None, options: Sequence[str] = ()
    ) -> Server:
        """A server of a role, not started yet; in the place of another, on its port."""
        port = None if role == "dispatcher" else (again and again.port) or free_port()
        where = ("--port", str(port)) if port is not None else ()
        name = f"{role}{len(self.servers)}"
        made = Server(
            name, (str(self.program), "serve", "--dev", "--role", role, *where, *options),
            port=port,
            environment={**self.hundi.environment(), **self.environment},
            logs=self.run.folder,
        )  # fmt: skip
        self.servers.append(made)
        if again is not None:
            self.servers.remove(again)
        return made

    async def enrol(self) -> None:
        """Migrate the database and add both businesses with their endpoints."""
        await self.hundi.run("db", "upgrade")
        for role in ROLES:
            endpoint = f"http://127.0.0.1:{self.systems.port}/{role}"
            client = self.clients[role] = await self.hundi.enrol(role, endpoint)
            self.systems.expect(role, client["webhookSecret"])

    async def tokens(self) -> Mapping[str, str]:
        """Fresh access tokens by role."""
        return {r: await hundi.token(self.ports[0], c) for r, c in self.clients.items()}


@asynccontextmanager
async def standing(
    run: Run,
    *,
    roles: Sequence[str] = ("all",),
    slow: float = 0.0,
    under: Path | None = None,
    settings: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
    program: Path | None = None,
) -> AsyncIterator[Network]:
    """A network with its servers up; on SQLite one process does everything.

    `program` is another `hundi` than this checkout's.
    """
    async with opened(run, under=under, settings=settings) as place:
        systems = Systems(run.chance("systems"), slow=slow)
        network = Network(
            run, place, systems, environment=environment or {}, program=program or executable()
        )
        await systems.start()
        try:
            await network.enrol()
            for role in roles if run.database == POSTGRESQL else ("all",):
                await network.seat(role).start()
            yield network
        finally:
            await _stopped(network)


async def _stopped(network: Network) -> None:
    try:
        await asyncio.gather(*(server.stop() for server in network.servers))
    finally:
        await network.systems.stop()
