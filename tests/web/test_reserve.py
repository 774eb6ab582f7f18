"""The reserve of file handles: given up when none is left, taken back when there is room."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from hundi.web.reserve import SIZE, Reserve


@contextmanager
def no_handles() -> Iterator[None]:
    """This process may open nothing more."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken: list[int] = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest() + 8, before[1]))
    try:
        with suppress(OSError):
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        yield
    finally:
        for one in taken:
            os.close(one)
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def highest() -> int:
    return max(int(path.name) for path in Path("/proc/self/fd").iterdir())


def opened(count: int) -> int:
    """How many files can be opened, so many at most."""
    found: list[int] = []
    with suppress(OSError):
        while len(found) < count:
            found.append(os.open(os.devnull, os.O_RDONLY))
    for one in found:
        os.close(one)
    return len(found)


@pytest.mark.logs("no-file-handles")
def test_it_is_given_up_and_taken_back() -> None:
    reserve = Reserve()
    reserve.look()
    assert not reserve.starved
    with no_handles():
        assert opened(1) == 0
        reserve.look()
        assert reserve.starved
        assert opened(SIZE + 1) == SIZE
        reserve.look()
        assert reserve.starved, "there is room for the reserve and for nothing else"
    reserve.look()
    assert not reserve.starved
    reserve.close()
