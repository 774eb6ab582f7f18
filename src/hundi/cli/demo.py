"""`hundi demo`: a whole trade between two businesses and two lenders, told and checked by steps.

The demo uses what any user has: the command line, HTTP, and the simulated ERPs' control pages.
"""

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from rich.console import Console

from hundi.cli.actors import Actor
from hundi.cli.scenes import accounts, billing, ending, financing, ordering, paying, trouble
from hundi.cli.scenes.table import Names, Stories, Table
from hundi.cli.scenes.telling import PromiseBrokenError, Told
from hundi.cli.stage import Stage, StageError, free_port

_CUT_SHORT = 128 + signal.SIGINT

SCENES: tuple[Callable[[Table], None], ...] = (
    ordering.agreed,
    billing.first,
    billing.noted,
    billing.second,
    ordering.closed,
    financing.financed,
    paying.paid,
    accounts.balanced,
    trouble.withdrawn,
    trouble.declined,
    trouble.down_and_back,
    ending.promises,
)


def play(stories: Stories, *, once: bool) -> int:
    """Play the demo; 0 if every promise held, 1 with the reason if not, 130 if it was cut short.

    Without `once` everything stays up to be looked at until Ctrl-C.
    """
    console = Console(soft_wrap=True)
    told = Told(console)
    signal.signal(signal.SIGTERM, _interrupt)
    url = os.environ.get("HUNDI_DATABASE_URL", "")
    shared = url if url.startswith(("postgresql://", "postgres://")) else None
    began = time.monotonic()
    finished = False
    try:
        with Stage(shared) as stage:
            network = f"http://127.0.0.1:{free_port()}"
            table = _seated(stage, stories, told, network=network)
            for scene in SCENES:
                scene(table)
            finished = True
            took = time.monotonic() - began
            console.print(f"\n[bold]{told.checks} promises held in {took:.1f} s.[/bold]")
            if not once:
                _stay(table, network)
    except (PromiseBrokenError, StageError, OSError) as broken:
        console.print("\n[red]Broken:[/red]", end=" ")
        console.print(str(broken), highlight=False, markup=False)
        return 1
    except KeyboardInterrupt:
        console.print("\nStopped; nothing is left running.")
    return 0 if finished else _CUT_SHORT


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _seated(stage: Stage, stories: Stories, told: Told, *, network: str) -> Table:
    """Network and ERPs up, everybody at the table. What can start at the same time does."""
    began = time.monotonic()
    fresh = stage.database_url.startswith("sqlite")
    names = Names(stories, fresh=fresh)
    stage.command("db", "upgrade")
    server = stage.process("hundi", "serve", "--dev", "--port", network.rpartition(":")[2])

    def seat(business: Any) -> Actor:
        b2b_id = names.of(business.b2b_id)
        actor = Actor(stage, business, b2b_id=b2b_id, network=network)
        actor.come_up()
        return actor

    def seat_lender(lender: Any) -> Actor:
        actor = seat(lender.business)
        platform = names.of(stories.financing.PLATFORM)
        stage.command(
            "party", "financier", "--b2b-id", actor.b2b_id, "--fa-id", platform,
            "--financier-id", lender.financier_id,
        )  # fmt: skip
        return actor

    with ThreadPoolExecutor(5) as starters:
        serving = starters.submit(server.start, f"{network}/readyz")
        trading = starters.map(seat, (stories.orders.BUYER, stories.orders.SUPPLIER))
        lending = starters.map(seat_lender, stories.financing.LENDERS)
        actors = [*trading, *lending]
        serving.result()
    kind = "SQLite" if fresh else "PostgreSQL"
    took = f"{time.monotonic() - began:.1f} s"
    told.line(
        f"Hundi serves {network} on {kind}; {len(actors)} businesses and their ERPs are up"
        f" after {took}."
    )
    return Table(stories, told, names=names, actors=actors)


def _stay(table: Table, network: str) -> None:
    """Tell where to look, and wait for Ctrl-C."""
    tell = table.told.line
    tell(f"API description  {network}/schema")
    tell(f"Metrics          {network}/metrics")
    for actor in table.everybody:
        for page in ("documents", "received"):
            tell(f"{actor.short + ' ' + page:<20} {actor.erp_url}/simulator/{page}")
    tell("Ctrl-C stops everything.")
    while True:
        time.sleep(3600)
