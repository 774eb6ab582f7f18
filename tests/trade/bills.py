"""The story's invoices and credit note as tests change them. They are not registered (no IRN)."""

from typing import Any

from hundi.simulator import story_supplies

Body = dict[str, Any]
INVOICES = {
    which: (supply.object_id, supply.number, supply.day)
    for which, supply in story_supplies.INVOICES.items()
}


def invoice(number: int = 1, **changes: Any) -> Body:
    """Body of `req-send-invoice` for invoice 1 or 2."""
    body = story_supplies.invoice(number)
    body["invoice"] |= {"eInvoiceInfo": {}, **changes}
    return body


def invoice_confirmation(response: str, target: str, *, number: int = 1) -> Body:
    """Body of `req-confirm-invoice`."""
    return story_supplies.invoice_confirmation(
        response, target=target, remarks="Checked", which=number
    )


def invoice_status(action: str, source: str, target: str, *, number: int = 1) -> Body:
    """Body of `req-status-change-invoice`."""
    return story_supplies.invoice_status_change(
        action, source=source, target=target, remarks="As agreed", which=number
    )


def note(**changes: Any) -> Body:
    """Body of `cd-note/req-send` for the story's credit note on invoice 1."""
    body = story_supplies.credit_note()
    body["cdNote"] |= {"eInvoiceInfo": {}, **changes}
    return body


def note_confirmation(response: str = "ACCEPT", target: str = "ACCEPTED") -> Body:
    """Body of `cd-note/req-confirm`."""
    return story_supplies.note_confirmation(response, target=target, remarks="Checked")
