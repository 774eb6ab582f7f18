"""A golden example of financing: the message, what the network has, findings and bookings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.documents.bodies import Body
from tests.documents.golden_files import Finding, verdict

WARNINGS = {"FIN-INITIATOR-ENTITY", "FIN-COPY", "FIN-ACCEPTED-LESS"}
"""By hand, so that the code's own opinion is not asked when the examples are made."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One example. `findings` are (code, path); `books` the transfers, `path: debit > credit n`.

    `invoices` are those that a request offers, in its order, and `accepted` what the buyer has
    accepted where that differs from the copy in the message. `status` is the stored request's, ""
    for a new one; `asked` its body; `bids` the stored bids that are answered, status and body;
    `free` the invoices of a request that is answered, as they stand by then; `level` how far the
    lender is verified.
    """

    name: str
    why: str
    body: Body
    message: str
    target: str | None
    findings: Sequence[Finding] = ()
    books: Sequence[str] = ()
    invoices: Sequence[dict[str, Any]] = ()
    accepted: Mapping[str, object] = field(default_factory=dict)
    status: str = ""
    asked: Body | None = None
    open_bids: int = 0
    bids: Sequence[tuple[str, Body]] = ()
    free: Sequence[dict[str, Any]] = ()
    level: int = 3

    def as_json(self) -> dict[str, Any]:
        """The members of the file."""
        return {
            "why": self.why,
            "verdict": verdict(
                self.findings, moves=self.target is not None, is_warning=WARNINGS.__contains__
            ),
            "findings": [{"code": code, "path": path} for code, path in self.findings],
            "books": list(self.books),
            "message": self.message,
            "invoices": list(self.invoices),
            "accepted": dict(self.accepted),
            "request": {
                "status": self.status, "target": self.target, "openBids": self.open_bids,
                "body": self.asked,
            },
            "free": list(self.free),
            **({} if self.level == 3 else {"level": self.level}),
            "bids": [{"status": status, "body": body} for status, body in self.bids],
            "body": self.body,
        }  # fmt: skip
