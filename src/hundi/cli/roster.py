"""`hundi client list` and `hundi party list`: who is on the network, in pages."""

import json
from collections.abc import Awaitable
from typing import Annotated, Protocol

import typer

from hundi.cli.database import AsJson, in_words, with_existing
from hundi.parties import roster
from hundi.store.engine import Database, Transaction

After = Annotated[str, typer.Option(help="Begin behind this id: `after` of the page before.")]
Limit = Annotated[int, typer.Option(min=1, max=roster.MOST, help="Rows of this page.")]


class _Ask(Protocol):
    def __call__(self, tx: Transaction, *, after: str, limit: int) -> Awaitable[roster.Page]: ...


def client_list(after: After = "", limit: Limit = 100, as_json: AsJson = False) -> None:
    """List the systems that call the network. No secret is shown."""
    _show(_page(roster.clients, after=after, limit=limit), named="clients", as_json=as_json)


def party_list(after: After = "", limit: Limit = 100, as_json: AsJson = False) -> None:
    """List the B2B IDs, with who owns and who serves them."""
    _show(_page(roster.parties, after=after, limit=limit), named="parties", as_json=as_json)


def _page(ask: _Ask, *, after: str, limit: int) -> roster.Page:
    async def read(database: Database) -> roster.Page:
        async def asked(tx: Transaction) -> roster.Page:
            return await ask(tx, after=after, limit=limit)

        return await database.read(asked)

    return with_existing(read)


def _show(page: roster.Page, *, named: str, as_json: bool) -> None:
    """A table for people, one JSON object for programs. Where there are more, that is told."""
    if as_json:
        typer.echo(json.dumps({named: page.rows, "after": page.after}))
        return
    if not page.rows:
        typer.echo(f"no {named}", err=True)
        return
    lines = [list(page.rows[0]), *([in_words(v) for v in row.values()] for row in page.rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        typer.echo("  ".join(map(str.ljust, line, widths)).rstrip())
    if page.after is not None:
        typer.echo(f"hundi: there are more: --after {page.after}", err=True)
