"""What a part is: a promise, the databases it is proved on, and what measures it.

A part returns figures; the frame shows progress, times it, and writes the report.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from random import Random

from proof.progress import Progress

SQLITE = "sqlite"
POSTGRESQL = "postgresql"
MEMORY = "memory"
"""For parts that keep no database of their own on a disk; no choice of databases leaves them out."""
BOTH = (SQLITE, POSTGRESQL)


class ProofError(Exception):
    """A part cannot go on; the text says why. It counts as a figure that was missed."""


class MisusedError(Exception):
    """A part was asked for what there is not, as the text says. It has shown nothing; no record is left."""


class Length(StrEnum):
    """How much of the same is done: `full` as promised, `brief` in minutes, `tiny` in seconds."""

    FULL = "full"
    BRIEF = "brief"
    TINY = "tiny"


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the report. `wanted` is empty where nothing was promised."""

    what: str
    wanted: str
    seen: str
    reached: bool


def none(what: str, seen: int) -> Figure:
    """Of this there may be nothing at all."""
    return Figure(what, "0", f"{seen:,}", seen == 0)


def at_least(what: str, wanted: float, *, seen: float, unit: str = "") -> Figure:
    """The more the better."""
    return Figure(what, f"≥ {_shown(wanted, unit)}", _shown(seen, unit), seen >= wanted)


def at_most(what: str, wanted: float, *, seen: float, unit: str = "") -> Figure:
    """The less the better."""
    return Figure(what, f"≤ {_shown(wanted, unit)}", _shown(seen, unit), seen <= wanted)


def told(what: str, seen: str) -> Figure:
    """Said for the reader; nothing was promised."""
    return Figure(what, "", seen, reached=True)


def _shown(value: float, unit: str) -> str:
    text = f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"
    return f"{text} {unit}".strip()


@dataclass(slots=True, kw_only=True)
class Run:
    """One part on one database. `folder` lies on a disk and is gone afterwards.

    `durability` is filled by what opens the database; the report shows it beside the figures.
    """

    part: str
    database: str
    length: Length
    seed: int
    folder: Path
    progress: Progress
    durability: dict[str, str] = field(default_factory=dict)

    def size(self, *, full: int, brief: int, tiny: int) -> int:
        """The number that belongs to the length of this run."""
        return {Length.FULL: full, Length.BRIEF: brief, Length.TINY: tiny}[self.length]

    def chance(self, stream: str = "") -> Random:
        """Dice of the seed; each stream of them rolls its own, so that adding one moves no other."""
        return Random(f"{self.seed} {self.part} {stream}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One thing to prove. `promise` is one sentence, `databases` are those it is proved on."""

    name: str
    promise: str
    databases: tuple[str, ...]
    run: Callable[[Run], Awaitable[Sequence[Figure]]]
