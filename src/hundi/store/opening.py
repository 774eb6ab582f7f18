"""From a database URL to an open database."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from hundi.store.engine import Database
from hundi.store.postgres import PostgresDatabase
from hundi.store.sqlite import SqliteDatabase

DEFAULT_URL = "sqlite:///hundi.db"


class BadUrlError(ValueError):
    """The database URL is of no kind that Hundi knows. The message says which forms there are."""


def sqlite_path(url: str) -> Path | None:
    """The file of a `sqlite:///relative` or `sqlite:////absolute` URL; None for PostgreSQL.

    Raises BadUrlError for anything else.
    """
    kind, _, rest = url.partition("://")
    # A file takes no options: `?mode=ro` would be read as part of its name.
    if kind == "sqlite" and rest.startswith("/") and len(rest) > 1 and "?" not in rest:
        return Path(rest[1:])
    if kind in {"postgresql", "postgres"} and rest.partition("/")[0].count("@") > 1:
        # The driver would look for a host whose name begins in the middle of the password.
        message = (
            "HUNDI_DATABASE_URL has more than one @ before its host."
            " Write an @ in the user or the password as %40."
        )
        raise BadUrlError(message)
    if kind in {"postgresql", "postgres"} and _names_a_database(url):
        return None
    message = (
        "HUNDI_DATABASE_URL must be sqlite:///file (relative), sqlite:////path/file (absolute) or"
        " postgresql://user@host/database, with several hosts host1:5432,host2:5432."
    )
    raise BadUrlError(message)


def _names_a_database(url: str) -> bool:
    try:
        parts = urlsplit(url)
        hosts = parts.netloc.rpartition("@")[2].split(",")
        if len(hosts) > 1 and not all(urlsplit(f"//{host}").hostname for host in hosts):
            return False
        return all(urlsplit(f"//{h}").port != 0 for h in hosts) and bool(parts.path.strip("/"))
    except ValueError:  # no port has such a number, no address such brackets
        return False


async def open_database(url: str, clock: Callable[[], int]) -> Database:
    """Open the database of a URL. Raises BadUrlError, or UnavailableError if it cannot be reached."""
    path = sqlite_path(url)
    if path is None:
        return await PostgresDatabase.connect(url)
    path.parent.mkdir(parents=True, exist_ok=True)
    return SqliteDatabase(path, clock)
