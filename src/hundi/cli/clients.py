"""`hundi client`: systems that call the network, how they are reached, and their secrets."""

import json
from collections.abc import Callable
from functools import partial
from typing import Annotated

import typer

from hundi.cli.access import add_access_commands
from hundi.cli.database import AsJson, show
from hundi.cli.keys import with_secrets
from hundi.cli.roster import client_list
from hundi.cli.tools import CheckEndpoint
from hundi.exchange.endpoints import Changes, rotate_secret, set_client
from hundi.kernel.identity import system_random
from hundi.parties.operations import add_client

Warn = Callable[..., None]
Client = Annotated[str, typer.Option("--client", help="clientId of the system.")]
KeyLost = Annotated[
    bool,
    typer.Option(
        "--key-lost", help="Go on though old secrets cannot be opened: their key is lost."
    ),
]

_ONLY_IN_DEV = "It is stored. Outside `hundi serve --dev` it is not called."
_NEVER_CALLED = "It is stored, but nothing will be sent to it, with or without --dev."

_IF_LOST = "If nobody has the key any more, set a new one and say --key-lost."


def client_commands(check_endpoint: CheckEndpoint) -> typer.Typer:
    """The commands below `hundi client`."""
    warn = partial(_warn, check_endpoint)
    group = typer.Typer(help="Systems that call the network.", no_args_is_help=True)
    group.command("add")(_adds(warn))
    group.command("list")(client_list)
    group.command("set")(_sets(warn))
    group.command("rotate-secret")(_rotate_secret)
    add_access_commands(group)
    return group


def _adds(warn: Warn) -> Callable[..., None]:
    def client_add(
        name: Annotated[str, typer.Option(help="Whose system it is.")],
        endpoint: Annotated[str | None, typer.Option(help="Base URL of its webhooks.")] = None,
        mailbox: Annotated[bool, typer.Option("--mailbox", help="It has no endpoint.")] = False,
        as_json: AsJson = False,
    ) -> None:
        """Register a system. Its secrets are printed once; they are kept as hashes, or sealed."""
        if mailbox == (endpoint is not None):
            raise typer.BadParameter("Give either --endpoint URL or --mailbox.")
        made = with_secrets(
            lambda db, keyring: add_client(
                db, name=name, endpoint=endpoint, random=system_random, keyring=keyring
            ),
            all_open=True,
        )
        show(made.as_json(), as_json=as_json)
        warn(endpoint, as_json=as_json)

    return client_add


def _sets(warn: Warn) -> Callable[..., None]:
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
        key_lost: KeyLost = False,
        as_json: AsJson = False,
    ) -> None:
        """Change how a system is reached. What is left out stays; values are not shown again."""
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
        show(_changed(client, changes, key_lost=key_lost), as_json=as_json)
        warn(endpoint, as_json=as_json)

    return client_set


def _changed(client: str, changes: Changes, *, key_lost: bool) -> dict[str, object]:
    """What holds after the change; only headers are sealed, and need keys."""
    return with_secrets(
        lambda db, keyring: set_client(db, client, changes, keyring=keyring, random=system_random),
        all_open=bool(changes.headers) and not key_lost,
        if_lost=_IF_LOST,
    )


def _rotate_secret(client: Client, key_lost: KeyLost = False, as_json: AsJson = False) -> None:
    """Make a new signing secret, printed once. The old one signs beside it for 24 hours."""
    made = with_secrets(
        lambda db, keyring: rotate_secret(db, client, keyring=keyring, random=system_random),
        all_open=not key_lost,
        if_lost=_IF_LOST,
    )
    show(made, as_json=as_json)


def _warn(check_endpoint: CheckEndpoint, endpoint: str | None, *, as_json: bool) -> None:
    """Say at once what would keep the network from calling an endpoint."""
    fault = None if endpoint is None else check_endpoint(endpoint, dev=False)
    if endpoint is None or fault is None:
        return
    in_dev = check_endpoint(endpoint, dev=True) is None
    detail = f"{fault.detail} {_ONLY_IN_DEV if in_dev else _NEVER_CALLED}"
    if as_json:
        warning = {"code": fault.code, "detail": detail}
        typer.echo(json.dumps({"warning": warning}), err=True)
    else:
        typer.echo(f"hundi: warning: {detail}", err=True)
