"""Listening on a port: alone or with others, until the last caller who got through is answered."""

import asyncio
import os
import resource
import socket
from collections.abc import Callable
from contextlib import suppress

import uvicorn

from hundi.kernel.settings import CannotServeError, ServeSettings
from hundi.serving.door import shut
from hundi.web.connections import Connections

ENOUGH_FILES = 65_536
BACKLOG = 2048
HANDSHAKE = 0.2
"""Seconds that a caller may need from his first segment to being connected: one round trip."""


def listen(settings: ServeSettings) -> socket.socket:
    """A socket that listens where the settings say. Raises CannotServeError."""
    return _listening(_bound(settings, settings.port or 0, shared=False))


def listen_together(settings: ServeSettings, count: int) -> list[socket.socket]:
    """Several sockets on one port, among which the kernel spreads new connections by their address.

    One socket that several processes accept from was measured: whoever wakes first takes a whole
    burst of connections, 31 of 32 where these get 18 and 14. Raises CannotServeError.
    """
    if settings.port:  # a port that is shared would be shared with another network's server, too
        _bound(settings, settings.port, shared=False).close()
    first = _bound(settings, settings.port or 0, shared=True)
    port = first.getsockname()[1]
    others = [_bound(settings, port, shared=True) for _ in range(count - 1)]
    return [_listening(one) for one in (first, *others)]


def _bound(settings: ServeSettings, port: int, *, shared: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        bound.bind((settings.host, port))
    except OSError as error:
        bound.close()
        # What no name service knows has a number of its own, and its words beside it.
        why = (
            error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        )
        message = f"Cannot listen on {settings.host}:{settings.port}: {why}."
        raise CannotServeError(message) from error
    return bound


def _listening(bound: socket.socket) -> socket.socket:
    bound.listen(BACKLOG)
    bound.settimeout(0)  # the event loop waits, the socket never
    return bound


def open_files() -> int:
    """How many files this process may open, now that it has asked for as many as it can get."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(soft, ENOUGH_FILES) if hard == resource.RLIM_INFINITY else hard
    with suppress(ValueError, OSError):  # some systems refuse what they have told
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


async def serve_until(
    stopping: asyncio.Event,
    server: uvicorn.Server,
    *,
    listening: socket.socket,
    connections: Connections,
    kept: Callable[[], bool],
) -> None:
    """Serve HTTP on a socket until told to stop; then answer those who got through.

    Where the socket is `kept`, by a parent, those who come later wait in it for the next process.
    """
    queue = listening.dup()  # uvicorn closes its own
    # Our own signal handlers stay: uvicorn's would end the process before the dispatcher drained.
    # (The public serve() captures signals.)
    served = asyncio.create_task(server._serve([listening]))  # noqa: SLF001
    stopped = asyncio.create_task(stopping.wait())
    sweeping = asyncio.create_task(connections.run())
    await asyncio.wait({served, stopped}, return_when=asyncio.FIRST_COMPLETED)
    connections.draining = True
    await _let_in(queue, kept=kept)
    await _take_last(server, queue)
    server.should_exit = True
    stopped.cancel()
    await served
    sweeping.cancel()


async def _let_in(queue: socket.socket, *, kept: Callable[[], bool]) -> None:
    """Give those who have begun to connect their time, and let nobody begin if we are the last to listen."""
    open_ = True
    while open_:
        held = kept()
        if not held:
            shut(queue)
        await asyncio.sleep(HANDSHAKE)
        open_ = held and not kept()  # its parent has gone meanwhile


async def _take_last(server: uvicorn.Server, queue: socket.socket) -> None:
    """Accept those who are connected and wait: closing the socket would cut them off."""
    for one in getattr(server, "servers", ()):  # none where it did not come to listening
        one.close()
    await asyncio.sleep(0)
    loop, config = asyncio.get_running_loop(), server.config
    with queue:
        while config.loaded:
            try:
                caller, _ = queue.accept()
            except OSError:
                return
            caller.settimeout(0)
            await loop.connect_accepted_socket(
                lambda: config.http_protocol_class(  # type: ignore[call-arg]
                    config=config,
                    server_state=server.server_state,
                    app_state=server.lifespan.state,
                    _loop=loop,
                ),
                caller,
            )
