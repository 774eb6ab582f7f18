"""The desk on both databases."""

from collections.abc import AsyncIterator

import pytest

from tests.onboarding.desk import Desk, desk


@pytest.fixture
async def net(database_url: str) -> AsyncIterator[Desk]:
    """Buyer, supplier and stranger with B2B IDs; novice and rival without."""
    async with desk(database_url) as it:
        yield it
