"""Run the benchmark: `python -m bench [--quick] [--only control,pgbench,postgres,sqlite]`.

Exits 0 when the counts agree, whatever the figures; 1 when the run is invalid, saying why; 2 for
wrong options. Targets that were missed are printed, not punished.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import uvloop

from bench import database, floors, machine, report
from bench.hundi import Hundi
from bench.report import Outcome
from bench.server import BenchError
from bench.stage import Settings, Stage, say
from bench.trial import Trial
from hundi.store import sqlite

PARTS = ("pgbench", "control", "postgres", "sqlite")
BUSY_PERCENT = 15


def options(arguments: list[str]) -> argparse.Namespace:
    """The command line, read; `--only` has become a list."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2 s a stretch: does it work at all")
    parser.add_argument("--only", default=",".join(PARTS), help="some of " + ",".join(PARTS))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the outcome there too")
    parser.add_argument("--seconds", type=float, default=10, help="measured, after a warm-up of 3")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--window", type=int, default=512, help="exchanges under way at most")
    parser.add_argument("--postgres", metavar="URL", help="a cluster to use; else a private one")
    parser.add_argument("--hundi", type=Path, default=Path(sys.executable).with_name("hundi"))
    chosen = parser.parse_args(arguments)
    chosen.only = chosen.only.split(",")
    if unknown := set(chosen.only) - set(PARTS):
        parser.error(f"--only knows {', '.join(PARTS)}, not {', '.join(sorted(unknown))}")
    if {"postgres", "sqlite"} & set(chosen.only) and not chosen.hundi.exists():
        parser.error(f"there is no {chosen.hundi}; make venv installs it")
    return chosen


def main() -> int:
    """Run what was asked for, with a PostgreSQL cluster behind it where one is needed."""
    chosen = options(sys.argv[1:])
    if set(chosen.only) - {"sqlite"} and not chosen.postgres:
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
        "kernel": platform.release(),
    }


@dataclass(frozen=True, slots=True)
class Run:
    """One run: what was asked for, a folder of its own, and the outcome that it fills."""

    chosen: argparse.Namespace
    folder: Path
    outcome: Outcome

    async def run(self) -> None:
        """Measure the parts that were asked for. Raises BenchError when one cannot go on."""
        wanted = set(self.chosen.only)
        self.outcome.machine = await _machine()
        if wanted - {"sqlite"}:
            await self._on_postgres(wanted)
        if "sqlite" in wanted:
            self.outcome.durability["SQLite"] = _sqlite_settings(self.folder)
            url = f"sqlite:///{self.folder / 'hundi.db'}"
            stage = Stage(processes={}, disk=self.folder)
            await self._try("SQLite", url, stage=stage, apart=False)

    @property
    def _settings(self) -> Settings:
        quick = self.chosen.quick
        return Settings(
            warm_up=1 if quick else 3,
            seconds=2 if quick else self.chosen.seconds,
            connections=self.chosen.connections,
            window=self.chosen.window,
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

    async def _on_postgres(self, wanted: set[str]) -> None:
        stage = await self._cluster()
        await self._floors(stage, wanted)
        if "postgres" in wanted:
            async with database.fresh(self.chosen.postgres, "hundi_bench") as url:
                await self._try("PostgreSQL", url, stage=stage, apart=True)

    async def _floors(self, stage: Stage, wanted: set[str]) -> None:
        async with database.fresh(self.chosen.postgres, "hundi_bench") as url:
            if "pgbench" in wanted:
                self.outcome.figures.append(
                    await floors.pgbench(url, self._settings, watched=stage)
                )
            if "control" in wanted:
                figures, faults = await floors.control(
                    url, self._settings, logs=self.folder, watched=stage
                )
                self.outcome.figures += figures
                self.outcome.faults += faults

    async def _try(self, name: str, url: str, *, stage: Stage, apart: bool) -> None:
        hundi = Hundi(self.chosen.hundi, url, self.folder)
        trial = Trial(name=name, hundi=hundi, stage=stage, settings=self._settings, apart=apart)
        try:
            await trial.run()
        finally:
            self.outcome.figures += trial.figures
            self.outcome.faults += trial.faults
            self.outcome.memories[name] = trial.memories


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
