"""Checking, verifying and copying a store from the command line, as an operator does."""

import errno
import json
import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

import pytest

from hundi.cli import journal
from hundi.cli.database import FailedError
from hundi.exchange.sealing.checkpoint import new_keys
from hundi.store import backup
from hundi.store.backup import BackupError, back_up
from hundi.store.engine import Transaction
from hundi.store.opening import sqlite_path
from tests.cli.commands import hundi
from tests.exchange.breaking import change


def test_a_store_in_order(filled_url: str) -> None:
    told = hundi("invariants", url=filled_url)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.splitlines()[-1].split() == ["broken", "0"]
    found = json.loads(hundi("invariants", "--json", url=filled_url).stdout)
    assert found["accepted"] == sum(found["states"].values()) > 20
    assert (found["broken"], found["findings"]) == (0, [])


async def test_a_broken_promise_is_a_line_and_exit_code_1(filled_url: str) -> None:
    await change(filled_url, "delete from delivery where kind = 'REQ' and state = 'QUEUED'")
    told = hundi("invariants", url=filled_url)
    assert told.returncode == 1
    lost = [line for line in told.stdout.splitlines() if "it is lost" in line]
    assert len(lost) == 1
    assert lost[0].startswith("broken: outbox: MSG")
    found = json.loads(hundi("invariants", "--json", url=filled_url).stdout)
    assert found["broken"] == len(found["findings"]) > 0
    assert found["findings"][0].keys() == {"promise", "where", "what"}


def test_nothing_is_made_where_there_is_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/none.db"
    for command in (("invariants",), ("journal", "verify"), ("db", "backup", "x.db")):
        told = hundi(*command, url=url)
        assert told.returncode == 2
        assert "There is no database" in told.stderr
    assert list(tmp_path.iterdir()) == []


async def test_journals_are_verified_and_sealed(filled_url: str, tmp_path: Path) -> None:
    keys = json.loads(hundi("journal", "key", "--json", url=filled_url).stdout)
    unsigned = hundi("journal", "verify", url=filled_url)
    assert unsigned.returncode == 0
    assert "not checked" in unsigned.stdout
    no_key = hundi("journal", "checkpoint", url=filled_url)
    assert (no_key.returncode, "hundi journal key" in no_key.stderr) == (2, True)
    made = hundi("journal", "checkpoint", "--json", url=filled_url, **keys)
    assert json.loads(made.stdout)["checkpoint"] == 1, made.stderr
    file = tmp_path / "heads.jsonl"
    out = ("journal", "checkpoint", "--out", str(file))
    assert hundi(*out, url=filled_url).returncode == 0
    again = hundi(*out, url=filled_url)
    assert (again.returncode, "Name a new file" in again.stderr) == (2, True)
    public = {"HUNDI_JOURNAL_PUBLIC_KEYS": keys["HUNDI_JOURNAL_PUBLIC_KEYS"]}
    verify = ("journal", "verify", "--checkpoint", str(file))
    whole = hundi(*verify, "--json", url=filled_url, **public)
    figures = json.loads(whole.stdout)
    assert (figures["broken"], figures["checkpoints"], figures["signatures"]) == (0, 2, "checked")
    await change(filled_url, "delete from journal where type = 'payment' and sequence > 1")
    told = hundi(*verify, url=filled_url, **public)
    assert told.returncode == 1
    assert "the journal ends at row 1" in told.stdout
    assert "is gone; it was there at checkpoint 1" in told.stdout
    alone = ("journal", "verify", "--document", "purchase-order/PO" + "9" * 33)
    assert hundi(*alone, url=filled_url).returncode == 0


def test_a_file_is_not_believed_without_a_key(filled_sqlite_url: str, tmp_path: Path) -> None:
    """Somebody who rewrites rows can write a file to match; that he cannot sign it must be seen."""
    keys = json.loads(hundi("journal", "key", "--json", url=filled_sqlite_url).stdout)
    hundi("journal", "checkpoint", url=filled_sqlite_url, **keys)
    file = tmp_path / "heads.jsonl"
    hundi("journal", "checkpoint", "--out", str(file), url=filled_sqlite_url)
    first, _, rest = file.read_text().partition("\n")
    forged = json.dumps({**json.loads(first), "signature": "0" * 128})
    file.write_text(f"{forged}\n{rest}")
    verify = ("journal", "verify", "--checkpoint", str(file))
    told = hundi(*verify, url=filled_sqlite_url)
    assert (told.returncode, told.stdout) == (2, "")
    assert "HUNDI_JOURNAL_PUBLIC_KEYS" in told.stderr
    assert hundi(*verify, url=filled_sqlite_url, **keys).returncode == 1
    assert hundi("journal", "verify", url=filled_sqlite_url).returncode == 0


def test_where_there_are_no_checkpoints_no_file_is_written(filled_url: str, tmp_path: Path) -> None:
    file = tmp_path / "out" / "heads.jsonl"
    file.parent.mkdir()
    none = hundi("journal", "checkpoint", "--out", str(file), url=filled_url)
    assert (none.returncode, none.stdout) == (2, "")
    assert "There are no checkpoints" in none.stderr
    assert list(file.parent.iterdir()) == []
    file.touch()
    keys = json.loads(hundi("journal", "key", "--json", url=filled_url).stdout)
    told = hundi("journal", "verify", "--checkpoint", str(file), url=filled_url, **keys)
    assert (told.returncode, told.stdout) == (2, "")
    assert f"{file}: line 1 is missing: it holds no checkpoints" in told.stderr


def test_checkpoints_that_cannot_be_written_leave_nothing(
    filled_sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = json.loads(hundi("journal", "key", "--json", url=filled_sqlite_url).stdout)
    hundi("journal", "checkpoint", url=filled_sqlite_url, **keys)
    file = tmp_path / "out" / "heads.jsonl"
    write = ("journal", "checkpoint", "--out", str(file))
    nowhere = hundi(*write, url=filled_sqlite_url)
    assert (nowhere.returncode, f"{file} cannot be written" in nowhere.stderr) == (1, True)
    file.parent.mkdir()
    assert hundi(*write, url=filled_sqlite_url).returncode == 0
    assert [path.name for path in file.parent.iterdir()] == ["heads.jsonl"]
    file.unlink()

    async def until_the_disk_is_full(tx: Transaction, out: BinaryIO) -> int:
        out.write(b"{")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(journal, "write_checkpoints", until_the_disk_is_full)
    monkeypatch.setenv("HUNDI_DATABASE_URL", filled_sqlite_url)
    with pytest.raises(FailedError, match=rf"{file} cannot be written: No space left on device\."):
        journal._export(file)
    assert list(file.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("verify", "--document", "x"), "type/objectId"),
        (("verify", "--document", "invoice/none"), "There is no invoice/none"),
        (("verify", "--since", "yesterday"), "2026-11-25T18:00:00"),
        (("verify", "--checkpoint", "/nowhere"), "cannot be read"),
        (("verify", "--checkpoint", __file__), "line 1 is not of a file"),
    ],
)
def test_a_mistake_is_a_sentence(filled_url: str, arguments: tuple[str, ...], says: str) -> None:
    public = {"HUNDI_JOURNAL_PUBLIC_KEYS": new_keys()[1]}
    told = hundi("journal", *arguments, url=filled_url, **public)
    assert told.returncode == 2
    assert says in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.parametrize(
    ("setting", "value", "says"),
    [
        ("HUNDI_JOURNAL_KEY", "secret", "hundi journal key"),
        ("HUNDI_INVARIANTS_EVERY", "often", "from 10s to 1d, or off"),
    ],
)
def test_serving_says_what_is_wrong_with_a_setting(
    sqlite_url: str, setting: str, value: str, says: str
) -> None:
    told = hundi("serve", "--port", "0", url=sqlite_url, **{setting: value})
    assert (told.returncode, says in told.stderr, value == "secret" and value in told.stderr) == (
        2,
        True,
        False,
    )


def test_a_copy_is_whole_and_nothing_is_overwritten(filled_url: str, tmp_path: Path) -> None:
    target = tmp_path / "copies" / "hundi.db"
    if sqlite_path(filled_url) is None:
        told = hundi("db", "backup", str(target), url=filled_url)
        assert (told.returncode, "pg_basebackup" in told.stderr) == (2, True)
        return
    gone = hundi("db", "backup", str(target), url=filled_url)
    assert (gone.returncode, "cannot be written" in gone.stderr) == (1, True)
    target.parent.mkdir()
    made = hundi("db", "backup", str(target), "--json", url=filled_url)
    assert json.loads(made.stdout)["broken"] == 0, made.stderr
    assert [path.name for path in target.parent.iterdir()] == ["hundi.db"]
    assert target.stat().st_mode & 0o077 == 0, "there are secrets in it"
    assert hundi("invariants", url=f"sqlite:///{target}").returncode == 0
    again = hundi("db", "backup", str(target), url=filled_url)
    assert (again.returncode, "nothing is overwritten" in again.stderr) == (1, True)


def test_a_restored_store_says_how_new_it_is_and_is_in_order(filled_url: str) -> None:
    for _ in range(2):
        told = hundi("db", "restored", "--json", url=filled_url)
        found = json.loads(told.stdout)
        assert found["feeds"] > 1
        assert found["newest exchange"].startswith("20")
        assert hundi("invariants", url=filled_url).returncode == 0


@pytest.mark.parametrize("table", ["", "create table song (title text)"])
def test_what_is_no_store_of_ours_is_not_copied(tmp_path: Path, table: str) -> None:
    source, folder = tmp_path / "other.db", tmp_path / "copies"
    folder.mkdir()
    with closing(sqlite3.connect(source)) as connection:
        connection.execute(table)
    source.touch()
    told = hundi("db", "backup", str(folder / "hundi.db"), url=f"sqlite:///{source}")
    assert (told.returncode, told.stdout) == (2, "")
    assert f"{source} is no database of Hundi" in told.stderr
    assert list(folder.iterdir()) == []


async def test_a_broken_store_is_not_copied(filled_url: str, tmp_path: Path) -> None:
    if sqlite_path(filled_url) is None:
        return
    folder = tmp_path / "copies"
    folder.mkdir()
    await change(filled_url, "delete from journal where type = 'payment'")
    told = hundi("db", "backup", str(folder / "hundi.db"), url=filled_url)
    assert told.returncode == 1
    assert "none is kept" in told.stderr
    assert list(folder.iterdir()) == []


def test_a_copy_is_of_one_moment_while_others_write(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each commit writes a pair of rows; a copy never has one without the other, and it gets done."""
    path = sqlite_path(sqlite_url)
    assert path is not None
    monkeypatch.setattr(backup, "PAGES_A_STEP", 1)
    stop, written = threading.Event(), threading.Event()

    def write() -> None:
        connection = sqlite3.connect(path, isolation_level=None, timeout=60)
        connection.execute("pragma journal_mode = wal")  # as whoever serves it has it
        connection.execute("create table pair (number integer, padding text)")
        number = 0
        while not stop.is_set():
            connection.execute("begin immediate")
            for _ in range(2):
                row = (number, "x" * 3000)
                connection.execute("insert into pair values (?, ?)", row)
            connection.execute("commit")
            number += 1
            if number == 50:
                written.set()
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert written.wait(60)
        steps: list[tuple[int, int]] = []
        back_up(
            path, tmp_path / "copy.db", check=lambda _: None, progress=lambda *at: steps.append(at)
        )
    finally:
        stop.set()
        writer.join()
    assert len(steps) > 20
    assert sorted(steps) == steps, "it never began again"
    with sqlite3.connect(tmp_path / "copy.db") as copy:
        odd = "select count(*) from (select 1 from pair group by number having count(*) <> 2)"
        assert copy.execute(odd).fetchone()[0] == 0
        assert copy.execute("select count(*) from pair").fetchone()[0] >= 100


def test_a_copy_that_does_not_fit_leaves_nothing(sqlite_url: str, tmp_path: Path) -> None:
    """A file size limit stands for a full disk."""
    folder = tmp_path / "copies"
    folder.mkdir()
    command = f"ulimit -f 32; trap '' XFSZ; exec hundi db backup {folder / 'hundi.db'}"
    told = subprocess.run(
        ["bash", "-c", command],
        env={
            **os.environ,
            "HUNDI_DATABASE_URL": sqlite_url,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert told.returncode == 1, told.stderr
    assert "The copy could not be made" in told.stderr
    assert "Traceback" not in told.stderr
    assert list(folder.iterdir()) == []


def test_a_damaged_copy_is_not_kept(sqlite_url: str, tmp_path: Path) -> None:
    path = sqlite_path(sqlite_url)
    assert path is not None
    with sqlite3.connect(path) as connection:
        connection.execute("create table t (a text)")
        connection.execute("create index i on t (a)")
        connection.executemany("insert into t values (?)", [(str(n),) for n in range(2000)])
        root = connection.execute("select rootpage from sqlite_schema where name = 'i'").fetchone()
        size = connection.execute("pragma page_size").fetchone()[0]
    connection.execute("pragma wal_checkpoint(truncate)")
    connection.close()
    with path.open("r+b") as file:
        file.seek((root[0] - 1) * size)
        file.write(b"\xff" * 64)
    with pytest.raises(BackupError):
        back_up(path, tmp_path / "copy.db", check=lambda _: None, progress=lambda *_: None)
    assert not (tmp_path / "copy.db").exists()
