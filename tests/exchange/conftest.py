"""The scene on both databases, which gives nobody up because this machine stands still."""

from collections.abc import AsyncIterator

import pytest

from tests.exchange.scene import Scene, scene
from tests.patience import patient

__all__ = ["patient"]


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[Scene]:
    """Buyer, supplier and stranger over one road, with endpoints."""
    async with scene(database_url) as it:
        yield it


@pytest.fixture
async def posted(database_url: str) -> AsyncIterator[Scene]:
    """The same, but the supplier is a mailbox."""
    async with scene(database_url, mailbox="supplier") as it:
        yield it
