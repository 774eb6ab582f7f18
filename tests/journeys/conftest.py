"""Time for a journey: it starts a dozen processes."""

import pytest

from tests.journeys.patience import slow_processes

__all__ = ["slow_processes"]

SECONDS = 600


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The hook is told of all tests, wherever they stand."""
    for item in items:
        if "journeys" in item.path.parts and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(SECONDS))
