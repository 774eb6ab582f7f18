"""Where the keys of secrets come from, and `hundi secrets`: a new key, sealing under the newest.

From the setting. Without it a SQLite file has one of its own beside it, for development:
`hundi serve` takes that one with --dev only.
"""

import json
import os
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import typer

from hundi.cli.database import AsJson, UnusableError, database_url, show, with_database
from hundi.kernel.identity import system_random
from hundi.kernel.sealing import HOW_TO_SET, VARIABLE, Keyring, SealError, keyring_from, new_key
from hundi.parties import at_rest
from hundi.store.engine import Database
from hundi.store.opening import sqlite_path
from hundi.store.sqlite import scrub
from hundi.store.whole import begun, publish

T = TypeVar("T")


def secrets_commands() -> typer.Typer:
    """The commands below `hundi secrets`."""
    group = typer.Typer(help="Secrets at rest, and the keys they are sealed under.")
    group.command("key")(_key)
    group.command("rotate")(_rotate)
    return group


def keys_given() -> Keyring:
    """The keys of the setting; none where it is not set. Raises BadKeysError."""
    return keyring_from(os.environ.get(VARIABLE, ""))


def keys_to_serve(url: str, *, role: str, dev: bool) -> Keyring:
    """The keys of a serving process. One that only answers calls (api) signs nothing and needs none.

    Raises UnusableError where there are none and this is no development.
    """
    given = keys_given()
    path = sqlite_path(url)
    if given or role == "api":
        return given
    if dev and path is not None:
        return _beside(path) or _make_beside(path)
    message = f"No key to keep secrets with. {HOW_TO_SET}"
    if path is not None and _key_file(path).exists():
        message += (
            f" The one in {_key_file(path)} is for development (--dev). To go on with it:"
            f' export {VARIABLE}="$(cat {_key_file(path)})".'
        )
    raise UnusableError(message)


def with_secrets(
    work: Callable[[Database, Keyring], Coroutine[Any, Any, T]],
    *,
    all_open: bool,
    if_lost: str = "",
) -> T:
    """Run work on the configured database with its keys; `all_open` asks that they open everything.

    So a command under another key than the server's stores nothing that the server cannot read.
    `if_lost` is said where they do not: how to go on when nobody has the key any more.
    """

    async def opened(database: Database) -> T:
        keyring = await _keyring_of(database)
        if all_open:
            await _check(database, keyring, if_lost)
        return await work(database, keyring)

    return with_database(opened)


async def _check(database: Database, keyring: Keyring, if_lost: str) -> None:
    try:
        await at_rest.check(database, keyring)
    except SealError as error:
        raise SealError(f"{error} {if_lost}".rstrip()) from error


async def _keyring_of(database: Database) -> Keyring:
    path, given = sqlite_path(database_url()), keys_given()
    if given or path is None:
        return given
    known = _beside(path)
    if known:
        return known
    used = await database.read(at_rest.key_in_use)
    if used is not None:
        detail = f"The secrets of this database are sealed under key {used}."
        raise UnusableError(f"{detail} Set {VARIABLE} to the keys that it is served with.")
    return _make_beside(path)


def _key_file(path: Path) -> Path:
    return path.with_name(path.name + ".key")


def _beside(path: Path) -> Keyring:
    """The key beside a SQLite file; none where there is no such file."""
    file = _key_file(path)
    return keyring_from(_read(file)) if file.exists() else Keyring()


def _make_beside(path: Path) -> Keyring:
    """Make the key beside a SQLite file, unless another process has just done so.

    Raises UnusableError where no file can be made there.
    """
    file = _key_file(path)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            _write_key(file)
    except OSError as error:
        message = (
            f"The key {file} cannot be made: {error.strerror}. Make room for it, or set {VARIABLE}."
        )
        raise UnusableError(message) from None
    made = _beside(path)
    if not made:
        raise UnusableError(f"{file} is there and holds no key. Move it away, or set {VARIABLE}.")
    return made


def _write_key(file: Path) -> None:
    """A new key in a file that is whole on disk or not there, and never over another one."""
    part = begun(file)
    try:
        part.write_text(f"{new_key(system_random)}\n", encoding="ascii")
        publish(part, file)
    finally:
        part.unlink(missing_ok=True)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise UnusableError(f"The keys in {file} cannot be read: {why}.") from None


def _key(as_json: AsJson = False) -> None:
    """Print a new key, and nothing else. It is kept nowhere: put it where your settings are kept."""
    made = new_key(system_random)
    typer.echo(json.dumps({"key": made}) if as_json else made)


def _rotate(as_json: AsJson = False) -> None:
    """Seal all secrets under the newest key. May run beside servers, be cut short and begun again."""

    async def rotated(database: Database, keyring: Keyring) -> dict[str, object]:
        if not keyring:
            raise UnusableError(f"No key to keep secrets with. {HOW_TO_SET}")
        done = await at_rest.reseal(database, keyring, random=system_random)
        counts = {"secrets": done.secrets, "sealedAnew": done.resealed}
        return {"key": keyring.newest, **counts}

    show(with_secrets(rotated, all_open=False), as_json=as_json)


def seal_what_is_clear() -> int:
    """Seal what the version before left in clear; how many secrets. Raises UnusableError, SealError."""

    async def sealed(database: Database) -> int:
        if not await database.read(at_rest.in_clear):
            return 0
        keyring = await _keyring_of(database)
        return (await at_rest.reseal(database, keyring, random=system_random)).resealed

    count = with_database(sealed)
    path = sqlite_path(database_url())
    if count and path is not None:
        scrub(path)
    return count
