"""Random sequences of legal and illegal messages about one order and what hangs on it."""

import asyncio
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hundi.store.migrate import upgrade
from proof.part import BOTH, SQLITE, Figure, Part, Run, none, told
from proof.spread import broken_seeds
from tests.postgres import Cluster, cluster

STEPS = 60
SEEDS = 2000
_TEMPLATE = "sequences"


async def played(url: str, seed: int) -> list[str]:
    """What a sequence broke, with what was done."""
    from tests.trade.desk import desk  # noqa: PLC0415 (where the sequence is played)
    from tests.trade.invariants import broken  # noqa: PLC0415
    from tests.trade.trader import Trader  # noqa: PLC0415

    async with desk(url) as trade:
        trader = Trader(trade, seed)
        await trader.play(STEPS)
        found = await broken(trade)
    return [*found, *trader.told] if found else []


@dataclass(frozen=True, slots=True)
class OnSqlite:
    """A fresh file for each seed, copied from a migrated one."""

    template: Path

    def __call__(self, seed: int) -> list[str]:
        """Play one, and throw its file away."""
        path = self.template.with_name(f"{seed}.db")
        shutil.copy(self.template, path)
        try:
            return asyncio.run(played(f"sqlite:///{path}", seed))
        finally:
            for left in path.parent.glob(f"{seed}.db*"):
                left.unlink()


@dataclass(frozen=True, slots=True)
class OnPostgres:
    """A fresh database for each seed, copied from a migrated one."""

    server: Cluster

    def __call__(self, seed: int) -> list[str]:
        """Play one, and drop its database."""
        url = self.server.create(f"sequence{seed}", template=_TEMPLATE)
        try:
            return asyncio.run(played(url, seed))
        finally:
            self.server.drop(f"sequence{seed}")


async def measure(run: Run) -> Sequence[Figure]:
    """Play them on every core, each on a database of its own."""
    if run.database == SQLITE:
        template = run.folder / f"{_TEMPLATE}.db"
        await asyncio.to_thread(upgrade, f"sqlite:///{template}")
        return await _figures(run, OnSqlite(template))
    with cluster(fsync=False) as server:  # nothing dies here
        await asyncio.to_thread(upgrade, server.create(_TEMPLATE))
        return await _figures(run, OnPostgres(server))


async def _figures(run: Run, check: Callable[[int], list[str]]) -> Sequence[Figure]:
    many, first = run.size(full=SEEDS, brief=100, tiny=2), SEEDS * run.seed
    what = f"sequences of {STEPS} messages"
    seeds = range(first, first + many)
    broken = await broken_seeds(run, check, seeds=seeds, what=what, replay=_replay)
    return [
        told("played", f"{many:,} {what}, seeds {first} to {first + many - 1}"),
        none("sequences that broke a ledger, a life cycle or a journal", len(broken)),
    ]


def _replay(seed: int) -> str:
    return f"HUNDI_SEEDS={seed} .venv/bin/pytest tests/trade/test_sequences.py"


PART = Part(
    name="sequences",
    promise="No sequence of messages, legal or not, breaks a ledger, a life cycle or a journal.",
    databases=BOTH,
    run=measure,
)
