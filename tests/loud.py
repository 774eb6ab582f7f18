"""What is logged as an error, by the product or by asyncio, fails the test in which it is.

A mistake in a task, or behind a broad `except` that only logs, would leave a test green. A test that
provokes errors names their events: `@pytest.mark.logs("dispatch-failed")`.
"""

import logging
from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
import structlog

_found: list[str] = []


class _Asyncio(logging.Handler):
    """Hears of tasks whose exception nobody has asked for."""

    def emit(self, record: logging.LogRecord) -> None:
        _found.append(f"asyncio: {record.getMessage()} {record.exc_info}")


def _note(_: Any, level: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if level in {"error", "critical", "exception"}:
        told = " ".join(f"{name}={value!r}" for name, value in event.items() if name != "event")
        _found.append(f"{event.get('event')}: {told}")
    return event


def listen() -> None:
    """Once for all tests of a process."""
    logging.getLogger("asyncio").addHandler(_Asyncio(logging.ERROR))


def heard(request: pytest.FixtureRequest) -> Iterator[None]:
    """The life of a test: whatever is told at its end is none of its own."""
    *processors, last = structlog.get_config()["processors"]
    if _note not in processors:  # of the first test, and behind one that has set up logging itself
        if isinstance(last, structlog.dev.ConsoleRenderer):
            # With the values of all local names a traceback takes half a second to be written.
            last = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        structlog.configure(processors=[_note, *processors, last])
    _found.clear()
    yield
    provoked = {name for mark in request.node.iter_markers("logs") for name in mark.args}
    left = [one for one in _found if one.partition(":")[0] not in provoked]
    assert not left, "\n".join(["logged as an error, and no mark says so:", *left])
