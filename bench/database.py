"""The PostgreSQL cluster that the benchmark works in: its databases, its settings, its processes.

Everything happens in databases of the benchmark's own, made anew and dropped at the end; the one
named in the URL is only the door.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

_SETTINGS = (
    "server_version",
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "wal_sync_method",
    "shared_buffers",
    "data_directory",
)
TABLES = Path(__file__).with_name("tables.sql")


@asynccontextmanager
async def fresh(door: str, name: str) -> AsyncIterator[str]:
    """The URL of a new, empty database in the cluster behind `door`, dropped afterwards."""
    await _command(door, f"drop database if exists {name} with (force)")
    await _command(door, f"create database {name}")
    try:
        yield urlsplit(door)._replace(path=f"/{name}").geturl()
    finally:
        await _command(door, f"drop database if exists {name} with (force)")


async def _command(url: str, text: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(text)
    finally:
        await connection.close()


async def lay_tables(url: str) -> None:
    """The two floors' tables, with 200,000 orders."""
    await _command(url, "drop schema public cascade; create schema public;")
    await _command(url, TABLES.read_text())
    await checkpoint(url)


async def checkpoint(url: str) -> None:
    """Leave nothing to be written that came before, and log files to be used again.

    A new log file is filled with zeros and flushed first: all commits wait for it, 20 to 60 ms. A
    server that has run for a while has old ones to write over.
    """
    await _command(url, "checkpoint")


async def settings(url: str) -> dict[str, str]:
    """What the running server says of its durability, and where its data lies."""
    connection = await asyncpg.connect(url)
    try:
        return {name: await connection.fetchval(f"show {name}") for name in _SETTINGS}
    finally:
        await connection.close()


def postmaster(data: Path) -> int | None:
    """The cluster's first process, if it runs here and may be seen."""
    try:
        return int((data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None
