"""The desk on both databases."""

from collections.abc import AsyncIterator

import pytest

from tests.trade.desk import Desk, desk
from tests.trade.reading import Reads, reading


@pytest.fixture
async def trade(database_url: str) -> AsyncIterator[Desk]:
    """Buyer and supplier over one road."""
    async with desk(database_url) as it:
        yield it


@pytest.fixture
async def reads(trade: Desk) -> AsyncIterator[Reads]:
    """What the two, and a stranger, read of the trade."""
    async with reading(trade) as it:
        yield it
