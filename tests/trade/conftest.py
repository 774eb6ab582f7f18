"""The desk on both databases."""

from collections.abc import AsyncIterator

import pytest

from tests.trade.desk import Desk, desk


@pytest.fixture
async def trade(database_url: str) -> AsyncIterator[Desk]:
    """Buyer and supplier over one road."""
    async with desk(database_url) as it:
        yield it
