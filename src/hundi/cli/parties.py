"""`hundi party`: the operator's hand on businesses and their B2B IDs."""

from functools import partial
from typing import Annotated

import typer

from hundi.cli.database import AsJson, show, with_database
from hundi.cli.party_set import party_set
from hundi.cli.roster import party_list
from hundi.kernel.identity import system_random
from hundi.parties.model import IS_PAID
from hundi.parties.operations import (
    NewFinancier,
    NewParty,
    add_party,
    name_financier,
    set_level,
    switch,
)

Level = Annotated[
    int, typer.Option(min=1, max=3, help="1 exchanges documents, 2 also pays, 3 is also paid.")
]
Known = Annotated[str, typer.Option("--b2b-id", help="A B2B ID on the network.")]


def party_commands() -> typer.Typer:
    """The commands below `hundi party`."""
    group = typer.Typer(help="Businesses and their B2B IDs.", no_args_is_help=True)
    group.command("add")(_add)
    group.command("list")(party_list)
    group.command("set")(party_set)
    group.command("financier")(_financier)
    group.command("deactivate")(_deactivate)
    group.command("activate")(_activate)
    group.command("level")(_level)
    return group


def _add(
    client: Annotated[str, typer.Option(help="clientId of the system that serves it.")],
    name: Annotated[str, typer.Option(help="Name of the business.")],
    pan: Annotated[str, typer.Option(help="Its PAN.")],
    gstin: Annotated[str | None, typer.Option(help="A GSTIN of that PAN.")] = None,
    b2b_id: Annotated[str | None, typer.Option(help="B2B ID; PAN@BCB if left out.")] = None,
    level: Level = IS_PAID,
    joins: Annotated[
        bool, typer.Option("--joins", help="Also where the PAN's business has registered itself.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Register a business, or a further B2B ID of one. You vouch for it."""
    party = NewParty(
        client_id=client,
        name=name,
        pan=pan,
        gstin=gstin,
        b2b_id=b2b_id,
        level=level,
        joins=joins,
    )
    made = with_database(lambda db: add_party(db, party, system_random))
    show({"b2bId": made}, as_json=as_json)


def _financier(
    b2b_id: Annotated[str, typer.Option(help="B2B ID of the lender.")],
    fa_id: Annotated[str, typer.Option(help="The financing platform, as requests name it.")],
    financier_id: Annotated[str, typer.Option(help="The lender's name there.")],
    ifsc: Annotated[str, typer.Option(help="Branch of the account it is paid at.")] = "",
    account: Annotated[str, typer.Option(help="That account, masked as payments show it.")] = "",
    as_json: AsJson = False,
) -> None:
    """Let financing requests name a business as a lender. Again, to change its account."""
    lender = NewFinancier(
        b2b_id=b2b_id,
        fa_id=fa_id,
        financier_id=financier_id,
        ifsc=ifsc,
        masked_account=account,
    )
    with_database(lambda db: name_financier(db, lender))
    show({"b2bId": b2b_id, "faId": fa_id, "financierId": financier_id}, as_json=as_json)


def _deactivate(b2b_id: Known, as_json: AsJson = False) -> None:
    """Switch a B2B ID off, whatever is open. New requests are refused, open ones finish.

    Its client cannot switch it on again.
    """
    _switch(b2b_id, active=False, as_json=as_json)


def _activate(b2b_id: Known, as_json: AsJson = False) -> None:
    """Switch a B2B ID on again."""
    _switch(b2b_id, active=True, as_json=as_json)


def _switch(b2b_id: str, *, active: bool, as_json: bool) -> None:
    with_database(
        lambda db: db.write(partial(switch, b2b_id=b2b_id, active=active, by_operator=True))
    )
    show({"b2bId": b2b_id, "state": "ACTIVE" if active else "INACTIVE"}, as_json=as_json)


def _level(b2b_id: Known, level: Level, as_json: AsJson = False) -> None:
    """Write down how far the owner of a B2B ID is verified. See its papers first."""
    with_database(lambda db: db.write(partial(set_level, b2b_id=b2b_id, level=level)))
    show({"b2bId": b2b_id, "level": level}, as_json=as_json)
