"""Before it serves, a process says where PostgreSQL has too few connections for all processes."""

from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from hundi.kernel.clock import wall_clock
from hundi.kernel.lifetimes import Lifetimes
from hundi.kernel.settings import ServeSettings
from hundi.serving import _check
from hundi.store.opening import open_database


@pytest.mark.parametrize(
    ("role", "workers", "needs"), [("api", 1, 0), ("all", 1, 0), ("api", 20, 260), ("all", 20, 273)]
)
async def test_too_few_connections_are_told(
    postgres_url: str, role: str, workers: int, needs: int
) -> None:
    settings = replace(_SETTINGS, database_url=postgres_url, role=role, workers=workers)
    database = await open_database(postgres_url, wall_clock)
    try:
        with capture_logs() as told:
            await _check(settings, database)
    finally:
        await database.close()
    found = [(t["needs"], t["allowed"]) for t in told if t["event"] == "too-few-connections"]
    assert found == ([(needs, 197)] if needs else [])


_SETTINGS = ServeSettings("", "127.0.0.1", 0, "all", dev=True, lifetimes=Lifetimes())
