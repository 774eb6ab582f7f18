"""The proofs on trial: a product that was broken on purpose must be found broken, where it is."""

import asyncio
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from proof import record
from proof.breaks import BREAKS
from proof.breaks.breaking import Break, broken_copy
from proof.part import MEMORY, Figure, MisusedError, Part, ProofError, Run, at_least, none, told

ONLY = "HUNDI_BREAKS"
"""Words in the names of the breaks that are wanted, separated by commas; unset: all of them."""
SECONDS = 700
PATIENCE = 60
SHOWN = 60
"""Characters of a missed figure that the report shows."""
QUICK = {"schedule"}
"""Parts whose breaks are tried at the smallest length."""
_ROOT = Path(__file__).parents[2]


@dataclass(slots=True)
class Trials:
    """Tries breaks. `blind` are those that a figure did not show, `astray` those shown elsewhere too."""

    run: Run
    stale: list[str] = field(default_factory=list)
    blind: list[str] = field(default_factory=list)
    astray: list[str] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)

    async def one(self, number: int, broken: Break) -> None:
        """Break a copy, run the part on it, and see which figures it misses."""
        if broken.stale:
            self.stale.append(broken.name)
            return
        began, folder = monotonic(), self.run.folder / str(number)
        folder.mkdir()
        missed = await self._missed(broken, folder)
        found = [wanted for wanted in broken.finds if any(m.startswith(wanted) for m in missed)]
        strange = [m for m in missed if not m.startswith((*broken.finds, *broken.beside))]
        if len(found) < len(broken.finds):
            self._say(self.blind, broken, missed)
        elif strange:
            self._say(self.astray, broken, strange)
        self.run.progress.say(
            f"{broken.name} ({broken.part}, {monotonic() - began:.0f} s): {missed}"
        )
        how = f"{broken.part} {broken.database} {broken.length}, {monotonic() - began:.0f} s"
        self.figures.append(told(broken.name, f"{how}: {'; '.join(map(_cut, missed))}"))
        await asyncio.to_thread(shutil.rmtree, folder)

    def _say(self, into: list[str], broken: Break, missed: Sequence[str]) -> None:
        into.append(broken.name)
        self.run.progress.say(f"{broken.part}, {broken.name}: missed {list(missed)}")

    async def _missed(self, broken: Break, folder: Path) -> list[str]:
        sources = await asyncio.to_thread(broken_copy, broken, folder)
        return await self.proved(broken, sources)

    async def proved(self, broken: Break, sources: Path) -> list[str]:
        """The figures that a part misses with these sources. Raises ProofError where it has none."""
        into = sources.parent / "report"
        arguments = [broken.part, f"--{broken.length}", "--database", broken.database]
        with (sources.parent / "output").open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "proof", *arguments, "--into", str(into),
                cwd=_ROOT, env=os.environ | {"PYTHONPATH": str(sources)},
                stdout=output, stderr=output,
            )  # fmt: skip
            try:
                await asyncio.wait_for(process.wait(), SECONDS)
            except TimeoutError:
                await _ended(process)
                return [f"it did not come to its end within {SECONDS} s"]
            except asyncio.CancelledError:
                await _ended(process)
                raise
        records = record.read(into)
        if not records:
            raise ProofError(f"{broken.part}: {(sources.parent / 'output').read_text()[-2000:]}")
        figures = [figure for one in records for figure in one.figures if not figure.reached]
        missed = [f"{figure.what}, seen {figure.seen[:300]}" for figure in figures]
        if (process.returncode == 1) != bool(missed):
            raise ProofError(f"{broken.part} ended with {process.returncode} and missed {missed}")
        return missed


async def measure(run: Run) -> Sequence[Figure]:
    """One break after the other; and once none at all, which must be found whole."""
    wanted, trials = chosen(run), Trials(run)
    run.progress.goal("breaks", len(wanted))
    whole = Break(name="nothing is broken", edits=(), part="schedule", finds=())
    if ONLY not in os.environ:
        await trials.one(0, whole)
    for number, broken in enumerate(wanted, 1):
        run.progress.at(number - 1, broken.name)
        await trials.one(number, broken)
    run.progress.at(len(wanted), f"{len(trials.blind)} not found")
    return [
        # Of those that were wanted by name: a record of a few says that it is of a few.
        at_least("breaks tried", len(_all(run)), seen=len(wanted) - len(trials.stale)),
        _none("breaks that fit the code no more", trials.stale),
        _none("breaks that their figure did not show", trials.blind),
        _none("breaks that other figures showed, too", trials.astray),
        *trials.figures,
    ]


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Have a part stop its own processes and remove its files."""
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), PATIENCE)
    except TimeoutError:
        process.kill()
        await process.wait()


def _cut(text: str) -> str:
    """The begin of a sentence, to its last whole word."""
    return text if len(text) <= SHOWN else text[:SHOWN].rpartition(" ")[0] + " …"


def _none(what: str, names: Sequence[str]) -> Figure:
    return none(f"{what}: {'; '.join(names)}" if names else what, len(names))


def chosen(run: Run) -> Sequence[Break]:
    """The breaks that are wanted. Raises MisusedError where words name none: they are mistyped."""
    if ONLY not in os.environ:
        return _all(run)
    wanted = [word for each in os.environ[ONLY].split(",") if (word := each.strip())]
    strange = [word for word in wanted if not any(word in one.name for one in BREAKS)]
    if strange or not wanted:
        raise MisusedError(f"{ONLY}: no break has in its name: {', '.join(strange) or 'no words'}")
    return [one for one in BREAKS if any(word in one.name for word in wanted)]


def _all(run: Run) -> Sequence[Break]:
    quick = run.size(full=0, brief=0, tiny=1)
    return [one for one in BREAKS if not quick or one.part in QUICK]


PART = Part(
    name="sabotage",
    promise="Each proof is able to fail: of a product broken on purpose it misses the figure that shows it.",
    databases=(MEMORY,),
    run=measure,
)
