"""`hundi client set` and `hundi client rotate-secret`: how a client is reached."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import typer

from hundi.exchange.endpoints import Changes, rotate_secret, set_client
from hundi.kernel.identity import system_random
from hundi.store.engine import Database

Shown = dict[str, str]
Run = Callable[[Callable[[Database], Coroutine[Any, Any, Shown]]], Shown]
Show = Callable[..., None]
Client = Annotated[str, typer.Option("--client", help="clientId of the system.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def client_set_command(run: Run, show: Show, warn: Show) -> Callable[..., None]:
    """The command; `run` opens the database, `show` prints, `warn` looks at an endpoint."""

    def client_set(
        client: Client,
        endpoint: Annotated[str | None, typer.Option(help="Base URL of its webhooks.")] = None,
        mailbox: Annotated[bool, typer.Option("--mailbox", help="It has no endpoint.")] = False,
        header: Annotated[
            list[str] | None,
            typer.Option(help="'Name: value' of every webhook; all that are given replace all."),
        ] = None,
        no_headers: Annotated[bool, typer.Option("--no-headers", help="Remove them all.")] = False,
        empty_means_success: Annotated[
            bool | None,
            typer.Option(
                "--empty-means-success/--no-empty-means-success",
                help="Whether an empty 200 is a SUCCESS.",
            ),
        ] = None,
        as_json: AsJson = False,
    ) -> None:
        """Change how a system is reached; what is left out stays. Values are not shown again."""
        if mailbox and endpoint is not None:
            raise typer.BadParameter("Give either --endpoint URL or --mailbox.")
        if header and no_headers:
            raise typer.BadParameter("Give either --header or --no-headers.")
        changes = Changes(
            endpoint=endpoint,
            mailbox=mailbox,
            headers=() if no_headers else header or None,
            empty_means_success=empty_means_success,
        )
        show(run(lambda database: set_client(database, client, changes)), as_json=as_json)
        if endpoint is not None:
            warn(endpoint, as_json=as_json)

    return client_set


def client_rotate_command(run: Run, show: Show) -> Callable[..., None]:
    """The command; `run` opens the database for it, `show` prints the new secret."""

    def client_rotate_secret(client: Client, as_json: AsJson = False) -> None:
        """Make a new signing secret, printed once. The old one signs beside it for 24 hours."""
        made = run(lambda database: rotate_secret(database, client, random=system_random))
        show(made, as_json=as_json)

    return client_rotate_secret
