"""A golden example: a message, what the network knows, and the findings it must give."""

from dataclasses import dataclass, field
from typing import Any

from hundi.exchange.definition import DocumentView
from hundi.simulator import story
from tests.documents.bodies import Body

Finding = tuple[str, str]
LIVE = {
    "live invoices": 2,
    "line:1 quantity": 3_208_750,
    "line:1 ordered": 3_200_000,
    "line:2 quantity": 1_964_250,
    "line:2 ordered": 2_000_000,
    "line:3 quantity": 2_400_000,
    "line:3 ordered": 2_400_000,
}
"""What both invoices of the story have taken of the order, in thousandths of a unit."""

GSTINS = {
    story.BUYER.b2b_id: (story.BUYER.gstin,),
    story.SUPPLIER.b2b_id: (story.SUPPLIER.gstin,),
}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One example. `findings` are (code, path); `target` is where a stored document goes, or None.

    `gstins` are those that the network knows of a party, where they are not the story's.
    """

    name: str
    why: str
    body: Body
    message: str = "req-send"
    findings: tuple[Finding, ...] = ()
    document: DocumentView | None = None
    target: str | None = "SENT TO SUPPLIER"
    gstins: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """What the reader of the file wants to know first; written down from the codes' names."""
        if not self.findings:
            return "silent"
        return "warned" if all(_is_warning(code) for code, _ in self.findings) else "refused"

    def as_json(self) -> dict[str, Any]:
        """The members of the file."""
        view = self.document
        return {
            "why": self.why,
            "verdict": "refused" if self.target is None else self.verdict,
            "findings": [{"code": code, "path": path} for code, path in self.findings],
            "message": self.message,
            "document": view
            and {
                "status": view.status,
                "version": view.version,
                "agreedVersion": view.agreed_version,
                "number": view.number,
                "drawn": dict(view.drawn),
                "target": self.target,
            },
            "gstins": {k: list(v) for k, v in (GSTINS | self.gstins).items()},
            "body": self.body,
        }


def of(path: str, *codes: str) -> tuple[Finding, ...]:
    """Findings at one path of the order."""
    return tuple((code, f"purchaseOrder.{path}" if path else "purchaseOrder") for code in codes)


# By hand, so that the code's own opinion is not asked when the examples are made.
_WARNINGS = {
    "PO-OTHER-ID", "PO-OTHER-GSTIN", "PO-TAX-KIND", "PO-HSN", "PO-LINE-TWICE", "PO-DELIVERY-DATE",
    "PO-MILESTONES", "SUM-QUANTITY-PRICE", "SUM-LINE-TAX", "SUM-TAX-HALVES",
}  # fmt: skip


def _is_warning(code: str) -> bool:
    return code in _WARNINGS or code.endswith("-ODD")
