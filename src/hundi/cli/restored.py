"""`hundi db restored`: what has to be said once after the database was restored from a copy."""

from hundi.cli.database import AsJson, show, with_existing
from hundi.exchange import feed
from hundi.kernel.clock import to_text
from hundi.store.engine import Database, Transaction
from hundi.store.statement import Statement

_NEWEST = Statement.both("select created_at from exchange order by req_msg_id desc limit 1")


def restored(as_json: AsJson = False) -> None:
    """Say that the database was restored from a copy, for the feeds."""
    feeds, newest = with_existing(_begin)
    show({"feeds": feeds, "newest exchange": newest}, as_json=as_json)


async def _begin(database: Database) -> tuple[int, str | None]:
    async def begin(tx: Transaction) -> tuple[int, str | None]:
        rows = await tx.fetch(_NEWEST)
        return await feed.begin_generation(tx), to_text(rows[0]["created_at"]) if rows else None

    return await database.write(begin)
