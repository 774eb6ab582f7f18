"""A PostgreSQL connection that died: told as the database's absence, never as a fault of ours."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from hundi.store.engine import CommitUnknownError, StoreError, Transaction, UnavailableError
from hundi.store.postgres import PostgresDatabase


class DyingPool:
    """Its connections die at one command, in the way of a client that was cut off in between."""

    def __init__(self, command: str) -> None:
        self._command = command

    @asynccontextmanager
    async def acquire(self, **_: object) -> AsyncIterator[Any]:
        yield self

    async def execute(self, command: str) -> str:
        if command == self._command:
            message = "cannot switch to state 15; another operation (2) is in progress"
            raise asyncpg.InternalClientError(message)
        return command.upper()

    async def fetchval(self, _: str) -> int:
        return 1

    def add_log_listener(self, _: object) -> None:
        return

    remove_log_listener = add_log_listener


@pytest.mark.parametrize(
    ("command", "told"), [("begin", UnavailableError), ("commit", CommitUnknownError)]
)
async def test_a_connection_that_dies_unnoticed(command: str, told: type[StoreError]) -> None:
    async def work(_: Transaction) -> None:
        return

    with pytest.raises(told):
        await PostgresDatabase(DyingPool(command)).write(work)
