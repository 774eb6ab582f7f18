"""The commands of `hundi`. Results go to stdout, everything else to stderr.

Exit codes: 0 done, 2 the request was wrong, 1 it could not be done; 128 and a signal that ended it.
"""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import sqlalchemy.exc
import typer

from hundi import __version__
from hundi.cli.backup import backup
from hundi.cli.clients import client_commands
from hundi.cli.database import (
    AsJson,
    FailedError,
    UnusableError,
    database_url,
    is_of_database,
    show,
    with_existing,
    without_password,
)
from hundi.cli.ending import clear_away_when_told_to_end
from hundi.cli.invariants import invariants
from hundi.cli.journal import journal_commands
from hundi.cli.keys import keys_to_serve, seal_what_is_clear, secrets_commands
from hundi.cli.parties import party_commands
from hundi.cli.proxies import DEFAULT_PROXIES, PROXIES, trusted_proxies
from hundi.cli.restored import restored
from hundi.cli.setting_files import BadSettingError, read_setting_files
from hundi.cli.tools import Tools
from hundi.kernel.faults import RefusedError
from hundi.kernel.lifetimes import VARIABLE, BadLifetimeError, lifetimes_from
from hundi.kernel.rates import USUAL, BadRateError, Rates, rates_from
from hundi.kernel.rates import VARIABLE as RATES
from hundi.kernel.sealing import BadKeysError, SealError
from hundi.kernel.settings import (
    INVARIANTS_VARIABLE,
    Keeping,
    ServeSettings,
    invariants_interval,
)
from hundi.observing.logs import FORMAT_VARIABLE, LEVEL_VARIABLE
from hundi.store.engine import StoreError
from hundi.store.migrate import ForeignDatabaseError, newer_than_known, upgrade
from hundi.store.opening import BadUrlError

WRONG, FAILED = 2, 1
MISTAKES = (
    BadUrlError,
    BadLifetimeError,
    BadKeysError,
    BadRateError,
    BadSettingError,
    ForeignDatabaseError,
    SealError,
    UnusableError,
)

PROCESSES = {"serve", "simulate", "demo"}
"""They run until they are stopped, and heed signals in ways of their own."""

_PORT = "0 takes a free one. Left out: 8080, and none for a dispatcher, which with one tells its metrics."
_RULES = """How to answer: a JSON file such as [{"when": {"kind": "req"}, "do": {"answer": "decline",
"code": "ERP-042"}}]. docs/guide/simulator.md has all of it."""
_NO_TEXT = "An argument is not UTF-8. Check the terminal's encoding (`locale`)."


def run(arguments: Sequence[str], tools: Tools) -> int:
    """Run one command; the exit code. A person's mistake is one sentence, never a traceback."""
    as_json = "--json" in arguments
    if any(map(_is_no_text, arguments)):
        return _complain("CLI-UNUSABLE", _NO_TEXT, as_json=as_json, exit_code=WRONG)
    try:
        read_setting_files(os.environ)
        ended = _build(tools)(list(arguments), prog_name="hundi", standalone_mode=not as_json)
        return ended if isinstance(ended, int) else 0
    except typer.exceptions.TyperException as wrong_use:  # where it is not Typer that tells
        detail = getattr(wrong_use, "format_message", wrong_use.__str__)()
        return _complain("CLI-UNUSABLE", detail, as_json=as_json, exit_code=WRONG)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    except RefusedError as refusal:
        return _refused(refusal, as_json=as_json)
    except (*MISTAKES, tools.unservable) as mistake:
        return _complain("CLI-UNUSABLE", str(mistake), as_json=as_json, exit_code=WRONG)
    except FailedError as failure:
        return _complain("CLI-FAILED", str(failure), as_json=as_json, exit_code=FAILED)
    except (StoreError, sqlalchemy.exc.SQLAlchemyError, OSError) as failure:
        code, detail = _failed(failure)
        return _complain(code, detail, as_json=as_json, exit_code=FAILED)


def _build(tools: Tools) -> Callable[..., Any]:
    app = typer.Typer(
        name="hundi",
        help=_root.__doc__,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(_root)
    _add_processes(app, tools)
    database = typer.Typer(help="The database.", no_args_is_help=True)
    database.command("upgrade")(_db_upgrade)
    database.command("backup")(backup)
    database.command("restored")(restored)
    app.command("invariants")(invariants)
    app.add_typer(client_commands(tools.check_endpoint), name="client")
    app.add_typer(database, name="db")
    app.add_typer(journal_commands(), name="journal")
    app.add_typer(party_commands(), name="party")
    app.add_typer(secrets_commands(), name="secrets")
    return typer.main.get_command(app)


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"hundi {__version__}")
        raise typer.Exit


def _root(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 (its callback tells it)
        bool,
        typer.Option(
            "--version", help="Print the version and stop.", is_eager=True, callback=_tell_version
        ),
    ] = False,
) -> None:
    """A network on which businesses' systems exchange orders, invoices, payments and bids."""
    if context.invoked_subcommand not in PROCESSES:
        clear_away_when_told_to_end()


def _add_processes(app: typer.Typer, tools: Tools) -> None:
    """The commands that run until they are stopped."""

    @app.command()
    def serve(
        host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
        port: Annotated[int | None, typer.Option(min=0, max=65535, help=_PORT)] = None,
        role: Annotated[str, typer.Option(help="all, api or dispatcher.")] = "all",
        workers: Annotated[
            int,
            typer.Option(min=1, max=64, help="Processes that serve; more than 1 on PostgreSQL."),
        ] = 1,
        dev: Annotated[bool, typer.Option("--dev", help="Allow http and loopback.")] = False,
    ) -> None:
        """Serve the network until SIGTERM."""
        if role not in {"all", "api", "dispatcher"}:
            raise typer.BadParameter(f"--role is all, api or dispatcher, not {role}.")
        if port is None and role != "dispatcher":
            port = 8080
        settings = _settings(host, port, role=role, dev=dev)
        raise typer.Exit(tools.serve(replace(settings, workers=workers)))

    @app.command()
    def simulate(
        port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")],
        credentials: Annotated[Path, typer.Option(help="What `client add --json` printed.")],
        rules: Annotated[Path | None, typer.Option(help=_RULES)] = None,
        state: Annotated[Path | None, typer.Option(help="Keep what arrives in a file.")] = None,
        host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    ) -> None:
        """Run a simulated ERP that answers webhooks by rules. It verifies them, and remembers."""
        code = tools.simulate(
            host=host, port=port, credentials=credentials, rules=rules, state=state
        )
        raise typer.Exit(code)

    @app.command()
    def demo(
        once: Annotated[bool, typer.Option("--once", help="Stop after the checks.")] = False,
    ) -> None:
        """Play a whole trade between simulated ERPs. From order to payment, and it is checked."""
        raise typer.Exit(tools.demo(once=once))


def _settings(host: str, port: int | None, *, role: str, dev: bool) -> ServeSettings:
    url = database_url()
    return ServeSettings(
        url,
        host,
        port,
        role,
        dev,
        lifetimes_from(os.environ.get(VARIABLE, "")),
        contact_rail=os.environ.get("HUNDI_CONTACT_RAIL", ""),
        contact_token=os.environ.get("HUNDI_CONTACT_TOKEN", ""),
        keeping=Keeping(
            invariants_interval(os.environ.get(INVARIANTS_VARIABLE, "")),
            os.environ.get("HUNDI_JOURNAL_KEY", ""),
        ),
        keyring=keys_to_serve(url, role=role, dev=dev),
        rates=rates_from(os.environ.get(RATES, ""), usual=Rates() if dev else USUAL),
        proxies=trusted_proxies(os.environ.get(PROXIES, DEFAULT_PROXIES)),
        log=os.environ.get(LEVEL_VARIABLE, ""),
        log_format=os.environ.get(FORMAT_VARIABLE, ""),
    )


def _db_upgrade(
    keep_clear: Annotated[
        bool,
        typer.Option("--keep-clear", help="Seal no secrets: processes of before still read them."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bring the database to this version's tables, secrets sealed. Safe to run again."""
    url = database_url()
    upgrade(url)
    sealed = 0 if keep_clear else seal_what_is_clear()
    told = {"sealedSecrets": sealed} if sealed else {}
    state = with_existing(newer_than_known) or "up to date"
    show({"database": state, "at": without_password(url), **told}, as_json=as_json)


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


def _failed(failure: BaseException) -> tuple[str, str]:
    """Code and sentence of what the machine refused: the database, or another file by its name."""
    if isinstance(failure, OSError):
        file = failure.filename
        if isinstance(file, str | bytes) and not is_of_database(file):
            return "CLI-FAILED", f"{os.fsdecode(file)} cannot be used: {failure.strerror}."
    return "STORE-UNAVAILABLE", f"The database cannot be used: {_first_line(failure)}"


def _is_no_text(argument: str) -> bool:
    """Whether it holds bytes that the terminal's encoding could not read."""
    return any("\ud800" <= character <= "\udfff" for character in argument)


def _first_line(error: BaseException) -> str:
    cause = getattr(error, "orig", None) or error
    return str(cause).strip().partition("\n")[0] or type(cause).__name__
