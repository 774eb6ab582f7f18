"""A golden example: a message, what the network knows, and the findings it must give."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from hundi.exchange.views import DocumentView
from hundi.ledger.model import Balance
from hundi.simulator import story
from tests.documents.bodies import Body
from tests.documents.golden_files import Finding, verdict

LIVE = {
    "live invoices": 2,
    "line:1 quantity": 3_208_750,
    "line:2 quantity": 1_964_250,
    "line:3 quantity": 2_400_000,
}
"""What both invoices of the story have taken of the order, in thousandths of a unit."""

GSTINS = {
    story.BUYER.b2b_id: (story.BUYER.gstin,),
    story.SUPPLIER.b2b_id: (story.SUPPLIER.gstin,),
}


def balances(nets: Mapping[str, int]) -> dict[str, Balance]:
    """Accounts that hold so much: a debit, or below zero a credit."""
    return {
        name: Balance(debit=net) if net >= 0 else Balance(credit=-net) for name, net in nets.items()
    }


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A document as the network holds it: its row, what its accounts hold, and its content."""

    type: str
    view: DocumentView
    body: Body | None = None

    def as_json(self) -> dict[str, Any]:
        """The members of the file; those of an order come as they always did."""
        view = self.view
        told: dict[str, Any] = {
            "status": view.status,
            "version": view.version,
            "agreedVersion": view.agreed_version,
            "number": view.number,
            "drawn": {name: balance.net for name, balance in view.balances.items()},
        }
        if view.object_id:
            told["objectId"] = view.object_id
        if view.status_on != date.min:
            told["statusOn"] = view.status_on.isoformat()
        if self.body is not None:
            told |= {"type": self.type, "body": self.body}
        return told


@dataclass(frozen=True, kw_only=True)
class Case:
    """One example. `findings` are (code, path); `target` is where a stored document goes, or None.

    `gstins` are those that the network knows of a party, where they are not the story's; `held`
    the other documents that it knows, by the path that names them; `stored` the content of the
    moved one.
    """

    name: str
    why: str
    body: Body
    type: str = "purchase-order"
    message: str = "req-send"
    findings: tuple[Finding, ...] = ()
    document: DocumentView | None = None
    stored: Body | None = None
    target: str | None = "SENT TO SUPPLIER"
    gstins: dict[str, tuple[str, ...]] = field(default_factory=dict)
    held: dict[str, Stored] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The members of the file."""
        told: dict[str, Any] = {
            "why": self.why,
            "verdict": verdict(
                self.findings, moves=self.target is not None, is_warning=_is_warning
            ),
            "findings": [{"code": code, "path": path} for code, path in self.findings],
            "message": self.message,
            "document": self.document and self._document(self.document),
            "gstins": {k: list(v) for k, v in (GSTINS | self.gstins).items()},
        }
        if self.held:
            told["held"] = {path: one.as_json() for path, one in self.held.items()}
        return told | {"body": self.body}

    def _document(self, view: DocumentView) -> dict[str, Any]:
        whole = Stored(type=self.type, view=view, body=self.stored).as_json()
        return whole | {"target": self.target}


def of(path: str, *codes: str) -> tuple[Finding, ...]:
    """Findings at one path of the order."""
    return tuple((code, f"purchaseOrder.{path}" if path else "purchaseOrder") for code in codes)


# By hand, so that the code's own opinion is not asked when the examples are made.
_WARNINGS = {
    "SUM-QUANTITY-PRICE", "SUM-LINE-TAX", "SUM-TAX-HALVES",
    "PO-OTHER-ID", "PO-OTHER-GSTIN", "PO-TAX-KIND", "PO-HSN", "PO-LINE-TWICE", "PO-DELIVERY-DATE",
    "PO-MILESTONES",
    "INV-OTHER-ID", "INV-OTHER-GSTIN", "INV-SERVICE", "INV-LINE-TWICE", "INV-MILESTONES",
    "INV-ORDER-UNKNOWN", "INV-ORDER-NUMBER", "INV-BEFORE-ORDER", "INV-NOT-ORDERED", "INV-UNIT",
    "INV-PRICE", "INV-FREIGHT",
    "NOTE-OTHER-ID", "NOTE-OTHER-GSTIN", "NOTE-TAX-KIND", "NOTE-HSN", "NOTE-SERVICE",
    "NOTE-LINE-TWICE", "NOTE-MILESTONES", "NOTE-INVOICE-UNKNOWN", "NOTE-INVOICE-STATUS",
}  # fmt: skip


def _is_warning(code: str) -> bool:
    return code in _WARNINGS or code.endswith("-ODD")
