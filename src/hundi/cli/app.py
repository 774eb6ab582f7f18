"""The commands of `hundi`. Results go to stdout, everything else to stderr.

Exit codes: 0 done, 2 the request was wrong, 1 it could not be done.
"""

import asyncio
import json
import os
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeVar

import sqlalchemy.exc
import typer

from hundi import __version__
from hundi.cli.clients import client_rotate_command, client_set_command
from hundi.cli.settings import party_set_command
from hundi.cli.tools import CheckEndpoint, Tools
from hundi.kernel.clock import wall_clock
from hundi.kernel.faults import Fault, RefusedError
from hundi.kernel.identity import system_random
from hundi.kernel.lifetimes import VARIABLE, BadLifetimeError, lifetimes_from
from hundi.kernel.settings import ServeSettings
from hundi.parties.operations import (
    NewFinancier,
    NewParty,
    add_client,
    add_party,
    name_financier,
)
from hundi.store.engine import Database, StoreError
from hundi.store.migrate import is_current, upgrade
from hundi.store.opening import DEFAULT_URL, BadUrlError, open_database, sqlite_path

T = TypeVar("T")

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

WRONG, FAILED = 2, 1

_ONLY_IN_DEV = "It is stored; for now start the network with `hundi serve --dev` to call it."
_NEVER_CALLED = "It is stored, but nothing will be sent to it, with or without --dev."


_NO_TEXT = "An argument is not UTF-8. Check the terminal's encoding (`locale`)."


class UnusableError(Exception):
    """The database cannot be used as it is; the message says what to do."""


def run(arguments: Sequence[str], tools: Tools) -> int:
    """Run one command; the exit code. A person's mistake is one sentence, never a traceback."""
    as_json = "--json" in arguments
    if any(map(_is_no_text, arguments)):
        return _complain("CLI-UNUSABLE", _NO_TEXT, as_json=as_json, exit_code=WRONG)
    try:
        _build(tools)(args=list(arguments), prog_name="hundi")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    except RefusedError as refusal:
        return _refused(refusal, as_json=as_json)
    except (BadUrlError, BadLifetimeError, UnusableError, tools.unservable) as mistake:
        return _complain("CLI-UNUSABLE", str(mistake), as_json=as_json, exit_code=WRONG)
    except (StoreError, sqlalchemy.exc.SQLAlchemyError, OSError) as failure:
        detail = f"The database cannot be used: {_first_line(failure)}"
        return _complain("STORE-UNAVAILABLE", detail, as_json=as_json, exit_code=FAILED)
    return 0


def _build(tools: Tools) -> Callable[..., Any]:
    app = typer.Typer(
        name="hundi",
        help="A network on which two businesses' systems exchange purchase orders.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(_root)
    _add_processes(app, tools)
    party_set = party_set_command(_with_database, _print)
    for group, help_text, commands in (
        ("client", "Systems that call the network.", _client_commands(tools.check_endpoint)),
        (
            "party",
            "Businesses and their B2B IDs.",
            {"add": _party_add, "set": party_set, "financier": _party_financier},
        ),
        ("db", "The database.", {"upgrade": _db_upgrade}),
    ):
        sub = typer.Typer(help=help_text, no_args_is_help=True)
        for name, command in commands.items():
            sub.command(name)(command)
        app.add_typer(sub, name=group)
    return typer.main.get_command(app)


def _client_commands(check_endpoint: CheckEndpoint) -> dict[str, Callable[..., None]]:
    warn = partial(_warn_of_endpoint, check_endpoint)
    return {
        "add": _client_add(warn),
        "set": client_set_command(_with_database, _print, warn),
        "rotate-secret": client_rotate_command(_with_database, _print),
    }


def _warn_of_endpoint(check_endpoint: CheckEndpoint, endpoint: str, *, as_json: bool) -> None:
    """Say at once what would keep the network from calling an endpoint."""
    fault = check_endpoint(endpoint, dev=False)
    if fault is not None:
        in_dev = check_endpoint(endpoint, dev=True) is None
        _warn(fault, _ONLY_IN_DEV if in_dev else _NEVER_CALLED, as_json=as_json)


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"hundi {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and stop.", is_eager=True, callback=_tell_version
        ),
    ] = False,
) -> None:
    """A network on which two businesses' systems exchange purchase orders."""


def _add_processes(app: typer.Typer, tools: Tools) -> None:
    """The commands that run until they are stopped."""

    @app.command()
    def serve(
        host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
        port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8080,
        role: Annotated[str, typer.Option(help="all, api or dispatcher.")] = "all",
        dev: Annotated[bool, typer.Option("--dev", help="Allow http and loopback.")] = False,
    ) -> None:
        """Serve the network until SIGTERM."""
        if role not in {"all", "api", "dispatcher"}:
            raise typer.BadParameter(f"--role is all, api or dispatcher, not {role}.")
        lifetimes = lifetimes_from(os.environ.get(VARIABLE, ""))
        raise typer.Exit(tools.serve(ServeSettings(_url(), host, port, role, dev, lifetimes)))

    @app.command()
    def simulate(
        port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")],
        credentials: Annotated[Path, typer.Option(help="What `client add --json` printed.")],
        rules: Annotated[Path | None, typer.Option(help="How to answer, as JSON.")] = None,
        state: Annotated[Path | None, typer.Option(help="Keep what arrives in a file.")] = None,
        host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    ) -> None:
        """Run a counterparty's ERP that verifies, remembers and answers by rules."""
        code = tools.simulate(
            host=host, port=port, credentials=credentials, rules=rules, state=state
        )
        raise typer.Exit(code)

    @app.command()
    def demo(
        once: Annotated[bool, typer.Option("--once", help="Stop after the checks.")] = False,
    ) -> None:
        """Play the story of some purchase orders between two simulated ERPs, and check it."""
        raise typer.Exit(tools.demo(once=once))


def _client_add(warn: Callable[..., None]) -> Callable[..., None]:
    def client_add(
        name: Annotated[str, typer.Option(help="Whose system it is.")],
        endpoint: Annotated[str | None, typer.Option(help="Base URL of its webhooks.")] = None,
        mailbox: Annotated[bool, typer.Option("--mailbox", help="It has no endpoint.")] = False,
        as_json: AsJson = False,
    ) -> None:
        """Register a system. Its secrets are printed once and kept only as hashes."""
        if mailbox == (endpoint is not None):
            raise typer.BadParameter("Give either --endpoint URL or --mailbox.")
        made = _with_database(
            lambda db: add_client(db, name=name, endpoint=endpoint, random=system_random)
        )
        _print(made.as_json(), as_json=as_json)
        if endpoint is not None:
            warn(endpoint, as_json=as_json)

    return client_add


def _party_add(
    client: Annotated[str, typer.Option(help="clientId of the system that serves it.")],
    name: Annotated[str, typer.Option(help="Name of the business.")],
    pan: Annotated[str, typer.Option(help="Its PAN.")],
    gstin: Annotated[str | None, typer.Option(help="A GSTIN of that PAN.")] = None,
    b2b_id: Annotated[str | None, typer.Option(help="B2B ID; PAN@BCB if left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Register a business, or a further B2B ID of one."""
    party = NewParty(client_id=client, name=name, pan=pan, gstin=gstin, b2b_id=b2b_id)
    made = _with_database(lambda db: add_party(db, party, system_random))
    _print({"b2bId": made}, as_json=as_json)


def _party_financier(
    b2b_id: Annotated[str, typer.Option(help="B2B ID of the lender.")],
    fa_id: Annotated[str, typer.Option(help="The financing platform, as requests name it.")],
    financier_id: Annotated[str, typer.Option(help="The lender's name there.")],
    ifsc: Annotated[str, typer.Option(help="Branch of the account it is paid at.")] = "",
    account: Annotated[str, typer.Option(help="That account, masked as payments show it.")] = "",
    as_json: AsJson = False,
) -> None:
    """Let financing requests name a business as a lender; again, to change its account."""
    lender = NewFinancier(
        b2b_id=b2b_id,
        fa_id=fa_id,
        financier_id=financier_id,
        ifsc=ifsc,
        masked_account=account,
    )
    _with_database(lambda db: name_financier(db, lender))
    _print({"b2bId": b2b_id, "faId": fa_id, "financierId": financier_id}, as_json=as_json)


def _db_upgrade(as_json: AsJson = False) -> None:
    """Bring the database to this version's tables. Safe to run again."""
    upgrade(_url())
    _print({"database": "up to date"}, as_json=as_json)


def _with_database(work: Callable[[Database], Coroutine[Any, Any, T]]) -> T:
    """Run work on the configured database; a SQLite file is made or brought up to date first."""
    url = _url()
    if sqlite_path(url) is not None:
        upgrade(url)

    async def opened() -> T:
        database = await open_database(url, wall_clock)
        try:
            if not await is_current(database):
                message = (
                    "The database's tables are not those of this version. Run `hundi db upgrade`."
                )
                raise UnusableError(message)
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(opened())


def _url() -> str:
    url = os.environ.get("HUNDI_DATABASE_URL") or DEFAULT_URL
    sqlite_path(url)
    return url


def _print(found: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(found))
        return
    width = max(len(name) for name in found)
    for name, value in found.items():
        typer.echo(f"{name:<{width}}  {value}")


def _refused(refusal: RefusedError, *, as_json: bool) -> int:
    first = refusal.faults[0]
    faults = [fault.as_json() for fault in refusal.faults]
    return _complain(first.code, first.detail, as_json=as_json, exit_code=WRONG, faults=faults)


def _complain(
    code: str, detail: str, *, as_json: bool, exit_code: int, faults: Sequence[object] = ()
) -> int:
    if as_json:
        error = {"code": code, "detail": detail, "faults": list(faults)}
        typer.echo(json.dumps({"error": error}), err=True)
    else:
        typer.echo(f"hundi: {detail}", err=True)
    return exit_code


def _warn(fault: Fault, advice: str, *, as_json: bool) -> None:
    detail = f"{fault.detail} {advice}"
    if as_json:
        warning = {"code": fault.code, "detail": detail}
        typer.echo(json.dumps({"warning": warning}), err=True)
    else:
        typer.echo(f"hundi: warning: {detail}", err=True)


def _is_no_text(argument: str) -> bool:
    """Whether it holds bytes that the terminal's encoding could not read."""
    return any("\ud800" <= character <= "\udfff" for character in argument)


def _first_line(error: BaseException) -> str:
    cause = getattr(error, "orig", None) or error
    return str(cause).strip().partition("\n")[0] or type(cause).__name__
