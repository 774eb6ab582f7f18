"""The trade story's invoices and credit note, to the paisa, and what is answered to them.

The numbers are those of `tests/data/trade_story.json`, and a test holds the two together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from hundi.simulator import story
from hundi.simulator.story import CONES, Body, Figures


@dataclass(frozen=True, slots=True)
class Supply:
    """An invoice or note. `lines` are figures by the place of the goods in the order."""

    object_id: str
    number: str
    day: str
    time: str
    irn: str
    lines: Mapping[int, Figures]
    taxable: str
    igst: str
    round_off: str
    total: str

    @property
    def ts(self) -> str:
        """The moment at which it was made."""
        return f"{self.day}T{self.time}+05:30"


INVOICES = {
    1: Supply(
        object_id="INV5E840D188D07798C37A953AA9EC3A444",
        number="MYM/25-26/01183",
        day="2025-11-17",
        time="16:20:00",
        irn="1d8a5790ba090e46379947f5b99e6f3d37ddbec31eaec6f46076c445fc53172b",
        lines={
            0: (
                "1612.450",
                "298.650",
                "481558.19",
                "6019.48",
                "475538.71",
                "23776.94",
                "499315.65",
            ),
            1: ("900.000", "217.625", "195862.50", "0.00", "195862.50", "9793.13", "205655.63"),
            2: CONES,
        },
        taxable="681601.21",
        igst="35406.07",
        round_off="-0.28",
        total="717007.00",
    ),
    2: Supply(
        object_id="INV1CDFCBB13C7FD08438CE53728D1D64A9",
        number="MYM/25-26/01274",
        day="2025-12-05",
        time="12:40:00",
        irn="c0100eb1ecf3acf9cdad0a5ab4036681a3adade0fd505ef7ed93701bd07ba41b",
        lines={
            0: (
                "1596.300",
                "298.650",
                "476735.00",
                "5959.19",
                "470775.81",
                "23538.79",
                "494314.60",
            ),
            1: ("1064.250", "217.625", "231607.41", "0.00", "231607.41", "11580.37", "243187.78"),
        },
        taxable="702383.22",
        igst="35119.16",
        round_off="-0.38",
        total="737502.00",
    ),
}
CREDIT_NOTE = Supply(
    object_id="CDNB96EF3BBBB33AE0FD7E3BC4C2BCDBEE0",
    number="MYM/CN/25-26/019",
    day="2025-11-24",
    time="11:05:00",
    irn="fed8d2391511a09df668a17a467cb1f16c75abbaef88a373ffbba5f5f274013c",
    lines={
        0: ("12.150", "298.650", "3628.60", "45.36", "3583.24", "179.16", "3762.40"),
        1: ("45.500", "217.625", "9901.94", "0.00", "9901.94", "495.10", "10397.04"),
    },
    taxable="13485.18",
    igst="674.26",
    round_off="-0.44",
    total="14159.00",
)
BANK_ACCOUNT = {
    "maskedAccountNumber": "XXXXXXXX3301",
    "ifsc": "FICT0000033",
    "beneficiaryName": story.SUPPLIER.name,
}


def invoice(
    which: int = 1,
    *,
    object_id: str | None = None,
    number: str | None = None,
    versions: tuple[int, int] = (1, 1),
    current_status: str = "CREATED",
    irn: str | None = None,
) -> Body:
    """Body of `req-send-invoice`, or with other versions and status of `req-edit-invoice`."""
    supply = INVOICES[which]
    subject = {
        "objectId": object_id or supply.object_id,
        "supplierInvoiceNumber": number or supply.number,
        "objectVersion": {"currentVersion": versions[0], "newVersion": versions[1]},
        "statusTransition": {"currentStatus": current_status, "newStatus": "SENT TO BUYER"},
        "valueDetails": _totals(supply, "totalInvoiceValue"),
        "advancePaymentDetails": {
            "paymentTerms": "45 days from acceptance of the invoice",
            "creditDays": 45,
        },
        "invoiceReferenceDetails": {"invoiceDate": supply.day},
        "precedingInvoiceDetails": [],
        "poDetails": [
            {
                "objectId": story.OBJECT_ID,
                "buyerPONumber": story.NUMBER,
                "orderDate": "2025-11-03",
            }
        ],
        "invoiceFinancingDetails": {},
        "einvoiceResponse": "",
        **_shared(supply, irn=irn, operator="ecommerceGstin"),
    }
    return _message("invoice", subject)


def invoice_confirmation(response: str, *, target: str, remarks: str, which: int = 1) -> Body:
    """Body of `req-confirm-invoice`: ACCEPT, REJECT or RETURN of an invoice that was sent."""
    subject = {
        "objectId": INVOICES[which].object_id,
        "supplierInvoiceNumber": INVOICES[which].number,
        "objectVersion": {"currentVersion": 1, "newVersion": 1},
        "buyerResponse": response,
        "buyerRemarks": remarks,
        "statusTransition": {"currentStatus": "SENT TO BUYER", "newStatus": target},
    }
    return _message("invoiceConfirmation", subject)


def invoice_status_change(
    action: str, *, source: str, target: str, remarks: str, which: int = 1
) -> Body:
    """Body of `req-status-change-invoice`: CANCEL or CLOSE."""
    subject = {
        "objectId": INVOICES[which].object_id,
        "supplierInvoiceNumber": INVOICES[which].number,
        "objectVersion": {"currentVersion": 1, "newVersion": 1},
        "supplierAction": action,
        "supplierRemarks": remarks,
        "statusTransition": {"currentStatus": source, "newStatus": target},
    }
    return _message("invoiceStatus", subject)


def credit_note(*, object_id: str | None = None, number: str | None = None) -> Body:
    """Body of `req-send`: the credit note on invoice 1."""
    supply, on = CREDIT_NOTE, INVOICES[1]
    subject = {
        "objectId": object_id or supply.object_id,
        "noteType": "CREDIT",
        "supplierCDNoteNumber": number or supply.number,
        "objectVersion": {"currentVersion": 1, "newVersion": 1},
        "cdNoteStatusTransition": {"currentStatus": "CREATED", "newStatus": "SENT TO BUYER"},
        "cdNoteValueDetails": _totals(supply, "totalCDNoteValue"),
        "advancePaymentDetails": {},
        "invoiceReferenceDetails": {"invoiceRemarks": "12.150 kg short, 45.500 kg sent back"},
        "precedingInvoiceDetails": [{"invoiceNumber": on.number, "invoiceDate": on.day}],
        "poDetails": [],
        **_shared(supply, irn=None, operator="eCommerceGstin"),
    }
    return story.message("cdNote", subject)


def note_confirmation(response: str, *, target: str, remarks: str) -> Body:
    """Body of `req-confirm`: ACCEPT, REJECT or RETURN of a note that was sent."""
    subject = _about_note({"buyerResponse": response, "buyerRemarks": remarks})
    subject["cdNoteStatusTransition"] = {"currentStatus": "SENT TO BUYER", "newStatus": target}
    return story.message("cdNoteConfirmation", subject)


def note_status_change(action: str, *, source: str, target: str, remarks: str) -> Body:
    """Body of `req-status-change`: CANCEL, or CLOSE to file a note away."""
    subject = _about_note({"supplierAction": action, "supplierRemarks": remarks})
    subject["cdNoteStatusTransition"] = {"currentStatus": source, "newStatus": target}
    return story.message("cdNoteStatus", subject)


def _about_note(more: Body) -> Body:
    return {
        "objectId": CREDIT_NOTE.object_id,
        "noteType": "CREDIT",
        "supplierCDNoteNumber": CREDIT_NOTE.number,
        "objectVersion": {"currentVersion": 1, "newVersion": 1},
        **more,
    }


def _message(name: str, subject: Body) -> Body:
    """Messages about invoices have no `additionalInfos`."""
    whole = story.message(name, subject)
    return {member: value for member, value in whole.items() if member != "additionalInfos"}


def _shared(supply: Supply, *, irn: str | None, operator: str) -> Body:
    """What invoices and notes say alike."""
    return {
        "ts": supply.ts,
        "transactionDetails": {
            "taxScheme": "GST",
            "supplyType": "B2B",
            "reverseChargeTax": "NO",
            "igstChargable": "NO",
            operator: "",
        },
        "supplierDetails": story.details(story.SUPPLIER),
        "buyerDetails": story.details(story.BUYER) | {"placeOfSupply": story.BUYER.state},
        "dispatchDetails": {},
        "shippingDetails": {},
        "itemLists": [story.order_line(n, figures) for n, figures in supply.lines.items()],
        "supplierBankAccountDetails": BANK_ACCOUNT,
        "contractReferenceDetails": [],
        "additionalDocumentDetails": [],
        "exportDetails": {},
        "ewayBillDetail": {},
        "recurringPayments": {},
        "paymentMilestones": [],
        "shippingTermsDetails": {"shippingTerms": "DAP", "shippingMethod": "ROAD"},
        "eInvoiceInfo": {
            "schemaVersion": "1.1",
            "irnNumber": supply.irn if irn is None else irn,
            "irnTs": "",
        },
    }


def _totals(supply: Supply, total: str) -> Body:
    return {
        "assessmentValue": Decimal(supply.taxable),
        total: Decimal(supply.total),
        "valueInfos": [
            {"type": "IGST", "value": Decimal(supply.igst)},
            {"type": "ROUND_OFF", "value": Decimal(supply.round_off)},
        ],
    }
