"""`hundi party set`: what a business settles for its trade."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import typer

from hundi.parties.model import TradeSettings
from hundi.parties.trade_settings import NONE, Changes, set_party
from hundi.store.engine import Database

Run = Callable[[Callable[[Database], Coroutine[Any, Any, TradeSettings]]], TradeSettings]
Show = Callable[..., None]


def party_set_command(run: Run, show: Show) -> Callable[..., None]:
    """The command; `run` opens the database for it, `show` prints what it found."""

    def party_set(
        b2b_id: Annotated[str, typer.Option(help="A B2B ID of the business.")],
        enterprise: Annotated[
            str | None, typer.Option(help="micro, small, medium or none (MSMED Act).")
        ] = None,
        deemed_acceptance_days: Annotated[
            str | None, typer.Option(help="Days of silence that accept an invoice, or none.")
        ] = None,
        over_delivery: Annotated[
            str | None, typer.Option(help="Percent that may be billed beyond an order, or none.")
        ] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    ) -> None:
        """Change what a business has settled; what is left out stays as it is."""
        changes = Changes(
            enterprise=enterprise,
            deemed_acceptance_days=deemed_acceptance_days,
            over_delivery=over_delivery,
        )
        settled = run(lambda database: set_party(database, b2b_id, changes))
        show(_shown(b2b_id, settled), as_json=as_json)

    return party_set


def _shown(b2b_id: str, settled: TradeSettings) -> dict[str, str]:
    days, percent = settled.deemed_acceptance_days, settled.over_delivery_percent
    return {
        "b2bId": b2b_id,
        "enterprise": settled.enterprise or NONE,
        "deemedAcceptanceDays": NONE if days is None else str(days),
        "overDelivery": NONE if percent is None else f"{percent:f}",
    }
