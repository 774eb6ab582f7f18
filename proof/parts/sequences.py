"""Random sequences of legal and illegal messages: trades about one order, and financings of an invoice."""

import asyncio
import shutil
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from hundi.store.migrate import upgrade
from proof.part import BOTH, SQLITE, Figure, Length, Part, Run, at_least, told
from proof.spread import Check, Played, Seen, figures_of, played_seeds
from tests.postgres import Cluster, cluster

STEPS = 60
SEEDS = 2000
REFUSED = "refused"
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
    said = [line.split() for line in trader.told if "/" in line]  # the other lines are no messages
    done = Counter(path if word == "accepted" else REFUSED for path, word in said)
    return Seen([*found, *trader.told] if found else [], done)


async def financings(url: str, seed: int) -> Seen:
    """Requests to lenders, bids and answers. What broke is an AssertionError."""
    from tests.trade.test_financing_sequences import played  # noqa: PLC0415

    done = Counter[str]()
    for what, times in (await played(url, seed)).items():
        path, word = what.split()
        done[path if word == "Accepted" else REFUSED] += times
    return Seen(done=done)


@dataclass(frozen=True, slots=True)
class Moved:
    """What has to be accepted, or nothing can break: kinds of messages, and how many in a sequence."""

    kinds: int
    messages: int


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


async def measure(run: Run, *, play: Play, test: str, moved: Moved) -> Sequence[Figure]:
    """Play them on every core, each on a database of its own."""
    if run.database == SQLITE:
        template = run.folder / f"{_TEMPLATE}.db"
        await asyncio.to_thread(upgrade, f"sqlite:///{template}")
        return await _figures(run, OnSqlite(play, template), test, moved=moved)
    with cluster(fsync=False) as server:  # nothing dies here
        await asyncio.to_thread(upgrade, server.create(_TEMPLATE))
        return await _figures(run, OnPostgres(play, server), test, moved=moved)


async def _figures(run: Run, check: Check, test: str, *, moved: Moved) -> Sequence[Figure]:
    many, first = run.size(full=SEEDS, brief=100, tiny=2), SEEDS * run.seed

    def replay(seed: int) -> str:
        return f"HUNDI_SEEDS={seed} .venv/bin/pytest tests/trade/{test}.py"

    seeds = range(first, first + many)
    what, wrong = "random sequences", "that broke a ledger, a life cycle or a journal"
    played = await played_seeds(run, check, seeds=seeds, what=what, replay=replay)
    return [
        *figures_of(seeds, played, what=what, wrong=wrong),
        *_accepted(run, played, moved),
    ]


def _accepted(run: Run, played: Played, moved: Moved) -> list[Figure]:
    """In the few sequences of a tiny run not every kind of message comes about."""
    accepted = Counter(played.done)
    refused = accepted.pop(REFUSED, 0)
    kinds = 1 if run.length is Length.TINY else moved.kinds
    return [
        at_least("messages accepted in them", moved.messages * played.seeds, seen=accepted.total()),
        at_least("messages accepted, by kind", kinds, seen=len(accepted)),
        told("messages refused in them", f"{refused:,}"),
    ]


TRADES = Part(
    name="trades",
    promise="No sequence of messages, legal or not, breaks a ledger, a life cycle or a journal.",
    databases=BOTH,
    run=partial(measure, play=trades, test="test_sequences", moved=Moved(9, 5)),
)
FINANCINGS = Part(
    name="financings",
    promise="Whoever asks, bids, fails or answers: an invoice is financed once, and the books balance.",
    databases=BOTH,
    run=partial(measure, play=financings, test="test_financing_sequences", moved=Moved(3, 1)),
)
