"""A primary's folder is put back from a backup. The standby still holds what came after it."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.two_servers import TwoServers, two_servers
from tests.postgres import _owner, binaries
from tests.until import until_seen

ALL = "select coalesce(string_agg(number::text, ' ' order by number), '') from kept"
SAFE = "it can be promoted without loss"


@pytest.fixture(scope="module")
def servers(request: pytest.FixtureRequest) -> Iterator[TwoServers]:
    if binaries() is None:
        request.getfixturevalue("postgres")  # skips, or fails where it is required
    with two_servers() as made:
        made.sql("a", "create table kept (number int)")
        yield made


def test_a_lost_folder_is_not_replaced_by_an_empty_server(servers: TwoServers) -> None:
    first, _ = _places(servers)
    servers.done("down")
    data = servers.home / first
    data.rename(servers.home / "away")
    assert "Put them back" in _failed(servers, "up")
    assert not data.exists()
    (servers.home / "away").rename(data)
    assert "Copying" not in servers.done("up")
    assert SAFE in servers.safe()


def test_a_restored_primary_may_be_further_than_its_old_standby(servers: TwoServers) -> None:
    """The same positions of the same timeline, and something else there."""
    first, second = _places(servers)
    servers.sql(first, "truncate kept")
    backup = _backup(servers, first)
    servers.sql(first, "insert into kept values (2)")
    servers.done("down")
    _put_back(servers, first, backup)
    _start(servers, first)
    servers.done("alone")
    servers.sql(first, "insert into kept select 1 from generate_series(1, 3000)")
    servers.sql(first, "delete from kept where ctid <> '(0,1)'")

    assert f"Copying server {first} to server {second}" in servers.done("rejoin")
    _are_one(servers)


def test_a_copy_in_the_same_files_is_known_by_its_position(servers: TwoServers) -> None:
    """As a volume that is rolled back: only the positions tell."""
    first, second = _places(servers)
    _keeps_one_row(servers, first)
    servers.done("down")
    data = servers.home / first
    copy = shutil.copytree(data, servers.home / "copy")
    servers.done("up")
    servers.sql(first, "insert into kept select 2 from generate_series(1, 999)")
    servers.done("down")
    for path in sorted(data.rglob("*"), reverse=True):
        if not (copy / path.relative_to(data)).exists():
            path.rmdir() if path.is_dir() else path.unlink()
    shutil.copytree(copy, data, dirs_exist_ok=True)
    _own(servers, data)

    _is_not_safe_started_by_hand(servers)
    said = servers.done("up")
    assert "holds what server" in said
    assert f"Copying server {first} to server {second}" in said
    _are_one(servers)


def test_a_standby_from_before_the_restore_is_never_promoted(servers: TwoServers) -> None:
    first, second = _places(servers)
    _keeps_one_row(servers, first)
    backup = _backup(servers, first)
    servers.sql(first, "insert into kept select 2 from generate_series(1, 999)")
    servers.done("down")
    _put_back(servers, first, backup)

    # The settings in the backup say that they are in sync.
    _is_not_safe_started_by_hand(servers)
    assert f"Copying server {first} to server {second}" in servers.done("up")
    _are_one(servers)
    servers.kill(first)
    servers.done("promote")
    assert servers.sql(second, ALL) == "1 3"
    assert "was wound back" in servers.done("rejoin")


def _keeps_one_row(servers: TwoServers, first: str) -> None:
    servers.sql(first, "truncate kept")
    servers.sql(first, "insert into kept values (1)")


def _is_not_safe_started_by_hand(servers: TwoServers) -> None:
    first, second = _places(servers)
    _start(servers, second)
    _start(servers, first)
    assert SAFE not in _failed(servers, "status")
    assert "may lack acknowledged requests" in _failed(servers, "promote")


def _are_one(servers: TwoServers) -> None:
    """What the primary has is on the standby, and what it acknowledges too."""
    first, second = _places(servers)
    assert SAFE in servers.safe()
    servers.sql(first, "insert into kept values (3)")
    until_seen(lambda: servers.sql(second, ALL) == "1 3")
    assert servers.sql(first, ALL) == "1 3"


def _places(servers: TwoServers) -> tuple[str, str]:
    first = (servers.home / "primary").read_text()
    return first, "b" if first == "a" else "a"


def _failed(servers: TwoServers, *words: str) -> str:
    ran = servers.run(*words)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


def _backup(servers: TwoServers, first: str) -> Path:
    """A base backup, as the guide has it."""
    programs = binaries()
    assert programs is not None
    folder = servers.home / "backup"
    shutil.rmtree(folder, ignore_errors=True)
    where = ("-h", "127.0.0.1", "-p", str(servers.ports[first]), "-U", "replicator")
    password = (servers.home / "secrets" / "replicator").read_text()
    subprocess.run(
        [programs / "pg_basebackup", *where, "-D", folder, "-X", "stream", "-c", "fast"],
        env=os.environ | {"PGPASSWORD": password}, check=True, timeout=240,
    )  # fmt: skip
    return folder


def _put_back(servers: TwoServers, first: str, backup: Path) -> None:
    data = servers.home / first
    shutil.rmtree(data)
    shutil.copytree(backup, data)
    _own(servers, data)


def _own(servers: TwoServers, data: Path) -> None:
    """As the guide has it: the servers' owner, and nobody else."""
    kept = (servers.home / "primary").stat()
    for path in (data, *data.rglob("*")):
        os.chown(path, kept.st_uid, kept.st_gid)
    data.chmod(0o700)


def _start(servers: TwoServers, server: str) -> None:
    programs, owner = binaries(), _owner()
    assert programs is not None
    log, data = servers.home / f"{server}.log", servers.home / server
    user = ["runuser", "-u", owner.pw_name, "--"] if owner else []
    subprocess.run(
        [*user, programs / "pg_ctl", "-D", data, "-l", log, "-w", "-s", "start"],
        check=True, timeout=240, cwd="/",
    )  # fmt: skip
