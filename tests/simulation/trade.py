"""Requests that two careless traders might make: mostly sensible, now and then nonsense."""

from dataclasses import dataclass, replace
from random import Random

import msgspec

BUYER, SUPPLIER = "ZZZCI2701K@BCB", "ZZZFM3301Q@BCB"
_DEVICE = {"tag": {"name": "GEOCODE", "value": "12.97,77.59"}}
_IDS = {"buyerB2BId": BUYER, "supplierB2BId": SUPPLIER}

CONFIRM = {"ACCEPT": "ACCEPTED", "REJECT": "REJECTED", "RETURN": "UNDER REVIEW"}
CHANGE = {"CANCEL": "CANCELLED", "CLOSE": "CLOSED"}
STATUSES = ("CREATED", "SENT TO SUPPLIER", "UNDER REVIEW", "ACCEPTED", "REJECTED", "CLOSED")


@dataclass(frozen=True, slots=True)
class Belief:
    """What a trader believes of an order; `agreed` is the last accepted version, if any."""

    object_id: str
    version: int
    status: str
    agreed: int | None


def order(object_id: str, *, current: int, new: int, status: str) -> dict[str, object]:
    """The smallest order that the contract allows."""
    return {
        "objectId": object_id,
        "buyerPONumber": f"PO-{object_id}",
        "ts": "2025-11-03T10:00:00+05:30",
        "orderDate": "2025-11-03",
        "deliveryDate": "2025-11-28",
        "subject": "yarn",
        "objectVersion": {"currentVersion": current, "newVersion": new},
        "poStatusTransition": {"currentStatus": status, "newStatus": "SENT TO SUPPLIER"},
        "supplierDetails": {"b2bId": SUPPLIER, "legalName": "Made-Up Yarn Mills LLP"},
        "buyerDetails": {"b2bId": BUYER, "legalName": "Imaginary Loom Textiles"},
        "addressDetails": [],
        "itemLists": [],
        "poValueDetails": {},
        "poInfos": [],
        "contractReferenceDetails": [],
        "additionalDocumentDetails": [],
        "paymentMilestones": [],
        "shippingTermsDetails": {},
    }


def send(object_id: str, *, version: int) -> tuple[str, bytes]:
    """`req-send` of a version that is believed to be free."""
    subject = order(object_id, current=version, new=version, status="CREATED")
    return "req-send", _body("purchaseOrder", subject)


def edit(held: Belief, *, new: int) -> tuple[str, bytes]:
    """`req-edit` from what the buyer believes."""
    subject = order(held.object_id, current=held.version, new=new, status=held.status)
    return "req-edit", _body("purchaseOrder", subject)


def confirm(held: Belief, action: str) -> tuple[str, bytes]:
    """`req-confirm` from what the supplier believes."""
    target = CONFIRM[action]
    if action == "REJECT" and held.agreed is not None:
        target = "ACCEPTED"
    subject = {
        **_named(held, target),
        "supplierResponse": action,
        "supplierRemarks": "as you like it",
    }
    return "req-confirm", _body("poConfirmation", subject)


def change(held: Belief, action: str) -> tuple[str, bytes]:
    """`req-status-change` from what the buyer believes."""
    subject = {**_named(held, CHANGE[action]), "buyerAction": action, "buyerRemarks": "so it goes"}
    return "req-status-change", _body("poStatus", subject)


def muddled(held: Belief, random: Random) -> Belief:
    """What somebody believes who has mixed up his papers."""
    return replace(
        held, version=random.choice((1, 2, 3, held.version)), status=random.choice(STATUSES)
    )


def _named(held: Belief, target: str) -> dict[str, object]:
    return {
        "objectId": held.object_id,
        "buyerPONumber": f"PO-{held.object_id}",
        "objectVersion": {"currentVersion": held.version, "newVersion": held.version},
        "poStatusTransition": {"currentStatus": held.status, "newStatus": target},
    }


def _body(name: str, subject: dict[str, object]) -> bytes:
    return msgspec.json.encode(
        {"device": _DEVICE, "b2bIds": _IDS, name: subject, "additionalInfos": []}
    )
