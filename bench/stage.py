"""One measured stretch: warm up, measure, and say what the machine did meanwhile."""

import asyncio
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from bench import machine
from bench.load import Load, Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How long and how wide. Seconds; `window` bounds exchanges under way in the whole trip.

    `quick` is for what goes by counts and not by time.
    """

    warm_up: float
    seconds: float
    connections: int
    window: int
    quick: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table. Latencies in milliseconds, `cores` in processors by group."""

    name: str
    unit: str
    rate: float
    seconds: float
    count: int
    p50: float | None = None
    p99: float | None = None
    cores: dict[str, float] = field(default_factory=dict)
    flushes: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What is watched while measuring: processes by name, and the disk under the database."""

    processes: dict[str, int]
    disk: Path

    def reading(self) -> machine.Reading:
        """A reading of all that now."""
        return machine.read(self.processes, self.disk)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A measured stretch of time, `perf_counter` seconds, and the readings at its two ends."""

    begin: float
    end: float
    cores: dict[str, float]
    flushes: int | None
    ran_out: bool

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end - self.begin


async def drive(load: Load, stage: Stage, settings: Settings, *, ticking: bool) -> Stretch:
    """Run a load through warm-up and measuring; what was measured is the stretch after warm-up.

    The stretch ends early where the load ran out of prepared requests.
    """
    begin = perf_counter() + settings.warm_up
    end = begin + settings.seconds
    running = asyncio.create_task(load.run_until(end, ticking=ticking))
    await asyncio.sleep(max(0.0, begin - perf_counter()))
    before, started = stage.reading(), perf_counter()
    await running
    if load.tally.ran_out and load.tally.finished:
        end = load.tally.finished[-1]
    cores, flushes = stage.reading().since(before, perf_counter() - started)
    return Stretch(begin, end, cores, flushes, load.tally.ran_out)


def summed_up(name: str, unit: str, *, stretch: Stretch, latencies: Sequence[float]) -> Figure:
    """The figure of a stretch. `latencies` are sorted seconds, one for each thing that counts."""
    return Figure(
        name=name,
        unit=unit,
        rate=len(latencies) / stretch.seconds if stretch.seconds > 0 else 0.0,
        seconds=stretch.seconds,
        count=len(latencies),
        p50=percentile(latencies, 0.50),
        p99=percentile(latencies, 0.99),
        cores=stretch.cores,
        flushes=stretch.flushes,
        note="ran out of prepared orders" if stretch.ran_out else "",
    )


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """The smallest value that at least `share` of all do not exceed, in ms; exact, no buckets."""
    if not ordered:
        return None
    rank = max(1, -(-len(ordered) * round(share * 100) // 100))
    return ordered[rank - 1] * 1000


def round_trips(tally: Tally, ended: dict[bytes, float], stretch: Stretch) -> list[float]:
    """Seconds from a request until its exchange ended, of those that ended in the stretch."""
    return sorted(
        ended[name] - started
        for name, started in tally.accepted.items()
        if stretch.begin <= ended.get(name, 0.0) < stretch.end
    )


def say(text: str) -> None:
    """A line of progress for people, on stderr: stdout is the table's."""
    sys.stderr.write(f"\r\033[K{text}\n" if sys.stderr.isatty() else f"{text}\n")
    sys.stderr.flush()


class Ticker:
    """Shows once a second how a count grows, while a block runs."""

    def __init__(self, label: str, count: Callable[[], int]) -> None:
        self._label = label
        self._count = count
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        say(f"  {self._label} …")
        self._task = asyncio.create_task(self._tick())

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _tick(self) -> None:
        if not sys.stderr.isatty():
            return
        last = self._count()
        for second in range(1, 100_000):
            await asyncio.sleep(1)
            now = self._count()
            sys.stderr.write(f"\r\033[K    {second} s  {now:,} so far, {now - last:,}/s")
            sys.stderr.flush()
            last = now
