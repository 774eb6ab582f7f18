"""Random sequences of legal and illegal messages: trades about one order, and financings of an invoice."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from hundi.store.migrate import upgrade
from proof.part import BOTH, SQLITE, Figure, Part, Run, at_least, told
from proof.spread import Check, Seen, figures_of, played_seeds
from tests.postgres import Cluster, cluster

STEPS = 60
SEEDS = 2000
ACCEPTED = 5
"""Messages in a sequence on the average: where nothing is accepted, nothing can break."""
_TEMPLATE = "sequences"

Play = Callable[[str, int], Awaitable[Seen]]
"""Plays the sequence of a seed on a fresh database. Runs in another process."""


async def trades(url: str, seed: int) -> Seen:
    """Orders, invoices, notes and payments; with what broke, what was done."""
    from tests.trade.desk import desk  # noqa: PLC0415 (where the sequence is played)
    from tests.trade.invariants import broken  # noqa: PLC0415
    from tests.trade.trader import Trader  # noqa: PLC0415

    async with desk(url) as trade:
        trader = Trader(trade, seed)
        await trader.play(STEPS)
        found = await broken(trade)
    said = [line for line in trader.told if "/" in line]  # the other lines are no messages
    accepted = sum(line.endswith(" accepted") for line in said)
    done = {"accepted": accepted, "refused": len(said) - accepted}
    return Seen([*found, *trader.told] if found else [], done)


async def financings(url: str, seed: int) -> Seen:
    """Requests to lenders, bids and answers. What broke is an AssertionError."""
    from tests.trade.test_financing_sequences import played  # noqa: PLC0415

    said = await played(url, seed)
    accepted = sum(times for what, times in said.items() if what.endswith(" Accepted"))
    return Seen(done={"accepted": accepted, "refused": said.total() - accepted})


@dataclass(frozen=True, slots=True)
class OnSqlite:
    """A fresh file for each seed, copied from a migrated one."""

    play: Play
    template: Path

    def __call__(self, seed: int) -> Seen:
        """Play one, and throw its file away."""
        path = self.template.with_name(f"{seed}.db")
        shutil.copy(self.template, path)
        try:
            return asyncio.run(_awaited(self.play(f"sqlite:///{path}", seed)))
        finally:
            for left in path.parent.glob(f"{seed}.db*"):
                left.unlink()


@dataclass(frozen=True, slots=True)
class OnPostgres:
    """A fresh database for each seed, copied from a migrated one."""

    play: Play
    server: Cluster

    def __call__(self, seed: int) -> Seen:
        """Play one, and drop its database."""
        url = self.server.create(f"sequence{seed}", template=_TEMPLATE)
        try:
            return asyncio.run(_awaited(self.play(url, seed)))
        finally:
            self.server.drop(f"sequence{seed}")


async def _awaited(playing: Awaitable[Seen]) -> Seen:
    return await playing


async def measure(run: Run, *, play: Play, test: str) -> Sequence[Figure]:
    """Play them on every core, each on a database of its own."""
    if run.database == SQLITE:
        template = run.folder / f"{_TEMPLATE}.db"
        await asyncio.to_thread(upgrade, f"sqlite:///{template}")
        return await _figures(run, OnSqlite(play, template), test)
    with cluster(fsync=False) as server:  # nothing dies here
        await asyncio.to_thread(upgrade, server.create(_TEMPLATE))
        return await _figures(run, OnPostgres(play, server), test)


async def _figures(run: Run, check: Check, test: str) -> Sequence[Figure]:
    many, first = run.size(full=SEEDS, brief=100, tiny=2), SEEDS * run.seed

    def replay(seed: int) -> str:
        return f"HUNDI_SEEDS={seed} .venv/bin/pytest tests/trade/{test}.py"

    seeds = range(first, first + many)
    what, wrong = "random sequences", "that broke a ledger, a life cycle or a journal"
    played = await played_seeds(run, check, seeds=seeds, what=what, replay=replay)
    return [
        *figures_of(seeds, played, what=what, wrong=wrong),
        at_least("messages accepted in them", ACCEPTED * many, seen=played.done["accepted"]),
        told("messages refused in them", f"{played.done['refused']:,}"),
    ]


TRADES = Part(
    name="trades",
    promise="No sequence of messages, legal or not, breaks a ledger, a life cycle or a journal.",
    databases=BOTH,
    run=partial(measure, play=trades, test="test_sequences"),
)
FINANCINGS = Part(
    name="financings",
    promise="Whoever asks, bids, fails or answers: an invoice is financed once, and the books balance.",
    databases=BOTH,
    run=partial(measure, play=financings, test="test_financing_sequences"),
)
