"""Databases that tests use one after the other, emptied in between.

To make one and to drop it costs PostgreSQL fifty milliseconds and a few thousand tests ask for one;
to delete what a test wrote costs five. What a test has changed otherwise (a table,
a constraint, the planner's statistics) is not put back: such a database is dropped.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import asyncpg

from tests.postgres import USER, Cluster

_CUT_OFF = "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1"
_ARE_LEFT = "select count(*) from pg_stat_activity where datname = $1"
_EMPTY = """
do $$ declare one text; begin
  set local session_replication_role = replica;
  for one in select oid::regclass from pg_class where relkind = 'r'
    and relnamespace = 'public'::regnamespace and relname <> 'alembic_version'
  loop execute 'delete from ' || one; end loop;
  perform setval(oid::regclass, 1, false) from pg_class
    where relkind = 'S' and relnamespace = 'public'::regnamespace;
end $$
"""
_SHAPE = """
select md5(string_agg(line, '|' order by line)) from (
  select concat(relname, relkind, reloptions) as line
    from pg_class where relnamespace = 'public'::regnamespace
  union all select concat(relname, attname, atttypid, attnotnull)
    from pg_attribute join pg_class c on c.oid = attrelid
    where attnum > 0 and relkind = 'r' and relnamespace = 'public'::regnamespace
  union all select concat(conname, pg_get_constraintdef(oid)) from pg_constraint
    where connamespace = 'public'::regnamespace
  union all select concat(tgname, tgenabled) from pg_trigger where not tgisinternal
  union all select proname from pg_proc where pronamespace = 'public'::regnamespace
  union all select concat(starelid, staattnum) from pg_statistic where starelid >= 16384
  union all select concat(setconfig) from pg_db_role_setting
    where setdatabase in (0, (select oid from pg_database where datname = current_database()))
  union all select case when to_regclass('public.alembic_version') is not null
    then query_to_xml('table public.alembic_version', true, false, '')::text end
  union all select nspname from pg_namespace where nspname !~ '^pg_(toast_)?temp_'
) as shape
"""


class Spares:
    """Databases of one cluster, copies of `template`."""

    def __init__(self, cluster: Cluster, template: str) -> None:
        self._cluster, self._template = cluster, template
        self._free: list[str] = []
        self._numbers = count(1)
        self._runner = asyncio.Runner()
        self._server: asyncpg.Connection | None = None
        self._shape = ""

    @contextmanager
    def one(self) -> Iterator[str]:
        """The URL of an empty database that nobody else has."""
        name = self._free.pop() if self._free else self._runner.run(self._made())
        yield self._cluster.url(name)
        if self._runner.run(self._emptied(name)):
            self._free.append(name)

    def close(self) -> None:
        """End the connection; the databases go with their cluster."""
        if self._server is not None:
            self._runner.run(self._server.close())
        self._runner.close()

    async def _made(self) -> str:
        name = f"{self._template}_{next(self._numbers)}"
        server = self._server = self._server or await self._connected("postgres")
        await server.execute(f'create database "{name}" template "{self._template}"')
        if not self._shape:
            connection = await self._connected(name)
            self._shape = await connection.fetchval(_SHAPE)
            await connection.close()
        return name

    async def _emptied(self, name: str) -> bool:
        """Whether the database is as good as new; it is dropped where it is not."""
        assert self._server is not None
        await self._cut_off(name)
        connection = await self._connected(name)
        as_made: bool = await connection.fetchval(_SHAPE) == self._shape
        if as_made:
            await _empty(connection)
        await connection.close()
        if not as_made:
            await self._server.execute(f'drop database "{name}" with (force)')
        return as_made

    async def _cut_off(self, name: str) -> None:
        """End all connections to a database. One that is at its commit comes to the end of it first."""
        assert self._server is not None
        if await self._server.fetch(_CUT_OFF, name):
            async with asyncio.timeout(30):
                while await self._server.fetchval(_ARE_LEFT, name):  # noqa: ASYNC110  only it knows
                    await asyncio.sleep(0.002)

    async def _connected(self, name: str) -> asyncpg.Connection:
        cluster = self._cluster
        return await asyncpg.connect(
            host=str(cluster.folder), port=cluster.port, user=USER, database=name,
            statement_cache_size=0, command_timeout=60,
        )  # fmt: skip


async def _empty(connection: asyncpg.Connection) -> None:
    """Delete every row: sooner done than `truncate`, which makes each table's files anew."""
    await connection.execute(_EMPTY)
