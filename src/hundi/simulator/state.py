"""What the simulated ERP remembers: a SQLite file, or the same tables in memory.

A file is written with synchronous=FULL and kept under an exclusive lock: once a transaction has
ended its rows outlive a kill of the process and a loss of power, and no second simulator can write
beside the first.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hundi.simulator.answering import Stored
from hundi.simulator.webhook import Message

_TABLES = """
create table if not exists received (
  n integer primary key, at integer not null, path text not null, id text not null,
  sequence text not null, verified integer not null, rule text not null, result text not null,
  repeat integer not null) strict;
create index if not exists received_id on received (id);
create table if not exists answer (
  id text primary key, status integer not null, result text not null, body blob not null)
  strict, without rowid;
create table if not exists effect (
  n integer primary key, id text not null, place integer not null, type text not null,
  object_id text not null, parties text not null, sequence integer not null,
  version integer not null, before text, status text not null, action text not null,
  late integer not null, disputed integer not null, applied integer not null,
  undone integer not null, unique (id, place)) strict;
create index if not exists effect_document on effect (object_id, parties, sequence);
create table if not exists outcome (
  id text primary key, object_id text not null, result text not null, code text not null,
  detail text not null, field text not null) strict, without rowid;
"""

Row = dict[str, Any]

_FORM = 2
"""Which form of the tables above a state file has, kept as SQLite's `user_version`."""

LOG_KEPT = 10_000
"""Lines of the log that stay, the newest. Answers stay for ever: any message may come again."""


class StateError(Exception):
    """A state file that cannot be used; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A line of the log of received webhooks, before it is answered. `at` in microseconds.

    It is a repeat if a verified one had its id.
    """

    at: int
    path: str
    webhook_id: str
    sequence: str
    verified: bool
    repeat: bool


class State:
    """The tables. Reads and writes inside `transaction()` are kept together or not at all."""

    def __init__(self, connection: sqlite3.Connection, *, log_kept: int) -> None:
        self._connection = connection
        self._log_kept = log_kept

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit at the end; on an exception keep nothing."""
        self._connection.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._connection.execute("rollback")
            raise
        self._connection.execute("commit")

    def close(self) -> None:
        """Give back the file."""
        self._connection.close()

    def log(self, arrival: Arrival, *, rule: str, result: str) -> int:
        """Number a webhook in the order of arrival, and let the oldest line go."""
        cursor = self._connection.execute(
            "insert into received (at, path, id, sequence, verified, rule, result, repeat)"
            " values (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                arrival.at,
                arrival.path,
                arrival.webhook_id,
                arrival.sequence,
                arrival.verified,
                rule,
                result,
                arrival.repeat,
            ),
        )
        entry = int(cursor.lastrowid or 0)
        self._connection.execute("delete from received where n <= ?", (entry - self._log_kept,))
        return entry

    def was_received(self, webhook_id: str) -> bool:
        """Whether a verified webhook with this id was answered, or still stands in the log."""
        [row] = self._rows(
            "select exists (select 1 from received where id = ?1 and verified)"
            " or exists (select 1 from answer where id = ?1) as known",
            webhook_id,
        )
        return bool(row["known"])

    def log_result(self, entry: int, result: str) -> None:
        """Tell in the log how a webhook was answered in the end."""
        self._connection.execute("update received set result = ? where n = ?", (result, entry))

    def answer(self, webhook_id: str) -> Stored | None:
        """The kept answer of a message."""
        rows = self._rows("select status, result, body from answer where id = ?", webhook_id)
        return Stored(**rows[0]) if rows else None

    def keep(self, webhook_id: str, stored: Stored) -> None:
        """Keep an answer for every repeat."""
        self._connection.execute(
            "insert into answer (id, status, result, body) values (?, ?, ?, ?)",
            (webhook_id, stored.status, stored.result, stored.body),
        )

    def apply(self, message: Message, *, disputed: bool = False) -> None:
        """Count and keep the effects of a message, on its subject and on each document it names.

        A second time shows in `applied`. What this ERP is told of a fact of its own is `late`: the
        fact took effect when it was sent.
        """
        late = message.is_fact and not message.is_request
        for place, told in enumerate((message.subject.told, *message.named)):
            kind = self._type(message, told.object_id) if place else message.type
            sequence = told.sequence
            if sequence is None:
                sequence = self._highest(told.object_id, message.parties)
            about = (kind, told.object_id, message.parties, sequence)
            says = (told.version, told.before, told.status, told.action)
            self._connection.execute(
                "insert into effect (id, place, type, object_id, parties, sequence, version, before,"
                " status, action, late, disputed, applied, undone)"
                " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, 0)"
                " on conflict (id, place) do update set applied = applied + 1",
                (message.webhook_id, place, *about, *says, late, disputed),
            )
        self._adopt(message)

    def _type(self, message: Message, object_id: str) -> str:
        """The type of a named document, if it has been a subject before; "" until it is one."""
        rows = self._rows(
            "select type from effect where object_id = ? and parties = ? and place = 0 limit 1",
            object_id,
            message.parties,
        )
        return str(rows[0]["type"]) if rows else ""

    def _adopt(self, message: Message) -> None:
        """What others said of a document before it was a subject is about that document."""
        self._connection.execute(
            "update effect set type = ? where type = '' and object_id = ? and parties = ?",
            (message.type, message.subject.told.object_id, message.parties),
        )

    def _highest(self, object_id: str, parties: str) -> int:
        [row] = self._rows(
            "select coalesce(max(sequence), 0) as highest from effect"
            " where object_id = ? and parties = ?",
            object_id,
            parties,
        )
        return int(row["highest"])

    def undo(self, webhook_id: str) -> None:
        """Take back the effects of a message, if it had any."""
        self._connection.execute("update effect set undone = 1 where id = ?", (webhook_id,))

    def record(self, message: Message) -> None:
        """Keep an outcome; the first one told stays."""
        told = message.outcome
        if told is None:
            return
        self._connection.execute(
            "insert into outcome (id, object_id, result, code, detail, field)"
            " values (?, ?, ?, ?, ?, ?) on conflict (id) do nothing",
            (
                message.webhook_id,
                message.subject.told.object_id,
                told.result,
                told.error_cd,
                told.error_dtl,
                told.error_field,
            ),
        )

    def outcome(self, webhook_id: str) -> str | None:
        """The result that an outcome told, or None if it has not come."""
        rows = self._rows("select result from outcome where id = ?", webhook_id)
        return rows[0]["result"] if rows else None

    def received(self, *, after: int = 0) -> Sequence[Row]:
        """The kept end of the log, in the order of arrival, from the entry after `after`."""
        return self._rows("select * from received where n > ? order by n", after)

    def effects(self) -> Sequence[Row]:
        """All effects, each document's in the order of its journal."""
        return self._rows("select * from effect order by type, object_id, parties, sequence, n")

    def effects_on(self, object_id: str) -> Sequence[Row]:
        """The effects on documents with an objectId, each one's in the order of its journal."""
        return self._rows(
            "select * from effect where object_id = ? order by type, parties, sequence, n",
            object_id,
        )

    def outcomes(self) -> Sequence[Row]:
        """All outcomes told to this ERP, by id."""
        return self._rows("select * from outcome order by id")

    def _rows(self, statement: str, *arguments: object) -> list[Row]:
        cursor = self._connection.execute(statement, arguments)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]


def in_memory(*, log_kept: int = LOG_KEPT) -> State:
    """A state that ends with the process."""
    return _opened(":memory:", log_kept=log_kept)


def open_state(path: Path, *, log_kept: int = LOG_KEPT) -> State:
    """A state in a file, made if it is missing. Raises StateError."""
    try:
        return _opened(str(path), log_kept=log_kept)
    except sqlite3.Error as trouble:
        message = (
            f"The state file {path} cannot be used: {trouble}."
            " Is another simulator using it, or is it another kind of file?"
        )
        raise StateError(message) from trouble


def _prepare(connection: sqlite3.Connection) -> None:
    [tables] = connection.execute("select count(*) from sqlite_schema").fetchone()
    [form] = connection.execute("pragma user_version").fetchone()
    if tables and form != _FORM:
        raise sqlite3.DatabaseError(f"it has form {form}, this version writes form {_FORM}")
    connection.executescript(_TABLES)
    connection.execute(f"pragma user_version = {_FORM}")


def _opened(name: str, *, log_kept: int) -> State:
    connection = sqlite3.connect(name, isolation_level=None, check_same_thread=False, timeout=2)
    try:
        # Exclusive before the first read: WAL then needs no shared memory, and the lock is kept.
        connection.execute("pragma locking_mode = exclusive")
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        _prepare(connection)
        connection.execute("begin immediate")
        connection.execute("commit")
    except sqlite3.Error:
        connection.close()
        raise
    return State(connection, log_kept=log_kept)
