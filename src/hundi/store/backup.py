"""A copy of a SQLite file while it is served: of one moment, on disk, and checked, or not there.

The copy is taken inside one read transaction, so that commits of the serving process neither get
into it nor make it begin again. It gets its name only when it is whole.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from hundi.store.whole import begun, publish

PAGES_A_STEP = 512


class BackupError(Exception):
    """There is no copy; the message says why."""


def back_up(
    source: Path,
    target: Path,
    *,
    check: Callable[[Path], None],
    progress: Callable[[int, int], None],
) -> int:
    """Copy a database to a new file; its size in bytes. `check` looks at the copy before it counts.

    Raises BackupError, or what `check` raises; then nothing is left of the copy.
    """
    try:
        part = begun(target)
    except FileExistsError as error:
        raise _taken(target) from error
    except OSError as error:
        raise BackupError(f"{target.parent} cannot be written: {error.strerror}.") from error
    try:
        _copy(source, part, progress)
        _check_whole(part)
        check(part)
        publish(part, target)
    except FileExistsError as error:
        raise _taken(target) from error
    except (OSError, sqlite3.Error) as error:
        raise BackupError(f"The copy could not be made: {error}.") from error
    finally:
        for left in (part, Path(f"{part}-wal"), Path(f"{part}-shm"), Path(f"{part}-journal")):
            left.unlink(missing_ok=True)
    return target.stat().st_size


def open_copy(path: Path) -> sqlite3.Connection:
    """A connection that only reads a file which nobody changes; leaves no files beside it."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None
    )
    connection.row_factory = sqlite3.Row
    return connection


def _taken(target: Path) -> BackupError:
    return BackupError(f"{target} is there already. Name a new file; nothing is overwritten.")


def _copy(source: Path, part: Path, progress: Callable[[int, int], None]) -> None:
    uri = f"{source.absolute().as_uri()}?mode=rw"
    with (
        closing(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=5)) as origin,
        closing(sqlite3.connect(part, isolation_level=None)) as copy,
    ):
        origin.execute("begin")
        origin.execute("select count(*) from sqlite_schema").fetchone()  # the snapshot begins here
        origin.backup(
            copy,
            pages=PAGES_A_STEP,
            progress=lambda _, left, whole: progress(whole - left, whole),
        )


def _check_whole(part: Path) -> None:
    with closing(open_copy(part)) as copy:
        [told] = copy.execute("pragma integrity_check(1)").fetchone()
    if told != "ok":
        raise BackupError(f"The copy is damaged, and so may be the database: {told}.")
