"""`hundi party set`: what a business settles for its trade."""

from typing import Annotated

import typer

from hundi.cli.database import AsJson, show, with_database
from hundi.parties.model import TradeSettings
from hundi.parties.trade_settings import Changes, set_party


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
    as_json: AsJson = False,
) -> None:
    """Change what a business has settled. What is left out stays as it is."""
    changes = Changes(
        enterprise=enterprise,
        deemed_acceptance_days=deemed_acceptance_days,
        over_delivery=over_delivery,
    )
    settled = with_database(lambda database: set_party(database, b2b_id, changes))
    show(_shown(b2b_id, settled), as_json=as_json)


def _shown(b2b_id: str, settled: TradeSettings) -> dict[str, object]:
    percent = settled.over_delivery_percent
    return {
        "b2bId": b2b_id,
        "enterprise": settled.enterprise,
        "deemedAcceptanceDays": settled.deemed_acceptance_days,
        "overDelivery": None if percent is None else f"{percent:f}",
    }
