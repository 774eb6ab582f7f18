"""Many seeds over all cores: each process takes one after the other and says what was broken."""

import asyncio
import logging
import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

import structlog

from proof.part import Figure, Run, at_least, none


@dataclass(frozen=True, slots=True)
class Seen:
    """What one seed came to. `broken` is in words, empty where it kept every promise.

    `done` counts what happened in it, so that nobody believes a seed in which nothing did.
    """

    broken: Sequence[str] = ()
    done: Mapping[str, int] = field(default_factory=dict)


Check = Callable[[int], Seen]
"""Plays one seed, in another process. What it raises is something broken."""


@dataclass(slots=True)
class Played:
    """What many seeds came to: how many were played, which of them broke something, what was done."""

    seeds: int = 0
    broken: dict[int, Sequence[str]] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)

    def add(self, seed: int, seen: Seen) -> None:
        """One that was played."""
        self.seeds += 1
        self.done.update(seen.done)
        if seen.broken:
            self.broken[seed] = seen.broken


@dataclass(frozen=True, slots=True)
class _Guarded:
    check: Check

    def __call__(self, seed: int) -> tuple[int, Seen]:
        try:
            return seed, self.check(seed)
        except Exception as error:  # noqa: BLE001 (a seed that stops is a broken one)
            return seed, Seen([f"{type(error).__name__}: {error}"])


def _quietly() -> None:
    """What a simulated network logs of its simulated troubles is no news."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


async def played_seeds(
    run: Run, check: Check, *, seeds: Sequence[int], what: str, replay: Callable[[int], str]
) -> Played:
    """What the seeds came to. Each that broke something is told at once, with its replay's command."""
    run.progress.goal(what, len(seeds))
    played = Played()
    loop = asyncio.get_running_loop()
    spawning = multiprocessing.get_context("spawn")
    workers = ProcessPoolExecutor(os.cpu_count(), spawning, initializer=_quietly)
    tasks = [loop.run_in_executor(workers, _Guarded(check), seed) for seed in seeds]
    try:
        for task in asyncio.as_completed(tasks):
            seed, seen = await task
            played.add(seed, seen)
            if seen.broken:
                run.progress.say(f"seed {seed}: {'; '.join(seen.broken)[:800]}\n  {replay(seed)}")
            run.progress.at(played.seeds, f"{len(played.broken)} broken")
    finally:
        workers.shutdown(cancel_futures=True)
    return played


def figures_of(seeds: range, played: Played, *, what: str, wrong: str) -> list[Figure]:
    """How many seeds were played, and which of them broke something (the first twenty by number)."""
    broken = sorted(played.broken)
    which = f", seeds {', '.join(map(str, broken[:20]))}" if broken else ""
    named = f"{what} played, seeds {seeds.start} to {seeds.stop - 1}"
    return [
        at_least(named, len(seeds), seen=played.seeds),
        none(f"{wrong}{which}", len(broken)),
    ]
