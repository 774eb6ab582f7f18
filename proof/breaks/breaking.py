"""What a break is, and how a copy of the sources is broken by it."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from proof.part import SQLITE, Length

SOURCES = Path(__file__).parents[2] / "src"
END = "the part came to its end"
"""The figure of a part that could not go on."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One place: a file under src/hundi, what stands there exactly once, what is put there."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """One wrong thing, and the part that has to find it.

    `finds` are beginnings of figures that must be missed, each; `beside` of those that may be. No
    other figure may be: a part that is red everywhere does not say what is wrong.
    """

    name: str
    edits: tuple[Edit, ...]
    part: str
    finds: tuple[str, ...]
    beside: tuple[str, ...] = ()
    length: Length = Length.TINY
    database: str = SQLITE

    @property
    def stale(self) -> list[str]:
        """Files in which the place is not found, or found several times."""
        return [e.file for e in self.edits if _text(SOURCES, e).count(e.old) != 1]


def broken_copy(one: Break, folder: Path) -> Path:
    """The sources with these edits, below a new folder; what Python's path has to begin with."""
    into = folder / "src"
    shutil.copytree(SOURCES, into, ignore=shutil.ignore_patterns("__pycache__"))
    for edit in one.edits:
        (into / "hundi" / edit.file).write_text(_text(into, edit).replace(edit.old, edit.new))
    return into


def _text(sources: Path, edit: Edit) -> str:
    path = sources / "hundi" / edit.file
    return path.read_text() if path.exists() else ""
