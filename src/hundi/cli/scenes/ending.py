"""What must be true when all is over."""

from hundi.cli.scenes.table import Table


def promises(table: Table) -> None:
    """Journals that prove themselves, signatures that are good, nothing taken twice."""
    table.told.scene("And all of it")
    supplies, money = table.stories.supplies, table.stories.money
    table.journals(
        [
            ("purchase-order", table.stories.orders.OBJECT_ID),
            *(("invoice", one.object_id) for one in supplies.INVOICES.values()),
            ("cd-note", supplies.CREDIT_NOTE.object_id),
            *(("payment", one.object_id) for one in money.PAYMENTS.values()),
        ]
    )
    for actor in table.everybody:
        arrivals = actor.received()
        verified = all(arrival["verified"] for arrival in arrivals)
        table.told.check(f"{actor.short}: every signature good", expected=True, seen=verified)
        settled = [a["id"] for a in arrivals if a["result"] in {"SUCCESS", "ACK"}]
        twice = len(settled) - len(set(settled))
        table.told.check(f"{actor.short}: webhooks taken twice", expected=0, seen=twice)
