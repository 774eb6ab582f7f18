"""Servers as processes of their own: start, wait until ready, watch the memory, stop gently."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from bench.machine import Memory

_READY_SECONDS = 60
_STOP_SECONDS = 60


class BenchError(Exception):
    """The benchmark cannot go on, or its run does not count; the text says why."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs: its process, its port on 127.0.0.1, its memory so far."""

    name: str
    pid: int
    port: int
    memory: Memory


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@asynccontextmanager
async def running(
    name: str, command: Sequence[str], *, environment: Mapping[str, str], logs: Path
) -> AsyncIterator[Server]:
    """Run a server given `--port`; stop it with SIGTERM. Raises BenchError if it fails at either.

    Its output goes to a file in `logs`, whose end is shown when it fails.
    """
    port = free_port()
    log = logs / f"{name}-{port}.log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *command,
            "--port",
            str(port),
            stdout=output,
            stderr=output,
            env=os.environ | dict(environment),
        )
    memory = Memory()
    watcher = asyncio.create_task(memory.watch(process.pid))
    try:
        await _ready(process, port, log)
        yield Server(name, process.pid, port, memory)
    except BenchError as error:
        raise BenchError(f"{error}\nThe end of its log:\n{_tail(log)}") from error
    finally:
        watcher.cancel()
        await _stop(name, process, log)


async def _ready(process: asyncio.subprocess.Process, port: int, log: Path) -> None:
    patience = perf_counter() + _READY_SECONDS
    while perf_counter() < patience:
        if process.returncode is not None:
            break
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            if await _answers(port):
                return
        await asyncio.sleep(0.05)
    raise BenchError(f"{log.stem} did not become ready.")


async def _answers(port: int) -> bool:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /readyz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")
    status = await reader.readline()
    writer.close()
    return b" 200 " in status


async def _stop(name: str, process: asyncio.subprocess.Process, log: Path) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    try:
        code = await asyncio.wait_for(process.wait(), _STOP_SECONDS)
    except TimeoutError as error:
        process.kill()
        message = f"{name} did not stop within {_STOP_SECONDS} s of SIGTERM:\n{_tail(log)}"
        raise BenchError(message) from error
    if code not in (0, -signal.SIGTERM):
        message = f"{name} ended with status {code}:\n{_tail(log)}"
        raise BenchError(message)


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-20:])
