"""The two messages that the benchmark sends, as bytes of whole HTTP requests.

`Request.numbered` fills in an order's number; nothing else differs from one request to the next, so
making one costs two joins and no JSON.
"""

import json
from dataclasses import dataclass

BUYER = "ZZZCI2701K@BCB"
SUPPLIER = "ZZZFM3301Q@BCB"
SEND = "/api/v0/purchase-order/req-send"
STATUS_CHANGE = "/api/v0/purchase-order/req-status-change"

_DIGITS = 32
MARK = "#" * _DIGITS
"""Stands for the number of an order in what is to be numbered."""
_OBJECT_ID = f"PUR{MARK}"
_PARTIES = {"buyerB2BId": BUYER, "supplierB2BId": SUPPLIER}
_DEVICE = {"tag": {"name": "GEOCODE", "value": "16.6910,74.4600"}}
_COST_CENTRE = [{"name": "costCentre", "value": "CC-10"}]


def object_id(number: int) -> str:
    """The order's id: `PUR` and 32 digits."""
    return f"PUR{number:0{_DIGITS}d}"


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request with the order's number left out wherever it stands."""

    parts: tuple[bytes, ...]
    digits: int = _DIGITS

    def numbered(self, number: int) -> bytes:
        """The whole request, head and body, for one order."""
        return (b"%0*d" % (self.digits, number)).join(self.parts)


def request(path: str, body: bytes, *, token: str, mark: str = MARK, more: str = "") -> Request:
    """Put the head before a body; the marks in both become the order's number.

    `more` are further header lines, each with its line's end.
    """
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        f"authorization: Bearer {token}\r\ncontent-length: {len(body)}\r\n{more}\r\n"
    )
    return Request(tuple((head.encode() + body).split(mark.encode())), len(mark))


def status_change() -> bytes:
    """CANCEL of an order that the supplier holds: the contract's example, as an ERP prints it."""
    return _printed(
        "poStatus",
        {
            "objectId": _OBJECT_ID,
            "buyerPONumber": f"ILT/{MARK}",
            "objectVersion": {"currentVersion": 1, "newVersion": 1},
            "buyerAction": "CANCEL",
            "buyerRemarks": "Raised twice",
            "poStatusTransition": {
                "currentStatus": "SENT TO SUPPLIER",
                "newStatus": "CANCELLED",
            },
        },
        indent=2,
    )


def send() -> bytes:
    """A new order of one line, all eighteen members filled."""
    return _printed(
        "purchaseOrder",
        {
            "objectId": _OBJECT_ID,
            "buyerPONumber": f"ILT/{MARK}",
            "ts": "2025-11-03T10:30:00+05:30",
            "orderDate": "2025-11-03",
            "deliveryDate": "2025-11-28",
            "subject": "Plastic yarn cones, November",
            "objectVersion": {"currentVersion": 1, "newVersion": 1},
            "poStatusTransition": {
                "currentStatus": "CREATED",
                "newStatus": "SENT TO SUPPLIER",
            },
            "supplierDetails": _SUPPLIER_DETAILS,
            "buyerDetails": _BUYER_DETAILS,
            "addressDetails": [{"addressType": "SHIPPING", "address": _BUYER_ADDRESS}],
            "itemLists": [_LINE],
            "poValueDetails": {
                "assessmentValue": 10200.00,
                "totalPOValue": 12036.00,
                "valueInfos": [{"type": "IGST", "value": 1836.00}],
            },
            "poInfos": [{"name": "paymentTerms", "value": "NET45"}],
            "contractReferenceDetails": [],
            "additionalDocumentDetails": [],
            "paymentMilestones": [{"dueDate": "2026-01-05", "amount": 12036.00}],
            "shippingTermsDetails": {
                "shippingTerms": "DAP",
                "shippingMethod": "ROAD",
                "deliveryDate": "2025-11-28",
            },
        },
        indent=None,
    )


def _printed(subject: str, content: dict[str, object], *, indent: int | None) -> bytes:
    message = {
        "device": _DEVICE,
        "b2bIds": _PARTIES,
        subject: content,
        "additionalInfos": _COST_CENTRE,
    }
    return json.dumps(message, indent=indent).encode()


def _phone(number: str) -> dict[str, str]:
    return {"type": "MOBILE", "countryCode": "+91", "phoneNumber": number}


_BUYER_ADDRESS = {
    "type": "OTHER",
    "addressLine1": "Plot 7, Weavers Estate",
    "addressLine2": "Unit 2",
    "city": "Ichalkaranji",
    "state": "MAHARASHTRA",
    "country": "IN",
    "pincode": "416115",
}
_BUYER_DETAILS = {
    "b2bId": BUYER,
    "gstin": "27ZZZCI2701K1Z0",
    "legalName": "Imaginary Loom Textiles Private Limited",
    "tradeName": "Imaginary Loom",
    "stateCode": "27",
    "placeOfSupply": "27",
    "address": _BUYER_ADDRESS,
    "contactNumber": _phone("9000000002"),
    "email": "accounts@loom.example.com",
}
_SUPPLIER_DETAILS = {
    "b2bId": SUPPLIER,
    "gstin": "33ZZZFM3301Q1ZN",
    "legalName": "Made-Up Yarn Mills LLP",
    "tradeName": "Made-Up Yarn",
    "stateCode": "33",
    "address": {
        "type": "OTHER",
        "addressLine1": "3 Spindle Road",
        "addressLine2": "",
        "city": "Coimbatore",
        "state": "TAMIL NADU",
        "country": "IN",
        "pincode": "641021",
    },
    "contactNumber": _phone("9000000001"),
    "email": "sales@yarn.example.com",
}
_LINE = {
    "serialno": "1",
    "productDescription": "Plastic yarn cones",
    "isService": "NO",
    "hsnCode": "39234000",
    "barCode": "",
    "quantity": 2400,
    "freeQuantity": 48,
    "unit": "NOS",
    "unitPrice": 4.25,
    "totalAmt": 10200.00,
    "assessmentAmount": 10200.00,
    "gstRate": 18,
    "totalItemValue": 12036.00,
    "orderLineReference": "1",
    "originCountry": "IN",
    "productSerialNumber": "",
    "itemValueDetails": [{"type": "IGST", "value": 1836.00}],
    "rates": [],
    "batchDetails": {},
    "attributeDetails": [],
    "additionalInfos": [],
}
