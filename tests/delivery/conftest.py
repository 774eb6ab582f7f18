"""Everything on a socket is shown on both event loops: `hundi serve` runs on uvloop."""

import asyncio
from collections.abc import Callable, Mapping

import pytest
import uvloop

from hundi.delivery import wire


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(autouse=True)
def _a_machine_may_stand_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that wants a time of the wire's to run out sets it itself."""
    for name in ("CONNECT_SECONDS", "ALL_CONNECTS_SECONDS", "IDLE_SECONDS"):
        monkeypatch.setattr(wire, name, 60)
