"""Two invoices and a credit note; and an invoice that asks for a gram too much."""

from hundi.cli.scenes.table import Table

SENT, ACCEPTED = "SENT TO BUYER", "ACCEPTED"


def first(table: Table) -> None:
    """Part of lines 1 and 2, all of line 3."""
    table.told.scene("Invoice 1 bills a part of the order")
    _billed(table, 1, due="717007.00")


def noted(table: Table) -> None:
    """What came short and what went back is credited; the due falls when the note is accepted."""
    supplies = table.stories.supplies
    invoice = supplies.INVOICES[1].object_id
    note = ("cd-note", supplies.CREDIT_NOTE.object_id)
    table.told.scene("A credit note lowers what is due on invoice 1")
    sent = supplies.credit_note()
    table.step(table.supplier, "cd-note/req-send", sent, becomes={note: (1, SENT)})
    table.owes(invoice, "717007.00")
    accepted = supplies.note_confirmation("ACCEPT", target=ACCEPTED, remarks="Shortage agreed")
    table.step(table.buyer, "cd-note/req-confirm", accepted, becomes={note: (1, ACCEPTED)})
    table.owes(invoice, "702848.00")


def second(table: Table) -> None:
    """The rest: a gram too much is refused, a little over is accepted with a warning."""
    table.told.scene("Invoice 2 bills the rest, a little over the order")
    table.told.line("The supplier bills a gram more than the tolerance allows at first.")
    table.refused(
        table.supplier,
        "invoice/req-send-invoice",
        table.stories.bends.over_the_tolerance(),
        code="INV-OVER-QUANTITY",
        numbers={
            "ordered": "3200.000", "invoiced": "1612.450", "asked": "1747.551", "most": "1747.550",
        },
    )  # fmt: skip
    warned = _billed(table, 2, due="737502.00")
    table.told.check("the sender was warned", expected=True, seen="INV-OVER-QUANTITY-ODD" in warned)


def _billed(table: Table, which: int, *, due: str) -> list[str]:
    """Send an invoice and have it accepted; the codes it was sent with."""
    supplies = table.stories.supplies
    invoice = supplies.INVOICES[which].object_id
    place = ("invoice", invoice)
    sent = table.step(
        table.supplier,
        "invoice/req-send-invoice",
        supplies.invoice(which),
        becomes={place: (1, SENT)},
    )
    accepted = supplies.invoice_confirmation(
        "ACCEPT", target=ACCEPTED, remarks="Goods received", which=which
    )
    becomes = {place: (1, ACCEPTED)}
    table.step(table.buyer, "invoice/req-confirm-invoice", accepted, becomes=becomes)
    table.owes(invoice, due)
    return [warning["code"] for warning in sent["warnings"]]
