"""Atheris on everything that strangers' bytes reach before they are known."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from proof.fuzzing.targets import CASES, ROOT, TARGETS, Target
from proof.part import MEMORY, Figure, Part, ProofError, Run, at_least, none, told

SLOWEST = 5
"""Seconds for one input; a server that took longer would be worn out by few."""
MEMORY_MIB = 2048
_ENVIRONMENT = ROOT / ".venv-fuzz"
_PINS = ROOT / "requirements" / "fuzz.txt"
_DONE = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
_COVERED = re.compile(r"cov: (\d+)")
_TOLD = 3000


@dataclass(frozen=True, slots=True)
class Seen:
    """What one target's run came to; `broken` is the end of its output where it broke."""

    name: str
    runs: int
    covered: int
    broken: str


def _installed() -> Path:
    """Atheris in a folder of its own: .venv must also be built where it has no wheel."""
    stamp = _ENVIRONMENT / _PINS.name
    if stamp.exists() and stamp.read_bytes() == _PINS.read_bytes():
        return _ENVIRONMENT
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--upgrade", "--require-hashes"]
    install += ["--only-binary", ":all:", "--target", str(_ENVIRONMENT), "-r", str(_PINS)]
    made = subprocess.run(install, check=False, capture_output=True, text=True)
    if made.returncode:
        raise ProofError(f"Atheris cannot be installed here: {made.stderr.strip()[-500:]}")
    stamp.write_bytes(_PINS.read_bytes())
    return _ENVIRONMENT


def _keep(target: Target, found: Path) -> None:
    """From now on a test tries it."""
    kept = CASES / target.name / found.name
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(found.read_bytes())


async def _fuzzed(target: Target, run: Run, *, seconds: int) -> Seen:
    corpus, found = run.folder / target.name, run.folder / f"{target.name}-broken"
    corpus.mkdir()
    found.mkdir()
    others = os.environ.get("PYTHONPATH", "")  # sources that were broken on purpose
    path = [*filter(None, [others]), str(_installed()), str(ROOT)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "proof.fuzzing", target.name, str(corpus),
        f"-max_total_time={seconds}", f"-seed={run.seed}", f"-timeout={SLOWEST}",
        f"-rss_limit_mb={MEMORY_MIB}", f"-artifact_prefix={found}/", "-print_final_stats=1",
        cwd=ROOT, env=os.environ | {"PYTHONPATH": os.pathsep.join(path)},
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        _, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    text = errors.decode(errors="replace")
    for file in found.iterdir():
        run.progress.say(f"{target.name}: {file.read_bytes()!r}"[:_TOLD])
        if not others:
            _keep(target, file)
    if process.returncode:
        run.progress.say(f"{target.name}: {text[-_TOLD:]}")
    return Seen(
        target.name,
        int((_DONE.findall(text) or ["0"])[-1]),
        int((_COVERED.findall(text) or ["0"])[-1]),
        text[-300:] if process.returncode else "",
    )


async def measure(run: Run) -> Sequence[Figure]:
    """Every target for so long, as many at a time as there are cores."""
    await asyncio.to_thread(_installed)
    seconds = run.size(full=300, brief=20, tiny=2)
    run.progress.goal(f"targets for {seconds} s each", len(TARGETS))
    together, done = asyncio.Semaphore(os.cpu_count() or 1), 0

    async def one(target: Target) -> Seen:
        nonlocal done
        async with together:
            seen = await _fuzzed(target, run, seconds=seconds)
        done += 1
        run.progress.at(done, f"{target.name}: {seen.runs:,} inputs")
        return seen

    seen = await asyncio.gather(*map(one, TARGETS))
    return [
        none("inputs that broke a promise, hung, or took too much memory", _broken(seen)),
        *(none(f"{one.name}: broken", 1) for one in seen if one.broken),
        at_least("targets that got anywhere", len(TARGETS), seen=sum(one.runs > 0 for one in seen)),
        told("inputs", f"{sum(one.runs for one in seen):,}"),
        *(told(one.name, f"{one.runs:,} inputs, {one.covered:,} branches") for one in seen),
    ]


def _broken(seen: Sequence[Seen]) -> int:
    return sum(bool(one.broken) for one in seen)


PART = Part(
    name="fuzz",
    promise="No bytes of a stranger's break what reads them first, hang it, or are read in two ways.",
    databases=(MEMORY,),
    run=measure,
)
