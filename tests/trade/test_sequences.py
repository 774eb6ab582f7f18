"""Random sequences of legal and illegal messages never break the ledger, a life cycle or a journal."""

from collections.abc import Callable

import pytest

from tests.trade.desk import Desk, desk
from tests.trade.invariants import broken
from tests.trade.trader import Trader

STEPS = 60


async def played(trade: Desk, seed: int) -> None:
    trader = Trader(trade, seed)
    await trader.play(STEPS)
    found = await broken(trade)
    assert not found, "\n".join([f"seed {seed}", *found, *trader.told])


@pytest.mark.parametrize("seed", range(12))
async def test_nothing_breaks(trade: Desk, seed: int) -> None:
    await played(trade, seed)


@pytest.mark.proof
async def test_nothing_breaks_in_thousands(fresh_databases: Callable[[], str]) -> None:
    for seed in range(1000, 3000):
        async with desk(fresh_databases()) as trade:
            await played(trade, seed)
