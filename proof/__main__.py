"""Prove what is promised: `python -m proof [PART …] [--brief] [--database postgresql]`.

Exits 0 when every figure was reached, 1 when one was missed, 2 for wrong options. The figures are
kept beside the report: a part that did not run keeps its last ones.
"""

import argparse
import asyncio
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

import uvloop

from proof import record, report
from proof.part import BOTH, MEMORY, Figure, Length, MisusedError, Part, ProofError, Run
from proof.parts import PARTS
from proof.progress import Progress
from tests.postgres import NoPostgresError


def options(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line, read; `parts` and `databases` have become lists."""
    known = {part.name: part for part in PARTS}
    parser = argparse.ArgumentParser(prog="python -m proof", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help="none: all of --list")
    parser.add_argument("--list", action="store_true", help="the parts and their promises")
    length = parser.add_mutually_exclusive_group()
    brief, tiny = "the same in minutes", "the same in seconds: does the harness itself work"
    length.add_argument(
        "--brief", dest="length", action="store_const", const=Length.BRIEF, help=brief
    )
    length.add_argument("--tiny", dest="length", action="store_const", const=Length.TINY, help=tiny)
    parser.add_argument("--database", choices=BOTH, help="only this one; else both")
    parser.add_argument("--seed", type=int, default=1, help="of everything that is random")
    parser.add_argument("--into", type=Path, default=Path(__file__).parent, metavar="FOLDER")
    parser.set_defaults(length=Length.FULL)
    chosen = parser.parse_args(arguments)
    if unknown := [name for name in chosen.parts if name not in known]:
        parser.error(f"no part is called {', '.join(unknown)}; --list shows all of them")
    chosen.parts = [known[name] for name in chosen.parts] or list(PARTS)
    return chosen


def main(arguments: Sequence[str]) -> int:
    """Run the parts that were asked for, one after the other; the exit code."""
    chosen = options(arguments)
    if chosen.list:
        for part in PARTS:
            print(f"{part.name:12} {', '.join(part.databases):20} {part.promise}")
        return 0
    chosen.into.mkdir(parents=True, exist_ok=True)
    ran = [
        _prove(part, database, chosen)
        for part in chosen.parts
        for database in part.databases
        if database in {MEMORY, chosen.database} or chosen.database is None
    ]
    if not ran:
        print(f"none of these parts is proved on {chosen.database}", file=sys.stderr)
        return 2
    return 0 if all(one.reached for one in ran) else 1


def _prove(part: Part, database: str, chosen: argparse.Namespace) -> record.Record:
    """Run one part on one database, and write what was seen at once: the next may take hours."""
    made = uvloop.run(_measured(part, database, chosen))
    report.write(chosen.into, PARTS, record.keep(chosen.into, made))
    for figure in made.figures:
        verdict = "" if not figure.wanted else "reached" if figure.reached else "MISSED"
        wanted = f" (wanted {figure.wanted})" if figure.wanted else ""
        print(f"{part.name} {database}: {figure.what}: {figure.seen}{wanted} {verdict}".rstrip())
    return made


async def _measured(part: Part, database: str, chosen: argparse.Namespace) -> record.Record:
    _heed_termination()
    machine, commit, began = await record.conditions(), record.commit(), monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="hundi-proof-", dir=_disk()) as folder,
        Progress(f"{part.name} on {database}") as progress,
    ):
        run = Run(
            part=part.name, database=database, length=chosen.length, seed=chosen.seed,
            folder=Path(folder), progress=progress,
        )  # fmt: skip
        figures = await _figures(part, run)
    return record.Record(
        part=part.name, database=database, length=chosen.length, date=record.today(),
        commit=commit, seed=chosen.seed, seconds=round(monotonic() - began, 1),
        machine=machine, durability=run.durability, figures=figures,
    )  # fmt: skip


def _heed_termination() -> None:
    """On SIGTERM, as on Ctrl-C, stop the part's processes and remove its files first."""
    running = asyncio.current_task()
    if running is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)


async def _figures(part: Part, run: Run) -> Sequence[Figure]:
    """The part's figures; one that says why where it could not go on."""
    try:
        return await part.run(run)
    except MisusedError:
        raise
    except (ProofError, NoPostgresError) as error:
        why = str(error)
    except Exception as error:  # noqa: BLE001 (one part's end is not the others')
        run.progress.console.print_exception()
        why = f"{type(error).__name__}: {error}"
    return [Figure("the part came to its end", "yes", f"no: {why[:2000]}", reached=False)]


def _disk() -> str | None:
    """A folder on a disk: /tmp may be memory, /var/tmp is not."""
    return "/var/tmp" if Path("/var/tmp").is_dir() else None


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except MisusedError as misused:
        print(misused, file=sys.stderr)
        sys.exit(2)
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit("stopped; the parts before are in the report")
