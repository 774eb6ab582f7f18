"""Three payments, each confirmed by the supplier; and one that is a rupee and a paisa over."""

from hundi.cli.scenes.table import Table

PAY, CONFIRM = "payment/req-pay", "payment/req-pay-confirmation"
INITIATED = "PAYMENT INITIATED"


def paid(table: Table) -> None:
    """Part of invoice 1, the rest of it, all of invoice 2."""
    table.told.scene("The buyer pays, the supplier confirms")
    _payment(table, 1, after="302606.00")
    table.told.line("Payment 2 is a rupee and a paisa over at first.")
    table.refused(
        table.buyer,
        PAY,
        table.stories.bends.over_the_due(),
        code="PAY-OVER-DUE",
        numbers={"due": "302606.00", "asked": "302607.01", "most": "302607.00"},
    )
    _payment(table, 2, after="0.00")
    _payment(table, 3, after="0.00")


def _payment(table: Table, which: int, *, after: str) -> None:
    money = table.stories.money
    told = money.PAYMENTS[which]
    invoice, payment = ("invoice", told.invoice), ("payment", table.names.of(told.object_id))
    body = money.payment(which)
    table.told.line(f"Payment {which}: {told.cash} in cash, {told.split[0]} {told.split[1]}.")
    table.step(table.buyer, PAY, body, becomes={invoice: (1, INITIATED)})
    table.owes(told.invoice, told.due)
    table.told.check(
        "the network's payment", expected=(1, "DELIVERED"), seen=table.stands(*payment)
    )
    confirmed = money.payment_confirmation(which)
    table.step(table.supplier, CONFIRM, confirmed, becomes={invoice: (1, told.after)})
    table.owes(told.invoice, after)
    table.told.check(
        "the network's payment", expected=(1, "CONFIRMED"), seen=table.stands(*payment)
    )
