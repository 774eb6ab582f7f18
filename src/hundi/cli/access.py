"""The commands of `hundi client` that say who may call, and how often."""

from typing import Annotated

import typer

from hundi.cli.database import AsJson, show, with_database
from hundi.kernel.identity import system_random
from hundi.parties import access

Client = Annotated[str, typer.Option("--client", help="clientId of the system.")]
_RATE = "A rate such as 200 or 200/400 (at once), off, or usual."


def add_access_commands(group: typer.Typer) -> None:
    """Put them below `hundi client`."""
    group.command("rotate-credentials")(_rotate_credentials)
    group.command("revoke-tokens")(_revoke_tokens)
    group.command("disable")(_disable)
    group.command("enable")(_enable)
    group.command("limit")(_limit)
    group.command("unlock")(_unlock)


def _rotate_credentials(client: Client, as_json: AsJson = False) -> None:
    """Make a new client secret and password, printed once. Old ones and all tokens end at once."""
    made = with_database(lambda db: access.rotate_credentials(db, client, random=system_random))
    show(made, as_json=as_json)


def _revoke_tokens(client: Client, as_json: AsJson = False) -> None:
    """End all tokens of a system, within five seconds. It may fetch new ones."""
    show(with_database(lambda db: access.revoke_tokens(db, client)), as_json=as_json)


def _disable(client: Client, as_json: AsJson = False) -> None:
    """Let a system call no more, within five seconds. What is sent to it goes on arriving."""
    show(with_database(lambda db: access.bar(db, client)), as_json=as_json)


def _enable(client: Client, as_json: AsJson = False) -> None:
    """Let a system call again that was disabled."""
    show(with_database(lambda db: access.let_in(db, client)), as_json=as_json)


def _limit(
    client: Client,
    messages: Annotated[str | None, typer.Option(help=f"Messages a second. {_RATE}")] = None,
    reads: Annotated[str | None, typer.Option(help=f"Our own calls a second. {_RATE}")] = None,
    as_json: AsJson = False,
) -> None:
    """Set how often a system may call. What is left out stays."""
    shown = with_database(lambda db: access.limit(db, client, messages=messages, reads=reads))
    show(shown, as_json=as_json)


def _unlock(
    client: Client,
    address: Annotated[
        str | None, typer.Option(help="Where it calls from; it counts as known there.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Forget the failed token calls of a system. It waits no more."""
    show(with_database(lambda db: access.unlock(db, client, address=address)), as_json=as_json)
