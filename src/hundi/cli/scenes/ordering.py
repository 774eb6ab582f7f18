"""The order: sent, returned, edited, accepted; and closed when all is billed."""

from hundi.cli.scenes.table import Table

SENT, REVIEW, ACCEPTED, CLOSED = "SENT TO SUPPLIER", "UNDER REVIEW", "ACCEPTED", "CLOSED"
SEND, CONFIRM, EDIT, CHANGE = (
    f"purchase-order/req-{name}" for name in ("send", "confirm", "edit", "status-change")
)


def agreed(table: Table) -> None:
    """Version 1 comes back, version 2 is accepted."""
    story, step = table.stories.orders, table.step
    order = ("purchase-order", story.OBJECT_ID)
    table.told.scene("An order is sent, returned, edited and accepted")
    step(table.buyer, SEND, story.order(1), becomes={order: (1, SENT)})
    returned = story.confirmation(
        "RETURN", version=1, target=REVIEW,
        remarks="Line 2 is 217.625 per kg from November; line 1 can be 3200 kg",
    )  # fmt: skip
    step(table.supplier, CONFIRM, returned, becomes={order: (1, REVIEW)})
    edited = story.order(2, current_version=1, current_status=REVIEW)
    step(table.buyer, EDIT, edited, becomes={order: (2, SENT)})
    accepted = story.confirmation("ACCEPT", version=2, target=ACCEPTED, remarks="Stock confirmed")
    step(table.supplier, CONFIRM, accepted, becomes={order: (2, ACCEPTED)})


def closed(table: Table) -> None:
    """The buyer needs no more of it."""
    story = table.stories.orders
    table.told.scene("The order is closed")
    short = story.status_change(
        "CLOSE", version=2, source=ACCEPTED, target=CLOSED,
        remarks="Short closed, 35.750 kg of line 2 not needed",
    )  # fmt: skip
    becomes = {("purchase-order", story.OBJECT_ID): (2, CLOSED)}
    table.step(table.buyer, CHANGE, short, becomes=becomes)
