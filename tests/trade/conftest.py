"""The desk on both databases, which gives nobody up because this machine stands still."""

from collections.abc import AsyncIterator

import pytest

from tests.patience import patient
from tests.trade.desk import Desk, desk
from tests.trade.reading import Reads, reading

__all__ = ["patient"]


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
