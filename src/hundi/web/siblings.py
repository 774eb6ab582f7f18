"""Metrics of all processes behind one port: the one that is scraped asks the others.

Each process counts for itself and tells its counts to those that began with it, over a socket in
the kernel's abstract namespace, which leaves no file. Every series gets the label `worker`: a
process that is started again counts from zero, and only a series of its own can say so.
"""

import asyncio
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

LABEL = "worker"
UP = "hundi_worker_up"
PATIENCE_SECONDS = 1
MOST_BYTES = 4 << 20


class Siblings:
    """The processes that one parent started: this one by `name`, the `others` by their addresses.

    `listening` is where this one is asked. An address is a name in the abstract namespace.
    """

    def __init__(self, name: str, *, listening: socket.socket, others: Mapping[str, str]) -> None:
        self._name = name
        self._listening = listening
        self._others = others

    async def tell(self, own: Callable[[], bytes]) -> asyncio.Server:
        """Answer everyone that asks with `own` counts, until the server is closed."""

        async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(own())
            with suppress(OSError):
                await writer.drain()
                writer.close()

        return await asyncio.start_unix_server(answer, sock=self._listening)

    async def exposition(self, own: bytes) -> bytes:
        """What all count, this one's `own` with it, in the Prometheus text format."""
        told = await asyncio.gather(*map(_asked, self._others.values()))
        return _together({self._name: own, **dict(zip(self._others, told, strict=True))})


async def _asked(address: str) -> bytes | None:
    """What a process counts; None where it is not there, or has no time."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            told = await _read(address)
    except (OSError, TimeoutError):
        return None
    return told if len(told) < MOST_BYTES else None


async def _read(address: str) -> bytes:
    loop, told = asyncio.get_running_loop(), bytearray()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(0)
        await loop.sock_connect(asking, address)
        while len(told) < MOST_BYTES and (more := await loop.sock_recv(asking, 1 << 16)):
            told += more
    return bytes(told)


class _Told(Collector):
    """Metric families under one name each, whoever told them."""

    def __init__(self, families: Mapping[str, Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        """All of them."""
        yield from self._families.values()


def _together(told: Mapping[str, bytes | None]) -> bytes:
    up = GaugeMetricFamily(UP, "Whether a process answered this scrape.", labels=[LABEL])
    families: dict[str, Metric] = {up.name: up}
    for worker, text in told.items():
        up.add_metric([worker], float(text is not None))
        for one in text_string_to_metric_families((text or b"").decode()):
            kept = families.setdefault(one.name, Metric(one.name, one.documentation, one.type))
            kept.samples += [s._replace(labels={**s.labels, LABEL: worker}) for s in one.samples]
    registry = CollectorRegistry()
    registry.register(_Told(families))
    return generate_latest(registry)
