"""Invoices and the credit note of the trade story as bodies, made of `tests/data/trade_story.json`."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from hundi.simulator import story

Body = dict[str, Any]
DATA = json.loads((Path(__file__).parents[1] / "data/trade_story.json").read_text())
INVOICES = {
    1: ("INV5E840D188D07798C37A953AA9EC3A444", "MYM/25-26/01183", "2025-11-17"),
    2: ("INV1CDFCBB13C7FD08438CE53728D1D64A9", "MYM/25-26/01274", "2025-12-05"),
}
NOTE = ("CDNB96EF3BBBB33AE0FD7E3BC4C2BCDBEE0", "MYM/CN/25-26/019", "2025-11-24")


def _lines(figures: Body) -> list[Body]:
    made = []
    for told in figures["lines"]:
        place = int(told["serialno"]) - 1
        keys = ("quantity", "unitPrice", "totalAmt", "discount", "assessmentAmount", "igst")
        row = (*(told[k] for k in keys), told["totalItemValue"])
        line = story.order_line(place, row)
        line["freeQuantity"] = Decimal(told["freeQuantity"])
        made.append(line)
    return made


def _values(figures: Body, total: str) -> Body:
    return {
        "assessmentValue": Decimal(figures["assessmentValue"]),
        total: Decimal(figures["total"]),
        "valueInfos": [
            {"type": "IGST", "value": Decimal(figures["igst"])},
            {"type": "ROUND_OFF", "value": Decimal(figures["roundOff"])},
        ],
    }


def _common(day: str) -> Body:
    return {
        "ts": f"{day}T10:00:00+05:30",
        "transactionDetails": {"supplyType": "B2B", "reverseChargeTax": "NO", "igstChargable": "NO"},
        "supplierDetails": story.details(story.SUPPLIER),
        "buyerDetails": story.details(story.BUYER) | {"placeOfSupply": story.BUYER.state},
        "dispatchDetails": {}, "shippingDetails": {}, "supplierBankAccountDetails": {},
        "advancePaymentDetails": {"creditDays": 45}, "precedingInvoiceDetails": [],
        "contractReferenceDetails": [], "additionalDocumentDetails": [], "exportDetails": {},
        "ewayBillDetail": {}, "recurringPayments": {}, "paymentMilestones": [],
        "shippingTermsDetails": {}, "eInvoiceInfo": {},
        "invoiceReferenceDetails": {"invoiceDate": day},
        "poDetails": [{"objectId": story.OBJECT_ID, "buyerPONumber": story.NUMBER, "orderDate": "2025-11-03"}],
    }  # fmt: skip


def invoice(number: int = 1, **changes: Any) -> Body:
    """Body of `req-send-invoice` for invoice 1 or 2."""
    object_id, name, day = INVOICES[number]
    figures = DATA[f"invoice{number}"]
    subject = _common(day) | {
        "objectId": object_id,
        "supplierInvoiceNumber": name,
        "objectVersion": {"currentVersion": 1, "newVersion": 1},
        "statusTransition": {"currentStatus": "CREATED", "newStatus": "SENT TO BUYER"},
        "itemLists": _lines(figures),
        "valueDetails": _values(figures, "totalInvoiceValue"),
        "invoiceFinancingDetails": {},
        "einvoiceResponse": "",
    }
    return _message("invoice", subject | changes)


def invoice_confirmation(response: str, target: str, *, number: int = 1) -> Body:
    object_id, name, _ = INVOICES[number]
    subject = {
        "objectId": object_id,
        "supplierInvoiceNumber": name,
        "objectVersion": {"currentVersion": 1, "newVersion": 1},
        "buyerResponse": response,
        "buyerRemarks": "Checked",
        "statusTransition": {"currentStatus": "SENT TO BUYER", "newStatus": target},
    }
    return _message("invoiceConfirmation", subject)


def invoice_status(action: str, source: str, target: str, *, number: int = 1) -> Body:
    object_id, name, _ = INVOICES[number]
    subject = {
        "objectId": object_id,
        "supplierInvoiceNumber": name,
        "objectVersion": {"currentVersion": 1, "newVersion": 1},
        "supplierAction": action,
        "supplierRemarks": "As agreed",
        "statusTransition": {"currentStatus": source, "newStatus": target},
    }
    return _message("invoiceStatus", subject)


def note(**changes: Any) -> Body:
    """Body of `cd-note/req-send` for the story's credit note on invoice 1."""
    object_id, name, day = NOTE
    figures = DATA["creditNote"]
    subject = _common(day) | {
        "objectId": object_id,
        "noteType": "CREDIT",
        "supplierCDNoteNumber": name,
        "objectVersion": {"currentVersion": 1, "newVersion": 1},
        "cdNoteStatusTransition": {"currentStatus": "CREATED", "newStatus": "SENT TO BUYER"},
        "itemLists": _lines(figures),
        "cdNoteValueDetails": _values(figures, "totalCDNoteValue"),
        "precedingInvoiceDetails": [
            {"invoiceNumber": INVOICES[1][1], "invoiceDate": INVOICES[1][2]}
        ],
    }
    return _message("cdNote", subject | changes, infos=True)


def note_confirmation(response: str = "ACCEPT", target: str = "ACCEPTED") -> Body:
    object_id, name, _ = NOTE
    subject = {
        "objectId": object_id,
        "noteType": "CREDIT",
        "supplierCDNoteNumber": name,
        "objectVersion": {"currentVersion": 1, "newVersion": 1},
        "buyerResponse": response,
        "buyerRemarks": "Checked",
        "cdNoteStatusTransition": {"currentStatus": "SENT TO BUYER", "newStatus": target},
    }
    return _message("cdNoteConfirmation", subject, infos=True)


def _message(name: str, subject: Body, *, infos: bool = False) -> Body:
    ids = {"buyerB2BId": story.BUYER.b2b_id, "supplierB2BId": story.SUPPLIER.b2b_id}
    more: Body = {"additionalInfos": []} if infos else {}
    return {"device": story.DEVICE, "b2bIds": ids, name: subject, **more}
