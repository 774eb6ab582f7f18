"""Databases for the tests: a fresh one for each test, of each kind.

A test that takes `database_url` runs twice, on SQLite and on PostgreSQL. PostgreSQL is started when
the first test needs it. Where it is not installed those tests are skipped, told once in the summary;
with HUNDI_REQUIRE_POSTGRES=1 they fail instead.
"""

import asyncio
import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from hundi.store.migrate import upgrade
from tests.keys import KEY
from tests.loud import heard, listen
from tests.postgres import Cluster, NoPostgresError, cluster
from tests.spares import Spares
from tests.trade.filled import fill

# What tests and the processes that they start keep secrets with, on either database.
os.environ.setdefault("HUNDI_SECRET_KEYS", KEY)
# An example's seconds on a busy machine say nothing of it; `timeout` ends a test that hangs.
hypothesis.settings.register_profile("hundi", deadline=None)
hypothesis.settings.load_profile("hundi")
_TEMPLATE = "hundi_template"
_FILLED = "hundi_filled"
_NOT_HERE = "PostgreSQL cannot be started"
_NOT_INSTALLED = "is not installed"
_numbers = itertools.count(1)
listen()


@pytest.fixture(autouse=True)
def _errors_are_heard(request: pytest.FixtureRequest) -> Iterator[None]:
    yield from heard(request)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """URL of a fresh, migrated database of either kind."""
    kind = {"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param]
    url: str = request.getfixturevalue(kind)
    return url


@pytest.fixture
def sqlite_url(tmp_path: Path, _sqlite_template: Path) -> str:
    """URL of a fresh, migrated SQLite file."""
    path = tmp_path / "hundi.db"
    shutil.copy(_sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(_postgres_spares: Spares) -> Iterator[str]:
    """URL of a fresh, migrated PostgreSQL database."""
    with _postgres_spares.one() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def filled_url(request: pytest.FixtureRequest) -> str:
    """URL of a database of either kind with trades in it, for tests that break or read them."""
    kind = {"sqlite": "filled_sqlite_url", "postgresql": "filled_postgres_url"}[request.param]
    url: str = request.getfixturevalue(kind)
    return url


@pytest.fixture
def filled_sqlite_url(tmp_path: Path, _sqlite_filled: Path) -> str:
    """URL of a SQLite file with trades in it."""
    return f"sqlite:///{shutil.copy(_sqlite_filled, tmp_path / 'filled.db')}"


@pytest.fixture
def filled_postgres_url(_postgres_filled: Cluster) -> Iterator[str]:
    """URL of a PostgreSQL database with trades in it."""
    name = f"hundi_{next(_numbers)}"
    yield _postgres_filled.create(name, template=_FILLED)
    _postgres_filled.drop(name)


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """The cluster of this test run; empty databases come from its `create`."""
    try:
        # Durable against the death of processes, which is all that tests bring about.
        with cluster(fsync=False) as running:
            yield running
    except NoPostgresError as error:
        if os.environ.get("HUNDI_REQUIRE_POSTGRES") == "1":
            pytest.fail(f"HUNDI_REQUIRE_POSTGRES=1, but: {error}", pytrace=False)
        pytest.skip(f"{_NOT_HERE}: {error}")


@pytest.fixture(scope="session")
def _postgres_template(postgres: Cluster) -> Cluster:
    upgrade(postgres.create(_TEMPLATE))
    return postgres


@pytest.fixture(scope="session")
def _postgres_spares(_postgres_template: Cluster) -> Iterator[Spares]:
    spares = Spares(_postgres_template, _TEMPLATE)
    yield spares
    spares.close()


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "hundi.db"
    upgrade(f"sqlite:///{path}")
    assert not path.with_name("hundi.db-wal").exists(), "the template must be one file to be copied"
    return path


@pytest.fixture(scope="session")
def _postgres_filled(_postgres_template: Cluster) -> Cluster:
    asyncio.run(fill(_postgres_template.create(_FILLED, template=_TEMPLATE)))
    return _postgres_template


@pytest.fixture(scope="session")
def _sqlite_filled(_sqlite_template: Path) -> Path:
    path = _sqlite_template.with_name("filled.db")
    shutil.copy(_sqlite_template, path)
    asyncio.run(fill(f"sqlite:///{path}"))
    return path


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly what was not tested, whichever process skipped it: half, without PostgreSQL."""
    skipped = terminalreporter.getreports("skipped")
    told = {str(report.longrepr) for report in skipped if _NOT_HERE in str(report.longrepr)}
    if told:
        terminalreporter.section("NOT TESTED ON POSTGRESQL", red=True, bold=True)
        terminalreporter.line(min(told), red=True, bold=True)
    reasons = {str(report.longrepr[-1]) for report in skipped if isinstance(report.longrepr, tuple)}
    for reason in sorted(one for one in reasons if _NOT_INSTALLED in one and _NOT_HERE not in one):
        terminalreporter.line(f"NOT TESTED: {reason}", red=True, bold=True)
