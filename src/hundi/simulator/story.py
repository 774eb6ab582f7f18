"""The trade story's order, to the paisa: what the demo plays and the tests bend.

Every company is invented. The numbers are those of `tests/data/trade_story.json`, and a test holds
the two together. Amounts are exact decimals and go on the wire as JSON numbers.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

Body = dict[str, Any]
Figures = tuple[str, str, str, str, str, str, str]
"""Of one line: quantity, price, total, discount, taxable, tax, value."""

_encoder = msgspec.json.Encoder(decimal_format="number")
DEVICE = {"tag": {"name": "GEOCODE", "value": "16.6912,74.4605"}}


@dataclass(frozen=True, slots=True)
class Business:
    """A party of the story."""

    name: str
    pan: str
    gstin: str
    state: str
    place: str
    state_name: str
    pincode: str

    @property
    def b2b_id(self) -> str:
        """Its B2B ID on the network."""
        return f"{self.pan}@BCB"


BUYER = Business(
    "Imaginary Loom Textiles Private Limited",
    "ZZZCI2701K",
    "27ZZZCI2701K1Z0",
    "27",
    "Ichalkaranji",
    "MAHARASHTRA",
    "416115",
)
SUPPLIER = Business(
    "Made-Up Yarn Mills LLP",
    "ZZZFM3301Q",
    "33ZZZFM3301Q1ZN",
    "33",
    "Coimbatore",
    "TAMIL NADU",
    "641021",
)

OBJECT_ID = "PURA22705691489BEA831116084179054D4"
NUMBER = "ILT/PO/25-26/0417"


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the order, line by line, with its totals."""

    lines: tuple[Figures, ...]
    taxable: str
    igst: str
    round_off: str
    total: str
    delivery: str
    ts: str
    milestones: tuple[tuple[str, str], ...]


CONES = ("2400.000", "4.250", "10200.00", "0.00", "10200.00", "1836.00", "12036.00")
"""The line that is never amended: an order's, and the whole of it on the invoice that bills it."""
_YARN = ("3200.000", "298.650", "955680.00", "11946.00", "943734.00", "47186.70", "990920.70")

VERSIONS = {
    1: Version(
        lines=(
            ("3000.000", "298.650", "895950.00", "11199.38", "884750.62", "44237.53", "928988.15"),
            ("2000.000", "214.375", "428750.00", "0.00", "428750.00", "21437.50", "450187.50"),
            CONES,
        ),
        taxable="1323700.62",
        igst="67511.03",
        round_off="0.35",
        total="1391212.00",
        delivery="2025-11-28",
        ts="2025-11-03T10:15:00+05:30",
        milestones=(),
    ),
    2: Version(
        lines=(
            _YARN,
            ("2000.000", "217.625", "435250.00", "0.00", "435250.00", "21762.50", "457012.50"),
            CONES,
        ),
        taxable="1389184.00",
        igst="70785.20",
        round_off="-0.20",
        total="1459969.00",
        delivery="2025-12-10",
        ts="2025-11-06T11:00:00+05:30",
        milestones=(("2026-01-05", "730000.00"), ("2026-01-23", "729969.00")),
    ),
    3: Version(
        lines=(
            _YARN,
            ("1964.250", "217.625", "427469.91", "0.00", "427469.91", "21373.50", "448843.41"),
            CONES,
        ),
        taxable="1381403.91",
        igst="70396.20",
        round_off="-0.11",
        total="1451800.00",
        delivery="2025-12-10",
        ts="2025-12-06T11:00:00+05:30",
        milestones=(),
    ),
}

_GOODS = (
    ("Combed cotton yarn, Ne 40s compact", "52052410", "KGS", "5", "0.000"),
    ("Polyester viscose spun yarn 65/35, Ne 30s", "55095100", "KGS", "5", "0.000"),
    ("Plastic yarn cones", "39234000", "NOS", "18", "48.000"),
)


def order(
    version: int = 1,
    *,
    object_id: str = OBJECT_ID,
    number: str = NUMBER,
    current_version: int | None = None,
    current_status: str = "CREATED",
) -> Body:
    """Body of `req-send` (version 1) or `req-edit` (version 2 or 3) of the story's order."""
    story = VERSIONS[version]
    current = version if current_version is None else current_version
    subject = {
        "objectId": object_id,
        "buyerPONumber": number,
        "ts": story.ts,
        "orderDate": "2025-11-03",
        "deliveryDate": story.delivery,
        "subject": "Yarn and cones, November",
        "objectVersion": {"currentVersion": current, "newVersion": version},
        "poStatusTransition": {"currentStatus": current_status, "newStatus": "SENT TO SUPPLIER"},
        "supplierDetails": details(SUPPLIER),
        "buyerDetails": details(BUYER) | {"placeOfSupply": BUYER.state},
        "addressDetails": [{"addressType": "SHIPPING", "address": address(BUYER)}],
        "itemLists": [order_line(n, figures) for n, figures in enumerate(story.lines)],
        "poValueDetails": _totals(story),
        "poInfos": [
            {"name": "paymentTerms", "value": "45 days from acceptance of the invoice"},
            {"name": "overDeliveryPercent", "value": "5"},
        ],
        "contractReferenceDetails": [],
        "additionalDocumentDetails": [],
        "paymentMilestones": [{"dueDate": d, "amount": Decimal(a)} for d, a in story.milestones],
        "shippingTermsDetails": {
            "shippingTerms": "DAP",
            "shippingMethod": "ROAD",
            "deliveryDate": story.delivery,
        },
    }
    return message("purchaseOrder", subject)


def confirmation(
    response: str,
    *,
    version: int,
    target: str,
    remarks: str,
    object_id: str = OBJECT_ID,
    number: str = NUMBER,
) -> Body:
    """Body of `req-confirm`: ACCEPT, REJECT or RETURN of an order that was sent."""
    subject = {
        "objectId": object_id,
        "buyerPONumber": number,
        "supplierResponse": response,
        "supplierRemarks": remarks,
        "objectVersion": {"currentVersion": version, "newVersion": version},
        "poStatusTransition": {"currentStatus": "SENT TO SUPPLIER", "newStatus": target},
    }
    return message("poConfirmation", subject)


def status_change(
    action: str,
    *,
    version: int,
    source: str,
    target: str,
    remarks: str,
    object_id: str = OBJECT_ID,
    number: str = NUMBER,
) -> Body:
    """Body of `req-status-change`: CANCEL or CLOSE."""
    subject = {
        "objectId": object_id,
        "buyerPONumber": number,
        "objectVersion": {"currentVersion": version, "newVersion": version},
        "buyerAction": action,
        "buyerRemarks": remarks,
        "poStatusTransition": {"currentStatus": source, "newStatus": target},
    }
    return message("poStatus", subject)


def dumps(body: Body) -> bytes:
    """A body as it goes on the wire; decimals become JSON numbers, digit for digit."""
    return _encoder.encode(body)


def message(name: str, subject: Body) -> Body:
    """A body between the story's parties around its subject."""
    ids = {"buyerB2BId": BUYER.b2b_id, "supplierB2BId": SUPPLIER.b2b_id}
    return {"device": DEVICE, "b2bIds": ids, name: subject, "additionalInfos": []}


def address(business: Business) -> Body:
    """The registered place of a party."""
    return {
        "type": "REGISTERED",
        "addressLine1": "Plot 1, Industrial Estate",
        "addressLine2": "",
        "city": business.place,
        "state": business.state_name,
        "country": "IN",
        "pincode": business.pincode,
    }


def details(business: Business) -> Body:
    """A party as documents name it."""
    return {
        "b2bId": business.b2b_id,
        "gstin": business.gstin,
        "legalName": business.name,
        "tradeName": "",
        "stateCode": business.state,
        "address": address(business),
        "contactNumber": {},
        "email": "",
    }


def order_line(place: int, figures: Figures) -> Body:
    """One line of the story's goods, by their place in the order."""
    description, hsn, unit, rate, free = _GOODS[place]
    quantity, price, total, discount, taxable, igst, value = map(Decimal, figures)
    labelled = [{"type": "IGST", "value": igst}]
    if discount:
        labelled.insert(0, {"type": "DISCOUNT", "value": discount})
    return {
        "serialno": str(place + 1),
        "productDescription": description,
        "isService": "NO",
        "hsnCode": hsn,
        "quantity": quantity,
        "freeQuantity": Decimal(free),
        "unit": unit,
        "unitPrice": price,
        "totalAmt": total,
        "assessmentAmount": taxable,
        "gstRate": Decimal(rate),
        "totalItemValue": value,
        "orderLineReference": str(place + 1),
        "itemValueDetails": labelled,
    }


def _totals(story: Version) -> Body:
    return {
        "assessmentValue": Decimal(story.taxable),
        "totalPOValue": Decimal(story.total),
        "valueInfos": [
            {"type": "IGST", "value": Decimal(story.igst)},
            {"type": "ROUND_OFF", "value": Decimal(story.round_off)},
        ],
    }
