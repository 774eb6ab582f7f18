"""Run the benchmark: `python -m bench [--quick] [--only pgbench,control,trade] [--on sqlite]`.

Exits 0 when the counts agree, whatever the figures; 1 when the run is invalid, saying why; 2 for
wrong options. Targets that were missed are printed, not punished.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import uvloop

from bench import database, floors, machine, report
from bench.ground import Ground
from bench.hundi import Hundi
from bench.pipeline import TradeTrial
from bench.report import Outcome
from bench.server import BenchError
from bench.sizes import SizeTrial
from bench.stage import Figure, Settings, Stage, say
from bench.trial import Trial
from hundi.store import sqlite

PARTS = ("pgbench", "control", "postgres", "sqlite", "trade", "lines")
DATABASES = ("postgres", "sqlite")
BUSY_PERCENT = 15


def options(arguments: list[str]) -> argparse.Namespace:
    """The command line, read; `--only` and `--on` have become lists."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2 s a stretch: does it work at all")
    parser.add_argument("--only", default=",".join(PARTS), help="some of " + ",".join(PARTS))
    parser.add_argument("--on", default=",".join(DATABASES), help="databases of trade and lines")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the outcome there too")
    parser.add_argument("--seconds", type=float, default=10, help="measured, after a warm-up of 3")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--workers", default="1", help="of hundi on PostgreSQL: 1,2 measures both")
    parser.add_argument("--window", type=int, default=512, help="exchanges under way at most")
    parser.add_argument("--postgres", metavar="URL", help="a cluster to use; else a private one")
    parser.add_argument("--hundi", type=Path, default=Path(sys.executable).with_name("hundi"))
    chosen = parser.parse_args(arguments)
    for option, known in (("only", PARTS), ("on", DATABASES)):
        told = getattr(chosen, option).split(",")
        if unknown := set(told) - set(known):
            parser.error(f"--{option} knows {', '.join(known)}, not {', '.join(sorted(unknown))}")
        setattr(chosen, option, told)
    counts = chosen.workers.split(",")
    if not all(count.isdecimal() and 1 <= int(count) <= 64 for count in counts):
        parser.error("--workers takes numbers from 1 to 64, with commas between them")
    chosen.workers = list(map(int, counts))
    if set(chosen.only) - {"pgbench", "control"} and not chosen.hundi.exists():
        parser.error(f"there is no {chosen.hundi}; make venv installs it")
    return chosen


def main() -> int:
    """Run what was asked for, with a PostgreSQL cluster behind it where one is needed."""
    chosen = options(sys.argv[1:])
    if Wanted(chosen).postgres and not chosen.postgres:
        _again_with_a_cluster()
    outcome = Outcome()
    try:
        with tempfile.TemporaryDirectory(prefix="hundi-bench-", dir=_scratch()) as folder:
            uvloop.run(Run(chosen, Path(folder), outcome).run())
    except BenchError as error:
        outcome.faults.append(str(error))
    sys.stdout.write(report.printed(outcome) + "\n")
    if chosen.json:
        chosen.json.write_text(json.dumps(outcome.as_json(), indent=1) + "\n")
    return 1 if outcome.faults else 0


def _again_with_a_cluster() -> None:
    """Start over under the tests' private cluster, which is gone when the benchmark ends."""
    inner = 'exec "$@" --postgres "$HUNDI_DATABASE_URL"'
    again = ["sh", "-c", inner, "sh", sys.executable, "-m", "bench", *sys.argv[1:]]
    command = [sys.executable, "-m", "tests.postgres", "run", "--", *again]
    os.execv(sys.executable, command)


def _scratch() -> str | None:
    """A folder on a disk: /tmp may be memory, /var/tmp is not."""
    return "/var/tmp" if Path("/var/tmp").is_dir() else None


async def _machine() -> dict[str, object]:
    before = await machine.load_before()
    if before > BUSY_PERCENT:
        say(f"The machine is {before:.0f} % busy before the start: the figures will suffer.")
    return {
        "cores": os.cpu_count(),
        "busy before the start": f"{before:.0f} %",
        "load average": f"{os.getloadavg()[0]:.2f}",
        "python": platform.python_version(),
        "kernel": platform.release().split("-")[0],
    }


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for, by database."""

    chosen: argparse.Namespace

    @property
    def floors(self) -> set[str]:
        """The floors to measure."""
        return {"pgbench", "control"} & set(self.chosen.only)

    @property
    def postgres(self) -> bool:
        """Whether a cluster is needed."""
        return bool(self.floors or self.trials("postgres"))

    def trials(self, database: str) -> list[str]:
        """What is tried on one database: `acks`, `trade`, `lines`."""
        found = ["acks"] if database in self.chosen.only else []
        if database in self.chosen.on:
            found += [part for part in ("trade", "lines") if part in self.chosen.only]
        return found


@dataclass(frozen=True, slots=True)
class Run:
    """One run: what was asked for, a folder of its own, and the outcome that it fills."""

    chosen: argparse.Namespace
    folder: Path
    outcome: Outcome

    async def run(self) -> None:
        """Measure the parts that were asked for. Raises BenchError when one cannot go on."""
        wanted = Wanted(self.chosen)
        self.outcome.machine = await _machine()
        if wanted.postgres:
            await self._on_postgres(wanted)
        if trials := wanted.trials("sqlite"):
            self.outcome.durability["SQLite"] = _sqlite_settings(self.folder)
            stage = Stage(processes={}, disk=self.folder)
            for part in trials:
                url = f"sqlite:///{self.folder / part}.db"
                hundi = Hundi(self.chosen.hundi, url, self.folder)
                await self._try(part, "SQLite", hundi, stage=stage)

    @property
    def _settings(self) -> Settings:
        quick = self.chosen.quick
        return Settings(
            warm_up=1 if quick else 3,
            seconds=2 if quick else self.chosen.seconds,
            connections=self.chosen.connections,
            window=self.chosen.window,
            quick=quick,
        )

    async def _cluster(self) -> Stage:
        """Note what PostgreSQL says of its durability; its processes and disk, to be watched."""
        cluster = await database.settings(self.chosen.postgres)
        data = Path(cluster.pop("data_directory"))
        root = database.postmaster(data)
        disk = data if root else self.folder
        if root:
            cluster["file system"] = machine.filesystem(disk)
        self.outcome.durability["PostgreSQL"] = cluster
        return Stage(processes={"postgres": root} if root else {}, disk=disk)

    async def _on_postgres(self, wanted: Wanted) -> None:
        stage = await self._cluster()
        if wanted.floors:
            await self._floors(stage, wanted.floors)
        for part, workers in product(wanted.trials("postgres"), self.chosen.workers):
            name = "PostgreSQL" if workers == 1 else f"PostgreSQL by {workers} workers"
            async with database.fresh(self.chosen.postgres, "hundi_bench") as url:
                await self._try(
                    part, name, Hundi(self.chosen.hundi, url, self.folder, workers), stage=stage
                )
        if wanted.floors and wanted.trials("postgres"):
            await self._floors(stage, wanted.floors, again=report.AGAIN)

    async def _floors(self, stage: Stage, wanted: set[str], *, again: str = "") -> None:
        figures: list[Figure] = []
        async with database.fresh(self.chosen.postgres, "hundi_bench") as url:
            if "pgbench" in wanted:
                figures.append(await floors.pgbench(url, self._settings, watched=stage))
            if "control" in wanted:
                found, faults = await floors.control(
                    url, self._settings, logs=self.folder, watched=stage
                )
                figures += found
                self.outcome.faults += faults
        self.outcome.figures += [replace(one, name=one.name + again) for one in figures]

    async def _try(self, part: str, name: str, hundi: Hundi, *, stage: Stage) -> None:
        trial = self._trial(part, name, hundi, stage=stage)
        try:
            await trial.run()
        finally:
            self.outcome.figures += trial.figures
            self.outcome.faults += trial.faults
            about = name if part == "acks" else f"{name}, {part}"
            self.outcome.memories[about] = trial.memories
            if isinstance(trial, SizeTrial):
                self.outcome.sizes += trial.sizes

    def _trial(self, part: str, name: str, hundi: Hundi, *, stage: Stage) -> Ground:
        settings = self._settings
        if part == "trade":
            return TradeTrial(name=name, hundi=hundi, stage=stage, settings=settings)
        if part == "lines":
            return SizeTrial(name=name, hundi=hundi, stage=stage, settings=settings)
        apart = name.startswith("PostgreSQL")
        return Trial(name=name, hundi=hundi, stage=stage, settings=settings, apart=apart)


def _sqlite_settings(folder: Path) -> dict[str, str]:
    """The pragmas of a connection opened by the function that the server opens its own with.

    They belong to a connection, so no other process can ask the server's; the flushes that the
    disk counts during the measured stretches are the other half of the proof.
    """
    connection = sqlite.connect(str(folder / "pragmas.db"))
    names = ("journal_mode", "synchronous")
    found = {name: str(connection.execute(f"pragma {name}").fetchone()[0]) for name in names}
    connection.close()
    level = {"0": "OFF", "1": "NORMAL", "2": "FULL", "3": "EXTRA"}
    found["synchronous"] = level[found["synchronous"]]
    return found | {"file system": machine.filesystem(folder)}


if __name__ == "__main__":
    sys.exit(main())
