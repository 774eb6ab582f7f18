"""A network that waits long: a machine that stands still for seconds is no database that fails.

Rooms whose tests are not about the network's own limits of time take this fixture for all of them.
Where such a limit is what a test shows, it sets a short one itself.
"""

import pytest

from hundi.parties import turns
from hundi.store import hosts, pool, postgres
from hundi.store.batch import GroupCommit
from hundi.web import context, gaps, metrics, operation

SECONDS = 60
_LIMITS = (
    (hosts, "CONNECT_SECONDS"),
    (pool, "WAIT_SECONDS"),
    (turns, "PATIENCE_SECONDS"),
    (context, "PATIENCE_SECONDS"),
    (gaps, "PATIENCE_SECONDS"),
    (metrics, "PATIENCE_SECONDS"),
    (operation, "READY_SECONDS"),
)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for a row, a connection, a batch or a turn gets it, however late."""
    for module, name in _LIMITS:
        monkeypatch.setattr(module, name, SECONDS)
    monkeypatch.setitem(postgres.SETTINGS, "lock_timeout", str(1000 * SECONDS))
    monkeypatch.setitem(GroupCommit.__init__.__kwdefaults__, "patience", SECONDS)
