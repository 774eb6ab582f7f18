"""Random sequences of legal and illegal messages never break the ledger, a life cycle or a journal.

`HUNDI_SEEDS=first-last` plays others.
"""

import os

import pytest

from tests.trade.desk import Desk
from tests.trade.invariants import broken
from tests.trade.trader import Trader

STEPS = 60


def _seeds() -> range:
    first, _, last = os.environ.get("HUNDI_SEEDS", "0-11").partition("-")
    return range(int(first), int(last or first) + 1)


async def played(trade: Desk, seed: int) -> None:
    trader = Trader(trade, seed)
    await trader.play(STEPS)
    found = await broken(trade)
    assert not found, "\n".join([f"seed {seed}", *found, *trader.told])


@pytest.mark.parametrize("seed", _seeds())
async def test_nothing_breaks(trade: Desk, seed: int) -> None:
    await played(trade, seed)
