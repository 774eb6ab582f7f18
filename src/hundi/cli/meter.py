"""A bar of progress for work that takes longer than a second, on a terminal's stderr."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import Progress, TaskID

PATIENCE_SECONDS = 1


class Meter:
    """Shows how far work has come; called with what is done and with all there is to do."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._begun = time.monotonic()
        self._bar = Progress(console=Console(stderr=True), transient=True)
        self._task: TaskID | None = None

    def __call__(self, done: int, whole: int) -> None:
        """Show it, once the work has taken longer than a second."""
        if time.monotonic() - self._begun < PATIENCE_SECONDS or not self._bar.console.is_terminal:
            return
        if self._task is None:
            self._bar.start()
            self._task = self._bar.add_task(self._what)
        self._bar.update(self._task, completed=done, total=whole)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._bar.stop()
