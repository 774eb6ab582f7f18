"""File handles kept in reserve, so that a server that has none left can still say so.

A connection that finds no handle is closed by the event loop without a word. Where nothing can be
opened any more the reserve is given up: newcomers get in and are told 503, until it can be had back.
"""

import os

import structlog

SIZE = 16

_log = structlog.get_logger()


class Reserve:
    """Handles that nobody uses. `starved` says that they were given up."""

    def __init__(self) -> None:
        self._held = _opened(SIZE)
        self.starved = not self._held

    def look(self) -> None:
        """See whether a file can still be opened; take the reserve back where there is room again."""
        if self.starved:
            self._take_back()
        elif not _opens():
            self.close()
            self.starved = True
            _log.error("no-file-handles", mend="raise the limit of open files (ulimit -n)")

    def _take_back(self) -> None:
        self._held = _opened(SIZE)
        if self._held and not _opens():
            self.close()
        if self._held:
            self.starved = False
            _log.info("file-handles-again")

    def close(self) -> None:
        """Give all of them up."""
        while self._held:
            os.close(self._held.pop())


def _opens() -> bool:
    found = _opened(1)
    for one in found:
        os.close(one)
    return bool(found)


def _opened(count: int) -> list[int]:
    """So many handles, or none."""
    found: list[int] = []
    try:
        for _ in range(count):
            found.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))  # noqa: PERF401 (kept to be closed)
    except OSError:
        for one in found:
            os.close(one)
        return []
    return found
