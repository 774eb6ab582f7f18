"""What was measured, kept as JSON: the last record of each part, database and length."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import machine
from proof.part import Figure

FILE = "figures.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One run of a part: its figures and the conditions under which they came about."""

    part: str
    database: str
    length: str
    date: str
    commit: str
    seed: int
    seconds: float
    machine: Mapping[str, str]
    durability: Mapping[str, str]
    figures: Sequence[Figure]

    @property
    def reached(self) -> bool:
        """Whether no figure was missed."""
        return all(figure.reached for figure in self.figures)

    @property
    def key(self) -> tuple[str, str, str]:
        """What a later run replaces."""
        return self.part, self.database, self.length


def read(folder: Path) -> list[Record]:
    """The records kept in a folder; none where there is no file yet."""
    path = folder / FILE
    rows: list[dict[str, Any]] = json.loads(path.read_text()) if path.exists() else []
    return [Record(**row | {"figures": [Figure(**f) for f in row["figures"]]}) for row in rows]


def keep(folder: Path, fresh: Record) -> list[Record]:
    """Put a record in the place of the one before it, in the file too; all of them."""
    records = [record for record in read(folder) if record.key != fresh.key]
    records = sorted([*records, fresh], key=lambda record: record.key)
    text = json.dumps([asdict(record) for record in records], indent=1, ensure_ascii=False)
    fresh_file = folder / f"{FILE}.new"
    fresh_file.write_text(text + "\n")
    fresh_file.replace(folder / FILE)
    return records


def today() -> str:
    """The date and the minute, UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M")


def commit() -> str:
    """The commit that is measured; `+` where files differ from it, `unknown` outside a checkout."""
    try:
        head = _git("rev-parse", "--short", "HEAD")
        changed = _git("status", "--porcelain", "--", "src", "pyproject.toml")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head + ("+" if changed else "")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


async def conditions() -> dict[str, str]:
    """The machine, and what it was busy with before the part began."""
    return {
        "cores": str(os.cpu_count()),
        "busy before": f"{await machine.load_before():.0f} %",
        "load average": f"{os.getloadavg()[0]:.2f}",
        "python": platform.python_version(),
        "kernel": platform.release().split("-")[0],
    }
