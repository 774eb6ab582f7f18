"""The desk on both databases, which gives nobody up because this machine stands still."""

from collections.abc import AsyncIterator

import pytest

from tests.onboarding.desk import Desk, desk
from tests.patience import patient

__all__ = ["patient"]


@pytest.fixture
async def net(database_url: str) -> AsyncIterator[Desk]:
    """Buyer, supplier and stranger with B2B IDs; novice and rival without."""
    async with desk(database_url) as it:
        yield it
