"""How answers leave on a socket: whole, late, in drops, in half, or not at all."""

import asyncio
import socket
import struct

from aiohttp import web

from hundi.simulator.answering import Answer, Manner

_JSON = {"content-type": "application/json"}
_BLOCK = b" " * 65_536
_LOOK_SECONDS = 0.2
_RESET_AT_ONCE = struct.pack("ii", 1, 0)


class Gate:
    """Where held requests wait for their release, and all waiting ends when the server does."""

    def __init__(self) -> None:
        self._release = asyncio.Event()
        self._closing = asyncio.Event()
        self._waiting = 0

    @property
    def closed(self) -> bool:
        """Whether the server is about to stop."""
        return self._closing.is_set()

    def close(self) -> None:
        """End all waiting."""
        self._closing.set()
        self._release.set()

    def release(self) -> int:
        """Let all held requests go on; how many they are."""
        released, self._release = self._release, asyncio.Event()
        released.set()
        return self._waiting

    async def released(self, seconds: float | None) -> None:
        """Wait for the next release, the end of the server, or so many seconds."""
        self._waiting += 1
        try:
            async with asyncio.timeout(seconds):
                await self._release.wait()
        except TimeoutError:
            return
        finally:
            self._waiting -= 1

    async def passed(self, seconds: float) -> None:
        """Wait for so many seconds, or the end of the server."""
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            return


async def leave(request: web.Request, answer: Answer, gate: Gate) -> web.StreamResponse:
    """Let an answer out in its manner."""
    match answer.manner:
        case Manner.WHOLE:
            return _whole(answer)
        case Manner.DELAY:
            await gate.passed(answer.seconds or 0)
            return _gone(request) if gate.closed else _whole(answer)
        case Manner.DRIP:
            return await _drip(request, answer, gate)
        case Manner.PADDED:
            return await _padded(request, answer, gate)
        case Manner.RESET:
            return await _half(request, answer)
        case Manner.NEVER:
            while not gate.closed and _connected(request):
                await gate.passed(_LOOK_SECONDS)
            return _gone(request)
        case Manner.HOLD | Manner.DOWN:
            return _gone(request)


def _whole(answer: Answer) -> web.Response:
    headers = {**_JSON, **answer.headers} if answer.body else answer.headers
    return web.Response(status=answer.status, body=answer.body, headers=headers)


async def _drip(request: web.Request, answer: Answer, gate: Gate) -> web.StreamResponse:
    response = await _begun(request, answer, length=len(answer.body))
    for place in range(len(answer.body)):
        if gate.closed or not _connected(request):
            return _gone(request)
        await response.write(answer.body[place : place + 1])
        await gate.passed(answer.seconds or 0)
    return response


async def _padded(request: web.Request, answer: Answer, gate: Gate) -> web.StreamResponse:
    """The body is chunked: its length is told nowhere, so the reader has to count."""
    response = await _begun(request, answer, length=None)
    await response.write(answer.body)
    left = answer.size - len(answer.body)
    while left > 0 and not gate.closed and _connected(request):
        await response.write(_BLOCK[:left])
        left -= len(_BLOCK)
    return response


async def _half(request: web.Request, answer: Answer) -> web.StreamResponse:
    response = await _begun(request, answer, length=len(answer.body))
    await response.write(answer.body[: len(answer.body) // 2])
    return _gone(request)


async def _begun(request: web.Request, answer: Answer, *, length: int | None) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=_JSON)
    if length is None:
        response.enable_chunked_encoding()
    else:
        response.content_length = length
    await response.prepare(request)
    return response


def _connected(request: web.Request) -> bool:
    return request.transport is not None and not request.transport.is_closing()


def _gone(request: web.Request) -> web.Response:
    """Reset the connection. The response returned has nowhere to go."""
    transport = request.transport
    if transport is not None:
        plug = transport.get_extra_info("socket")
        if plug is not None:
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_ONCE)
        transport.abort()
    return web.Response(status=503)
