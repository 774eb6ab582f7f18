"""What the log says of a worker that cannot start: the database's trouble is no fault of ours."""

import json
import signal
import subprocess
import sys

import pytest

_PARENT = """
import sys
from dataclasses import replace

from hundi.kernel.settings import CannotServeError
from hundi.observing.masking import Masking
from hundi.observing.setup import log_to_stderr
from hundi.serving.workers import supervise
from hundi.store.engine import CommitUnknownError, UnavailableError
from tests.serving.test_connections import _SETTINGS


def run(settings, seat):
    raise {error}


settings = replace(_SETTINGS, database_url="postgresql:///nowhere", workers=2, role="api")
log_to_stderr(settings, Masking())
sys.exit(supervise(settings, run))
"""


@pytest.mark.parametrize(
    ("error", "event", "level"),
    [
        ("UnavailableError('db1:5432: gone')", "worker-waits-for-database", "warning"),
        ("CommitUnknownError('gone')", "worker-waits-for-database", "warning"),
        ("CannotServeError('a bad setting')", "worker-cannot-serve", "error"),
        ("KeyError('a mistake of ours')", "worker-ended-by-error", "critical"),
    ],
)
def test_why_a_worker_ended_is_told(error: str, event: str, level: str) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT.format(error=error)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert parent.stderr is not None
        line = json.loads(parent.stderr.readline())
        parent.send_signal(signal.SIGTERM)
        parent.communicate(timeout=30)
    finally:
        parent.kill()
    assert (line["event"], line["level"]) == (event, level)
    assert line["worker"] in {"api-1", "api-2"}
    assert ("exception" in line) == (level == "critical")
    assert parent.returncode == 0
