"""Invoices and notes to bend, and what the network knows beside them."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from hundi.exchange.views import DocumentView
from hundi.simulator import story, story_supplies
from tests.documents.bodies import Amounts, Body, amounts, line, put
from tests.documents.cases import Case, Finding, Stored, balances

ORDER_AT = "invoice.poDetails[0]"
INVOICE_AT = "cdNote.precedingInvoiceDetails[0]"
DRAWN_BY_1 = {
    "live invoices": 1,
    "taxable": 68_160_121,
    "line:1 quantity": 1_612_450,
    "line:2 quantity": 900_000,
    "line:3 quantity": 2_400_000,
}
"""What invoice 1 has taken of the order."""


def stored(
    status: str,
    *,
    agreed: int | None = None,
    version: int = 1,
    number: str = story_supplies.INVOICES[1].number,
    drawn: Mapping[str, int] | None = None,
) -> DocumentView:
    """An invoice or note as the network has it."""
    return DocumentView(
        status=status,
        version=version,
        agreed_version=agreed,
        number=number,
        balances=balances(drawn or {}),
    )


def order(
    status: str = "ACCEPTED",
    *,
    agreed: int | None = 2,
    drawn: Mapping[str, int] | None = None,
    closed: str = "0001-01-01",
    body: Body | None = None,
    object_id: str = story.OBJECT_ID,
) -> Stored:
    """The story's order, version 2 in force, as an invoice finds it."""
    content = body or story.order(2)
    view = DocumentView(
        object_id=object_id,
        status=status,
        version=2,
        agreed_version=agreed,
        number=content["purchaseOrder"]["buyerPONumber"],
        status_on=date.fromisoformat(closed),
        balances=balances(drawn or {}),
    )
    return Stored(type="purchase-order", view=view, body=content)


def invoice(status: str = "ACCEPTED", *, which: int = 1, **drawn: int) -> Stored:
    """One of the story's invoices as a note finds it; accounts with `_` for a blank."""
    supply = story_supplies.INVOICES[which]
    view = DocumentView(
        object_id=supply.object_id,
        status=status,
        version=1,
        agreed_version=1,
        number=supply.number,
        balances=balances({name.replace("_", " "): net for name, net in drawn.items()}),
    )
    return Stored(type="invoice", view=view, body=story_supplies.invoice(which))


def bill(
    lines: Sequence[Body], *, taxable: str, total: str, figures: Amounts | None = None, **more: Any
) -> Body:
    """Invoice 1 with other lines and totals, naming no order and not registered."""
    totals = {
        "assessmentValue": Decimal(taxable),
        "totalInvoiceValue": Decimal(total),
        "valueInfos": amounts(figures or {}),
    }
    body = story_supplies.invoice(1, irn="")
    return put(body, itemLists=list(lines), valueDetails=totals, poDetails=[], **more)


def small(
    *,
    taxable: str,
    value: str,
    total: str | None = None,
    figures: Amounts | None = None,
    of_document: Amounts | None = None,
    changes: Mapping[str, object] | None = None,
    **more: Any,
) -> Body:
    """An invoice of one line. Its total is the line's value, and its figures the line's."""
    levies = {name: value for name, value in (figures or {}).items() if name != "DISCOUNT"}
    document = {**levies, **(of_document or {})}
    one = line(taxable=taxable, value=value, figures=figures, **more)
    body = bill([one], taxable=taxable, total=total or value, figures=document)
    return put(body, **(changes or {}))


def note_of(body: Body, **changes: object) -> Body:
    """The credit note with the lines and figures of an invoice, on no invoice."""
    told = body["invoice"]
    value = dict(told["valueDetails"])
    value["totalCDNoteValue"] = value.pop("totalInvoiceValue")
    given = {"precedingInvoiceDetails": [], **changes}
    parties = {name: told[name] for name in ("supplierDetails", "buyerDetails")}
    note = put(story_supplies.credit_note(), **parties)
    return put(note, itemLists=told["itemLists"], cdNoteValueDetails=value, **given)


def sent(name: str, why: str, body: Body, *findings: Finding, **more: Any) -> Case:
    """An example of `req-send-invoice`."""
    return Case(
        name=name, why=why, body=body, type="invoice", message="req-send-invoice",
        findings=findings, **more,
    )  # fmt: skip


def at(path: str, *codes: str) -> tuple[Finding, ...]:
    """Findings at one path of the invoice."""
    return tuple((code, f"invoice.{path}") for code in codes)
