"""Random sequences of legal and illegal messages never break the ledger, a life cycle or a journal.

`HUNDI_SEEDS=first-last` plays others.
"""

import os
import shutil
from collections import Counter
from pathlib import Path

import pytest

from tests.trade.desk import Desk, desk
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


async def test_every_message_is_accepted_now_and_then(sqlite_url: str, tmp_path: Path) -> None:
    """Sequences of refusals alone would break nothing."""
    accepted: Counter[str] = Counter()
    for seed in range(100, 106):
        path = tmp_path / f"{seed}.db"
        shutil.copy(sqlite_url.removeprefix("sqlite:///"), path)
        async with desk(f"sqlite:///{path}") as trade:
            trader = Trader(trade, seed)
            await trader.play(STEPS)
            accepted.update(trader.accepted)
    assert len(accepted) > 8
    assert min(accepted.values()) > 0, accepted


@pytest.mark.parametrize("seed", _seeds())
async def test_nothing_breaks(trade: Desk, seed: int) -> None:
    await played(trade, seed)
