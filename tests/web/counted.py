"""What the metrics tell, and the counter of exchanges against what stands in the database."""

from collections import Counter

import sqlalchemy as sa

from hundi.exchange.record import State
from hundi.exchange.tables import exchange
from hundi.store.engine import Database
from hundi.web.metrics import Metrics


async def values(metrics: Metrics) -> dict[str, float]:
    """What a process tells of itself: each sample by its name and labels."""
    text = (await metrics.exposition()).decode()
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


async def entered(metrics: Metrics) -> Counter[str]:
    """How many exchanges the metrics count, by the state that they entered."""
    start = 'hundi_exchanges_total{state="'
    return Counter(
        {
            name.removeprefix(start).removesuffix('"}'): int(value)
            for name, value in (await values(metrics)).items()
            if name.startswith(start)
        }
    )


async def check_counted(metrics: Metrics, database: Database) -> Counter[str]:
    """Each end that there is was counted once, and each exchange that is open; what the metrics say."""
    x = exchange.c
    query = sa.select(x.state, sa.func.count().label("n")).group_by(x.state)
    stored = {row["state"]: row["n"] for row in await database.read(lambda tx: tx.select(query))}
    told = await entered(metrics)
    ended = {state: n for state, n in told.items() if state != State.OPEN.value}
    left_open = stored.pop(State.OPEN.value, 0)
    assert ended == stored
    assert told[State.OPEN.value] >= left_open
    return told
