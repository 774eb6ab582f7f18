"""A golden example of a payment: the message, what the network has, findings and bookings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.documents.bodies import Body
from tests.documents.golden_files import Finding, verdict

WARNINGS = {
    "PAY-STATED-DUE", "PAY-STATED-TOTAL", "PAY-PAYEE", "PAY-NOTE-WITHOUT-NUMBER", "PAY-UTR-USED",
    "PAY-OTHER-IDS",
}  # fmt: skip
"""By hand, so that the code's own opinion is not asked when the examples are made."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One example. `findings` are (code, path); `invoices` stand in the order of the message.

    `stored` is the payment that the network knows (its status and body), None for a new one;
    `sharing` are other live payments of the buyer that are found by the UTR, (objectId, UTR now);
    `target` the state it goes to; `books` the transfers, as `place: debit > credit paise`.
    `levels` are those of parties that are not verified to the highest.
    """

    name: str
    why: str
    body: Body
    invoices: Sequence[dict[str, Any]]
    message: str = "req-pay"
    findings: Sequence[Finding] = ()
    stored: tuple[str, Body] | None = None
    sharing: Sequence[tuple[str, str]] = ()
    target: str | None = "INITIATED"
    books: Sequence[str] = field(default=())
    levels: Mapping[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The members of the file."""
        status, body = self.stored or ("", None)
        return {
            "why": self.why,
            "verdict": verdict(
                self.findings, moves=self.target is not None, is_warning=WARNINGS.__contains__
            ),
            "findings": [{"code": code, "path": path} for code, path in self.findings],
            "books": list(self.books),
            **({"levels": dict(self.levels)} if self.levels else {}),
            "message": self.message,
            "payment": {"status": status, "target": self.target, "body": body},
            "invoices": list(self.invoices),
            **(
                {"sharing": [{"objectId": i, "utr": u} for i, u in self.sharing]}
                if self.sharing
                else {}
            ),
            "body": self.body,
        }


def of(path: str, *codes: str) -> tuple[Finding, ...]:
    """Findings at one path of the payment."""
    return tuple((code, f"payment.{path}" if path else "payment") for code in codes)


def in_share(path: str, *codes: str, place: int = 0) -> tuple[Finding, ...]:
    """Findings at one path of a share."""
    return of(f"invoicesPayInfos[{place}].{path}", *codes)


def confirming(path: str, *codes: str) -> tuple[Finding, ...]:
    """Findings at one path of the confirmation."""
    return tuple((code, f"paymentConfirmation.{path}") for code in codes)
