"""The one catalogue of tables; every `tables` module adds its own to it."""

from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData()


def only(rows: str) -> dict[str, Any]:
    """Options of an index of some rows alone, on both databases: `**only("state = 'OPEN'")`."""
    return {"postgresql_where": sa.text(rows), "sqlite_where": sa.text(rows)}
