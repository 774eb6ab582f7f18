"""Time for a journey: it starts a dozen processes, on a machine that may be slow and busy."""

from collections.abc import Iterator

import pytest

from hundi.cli import stage

SECONDS = 600


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The hook is told of all tests, wherever they stand."""
    for item in items:
        if "journeys" in item.path.parts and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(SECONDS))


@pytest.fixture(autouse=True, scope="session")
def _slow_processes_may_start_and_stop() -> Iterator[None]:
    """One that is made to end leaves what it was at, which no journey expects of a gentle stop."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage, "READY_SECONDS", 240)
        patch.setattr(stage, "STOP_SECONDS", 240)
        yield
