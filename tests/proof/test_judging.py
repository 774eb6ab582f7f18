"""A part ends when everything has ended, and says so where something does not."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from proof.ground import judging
from proof.part import ProofError
from proof.progress import Progress

TABLES = """
    create table exchange (state text);
    create table delivery (state text, due_at integer, created_at integer);
    insert into delivery values ('QUEUED', 9000000000000000, 1)
"""


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with one webhook, whose next attempt is far away, and which a drain soon brings forward."""
    monkeypatch.setattr(judging, "PAUSED", 0.5)
    with closing(sqlite3.connect(tmp_path / "store.db")) as connection:
        connection.executescript(TABLES)
    return tmp_path / "store.db"


def network_over(store: Path) -> Any:
    place = SimpleNamespace(url=f"sqlite:///{store}")
    return SimpleNamespace(place=place, run=SimpleNamespace(progress=Progress("test")))


def deliver(store: Path) -> None:
    """What a dispatcher does with what is due."""
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("update delivery set state = 'DELIVERED' where due_at <= 1")
        connection.commit()


async def test_what_waits_for_its_next_attempt_is_brought_to_its_end(store: Path) -> None:
    draining = asyncio.create_task(judging.drain(network_over(store)))
    while not draining.done():
        await asyncio.sleep(0.1)
        deliver(store)
    await draining


async def test_what_nobody_delivers_is_told(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "STALLED", 1.5)
    with pytest.raises(ProofError, match="1 exchanges and webhooks did not end"):
        await judging.drain(network_over(store))
