"""Shows what is being done, how far it is, the figures so far, and the time that is left."""

import sys
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import (
    Progress as Bars,
)

PLAIN_SECONDS = 15.0
"""Where nobody watches a terminal, so often a line."""


@dataclass(slots=True)
class Progress:
    """One line that moves on a terminal; elsewhere a line now and then. A context manager."""

    name: str
    console: Console = field(default_factory=lambda: Console(stderr=True))
    _what: str = ""
    _total: int = 0
    _began: float = 0.0
    _said: float = 0.0
    _bars: Bars = field(init=False)

    def __post_init__(self) -> None:
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[told]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def goal(self, what: str, total: int) -> None:
        """Begin to count towards `total`: another stage of the same part."""
        for task in self._bars.task_ids:
            self._bars.remove_task(task)
        self._bars.add_task(f"{self.name}: {what}", total=total, told="")
        self._what, self._total = what, total
        self._began = self._said = time.monotonic()
        self._plain(f"{what} …")

    def at(self, done: int, told: str = "") -> None:
        """Say how far it is. `told` are the figures so far, in few words."""
        for task in self._bars.task_ids:
            self._bars.update(task, completed=done, told=told)
        now = time.monotonic()
        if now - self._said >= PLAIN_SECONDS:
            self._said = now
            passed = now - self._began
            left = passed / done * (self._total - done) if done else 0.0
            self._plain(
                f"{self._what}, {done:,} of {self._total:,}, {told};"
                f" {passed:.0f} s so far, about {left:.0f} s left"
            )

    def say(self, text: str) -> None:
        """A line that stays."""
        self.console.print(f"{self.name}: {text}", markup=False, highlight=False)

    def _plain(self, text: str) -> None:
        if not self.console.is_terminal:
            sys.stderr.write(f"{self.name}: {text}\n")
            sys.stderr.flush()
