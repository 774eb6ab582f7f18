"""Connections of the driver on which small writes are joined to one.

Each write is a system call here and a wake-up of the server's process. What is sent ahead of a
statement (`ahead`) is therefore kept until the driver writes that statement.
"""

from collections.abc import Callable
from typing import Any


class Joining:
    """A transport; what it keeps goes out in front of what is written next."""

    __slots__ = ("_kept", "transport")

    def __init__(self, transport: Any) -> None:
        self.transport = transport
        self._kept: list[bytes] = []

    def keep(self, data: bytes) -> None:
        """Send this with the next write."""
        self._kept.append(data)

    def write(self, data: bytes) -> None:
        """Send what was kept, and this."""
        if self._kept:
            data = b"".join((*self._kept, data))
            self._kept.clear()
        self.transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.transport, name)


class JoiningLoop:
    """An event loop whose connections, as clients make them, join their writes."""

    def __init__(self, loop: Any) -> None:
        self._loop = loop

    async def create_connection(
        self, factory: Callable[[], Any], *where: Any, **options: Any
    ) -> Any:
        """As the loop does."""
        return await self._joined(self._loop.create_connection, factory, *where, **options)

    async def create_unix_connection(
        self, factory: Callable[[], Any], *where: Any, **options: Any
    ) -> Any:
        """As the loop does."""
        return await self._joined(self._loop.create_unix_connection, factory, *where, **options)

    async def start_tls(self, transport: Joining, *how: Any, **options: Any) -> Joining:
        """As the loop does; writes are joined before they are encrypted."""
        return Joining(await self._loop.start_tls(transport.transport, *how, **options))

    async def _joined(
        self, create: Callable[..., Any], factory: Callable[[], Any], *where: Any, **options: Any
    ) -> Any:
        made: list[Joining] = []

        def joined() -> Any:
            protocol = factory()
            begin = protocol.connection_made

            def connection_made(transport: Any) -> None:
                made.append(Joining(transport))
                begin(made[0])

            protocol.connection_made = connection_made
            return protocol

        _, protocol = await create(joined, *where, **options)
        return made[0], protocol

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)
