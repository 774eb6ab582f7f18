"""Who waits for a lock that somebody else holds, on PostgreSQL."""

from hundi.store.engine import Database, Transaction
from hundi.store.statement import Statement
from tests.until import until

WAITING = (
    "select count(*) from pg_stat_activity"
    " where datname = current_database() and wait_event_type = 'Lock'"
)
_WAITING = Statement.both(WAITING.replace("count(*)", "count(*) as n"))


async def locked_out(database: Database, many: int = 1) -> None:
    """Return as soon as so many wait."""

    async def found(tx: Transaction) -> bool:
        [row] = await tx.fetch(_WAITING)
        return int(row["n"]) >= many

    await until(lambda: database.read(found))
