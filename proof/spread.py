"""Many seeds over all cores: each process takes one after the other and says what was broken."""

import asyncio
import logging
import multiprocessing
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import structlog

from proof.part import Figure, Run, none, told

Check = Callable[[int], list[str]]
"""What one seed broke, in words; empty where it kept every promise. Runs in another process."""


@dataclass(frozen=True, slots=True)
class _Guarded:
    check: Check

    def __call__(self, seed: int) -> tuple[int, list[str]]:
        try:
            return seed, self.check(seed)
        except Exception as error:  # noqa: BLE001 (a seed that stops is a broken one)
            return seed, [f"{type(error).__name__}: {error}"]


def _quietly() -> None:
    """What a simulated network logs of its simulated troubles is no news."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


async def broken_seeds(
    run: Run, check: Check, *, seeds: Sequence[int], what: str, replay: Callable[[int], str]
) -> dict[int, list[str]]:
    """The seeds that broke something. Each is told at once, with the command that replays it."""
    run.progress.goal(what, len(seeds))
    broken: dict[int, list[str]] = {}
    loop = asyncio.get_running_loop()
    spawning = multiprocessing.get_context("spawn")
    workers = ProcessPoolExecutor(os.cpu_count(), spawning, initializer=_quietly)
    tasks = [loop.run_in_executor(workers, _Guarded(check), seed) for seed in seeds]
    try:
        for done, task in enumerate(asyncio.as_completed(tasks), 1):
            seed, found = await task
            if found:
                broken[seed] = found
                run.progress.say(f"seed {seed}: {'; '.join(found)[:800]}\n  {replay(seed)}")
            run.progress.at(done, f"{len(broken)} broken")
    finally:
        workers.shutdown(cancel_futures=True)
    return broken


def figures_of(
    seeds: range, broken: Mapping[int, list[str]], *, what: str, wrong: str
) -> list[Figure]:
    """How many seeds were played, and which of them broke something (the first twenty by number)."""
    which = f", seeds {', '.join(map(str, sorted(broken)[:20]))}" if broken else ""
    played = f"{len(seeds):,}{what}, seeds {seeds.start} to {seeds.stop - 1}"
    return [told("played", played), none(f"{wrong}{which}", len(broken))]
