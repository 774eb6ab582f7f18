"""Time for processes that are started and stopped, on a machine that may be slow and busy."""

from collections.abc import Iterator

import pytest

from hundi.cli import stage

SECONDS = 240


@pytest.fixture(autouse=True, scope="module")
def slow_processes() -> Iterator[None]:
    """One that is made to end leaves what it was at, which nobody expects of a gentle stop."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage, "READY_SECONDS", SECONDS)
        patch.setattr(stage, "STOP_SECONDS", SECONDS)
        yield
