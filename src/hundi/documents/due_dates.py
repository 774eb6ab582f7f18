"""The clocks of the law: when an invoice must be paid, and when silence counts as acceptance. Pure.

Terms count from the day of acceptance. A micro or small enterprise must be paid on the agreed day,
at most 45 days from acceptance; where nothing is agreed, within 15 days (MSMED Act, section 15 and
section 2(b)). An objection counts if it is made within 15 days of delivery; without one the goods
are accepted as of their delivery. What the parties may choose themselves is passed in.
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta

from msgspec import UnsetType

from hundi.documents.invoice_bodies import Invoice
from hundi.documents.supply_shapes import AdvancePayment, InvoiceReference
from hundi.kernel.fields import Group

LONGEST = 45
"""Days from acceptance that a small supplier may wait at most, whatever is agreed."""
UNAGREED = 15
"""Days from acceptance where nothing is agreed; and from delivery, for an objection."""

_DAYS = r"([0-9]{1,4})\s*(?:DAYS?|D)\b"
_NET = re.compile(
    rf"\bNET\s*-?\s*([0-9]{{1,4}})\b(?!\s*-?\s*(?:WEEK|MONTH|YEAR))|\b{_DAYS}\s*NET\b",
    re.IGNORECASE,
)
_PLAIN = re.compile(
    rf"(%\s*[/,-]?\s*(?:(?:IF\s+)?(?:PAID\s+)?(?:IN|WITHIN|FOR)\s+)?)?\b{_DAYS}", re.IGNORECASE
)
"""Days after a percentage are those of a discount: 2% 10 days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DueDate:
    """When an accepted invoice is to be paid.

    `agreed` is the day of the parties' terms, None where they told none. `latest` is the last day
    that the law allows, None where the supplier is not a micro or small enterprise.
    """

    accepted: date
    agreed: date | None
    latest: date | None

    @property
    def day(self) -> date | None:
        """The day that holds: the earlier of the two."""
        days = [day for day in (self.agreed, self.latest) if day is not None]
        return min(days, default=None)

    @property
    def beyond_the_law(self) -> bool:
        """Whether the agreed day is later than the law allows."""
        return self.agreed is not None and self.latest is not None and self.agreed > self.latest

    def overdue(self, today: date) -> int:
        """Days since the day that holds; 0 up to it, and where no day is known."""
        return 0 if self.day is None else max(0, (today - self.day).days)


class Terms(Group, frozen=True, kw_only=True):
    """The members of an invoice that its due date follows from: enough of a stored one."""

    advancePaymentDetails: AdvancePayment
    invoiceReferenceDetails: InvoiceReference


def credit_days(invoice: Invoice | Terms) -> int | None:
    """Days of credit from acceptance: `creditDays`, or what `paymentTerms` such as NET30 say."""
    terms = invoice.advancePaymentDetails
    if not isinstance(terms.creditDays, UnsetType):
        return terms.creditDays
    return _days_in(terms.paymentTerms) if isinstance(terms.paymentTerms, str) else None


def _days_in(words: str) -> int | None:
    """The days of terms in words; None where they tell none, or months. What is net comes first."""
    if (net := _NET.search(words)) is not None:
        return int(net[1] or net[2])
    plain = (int(told[2]) for told in _PLAIN.finditer(words) if told[1] is None)
    return next(plain, None)


def due_date(invoice: Invoice | Terms, *, accepted: date, small_supplier: bool) -> DueDate:
    """When an invoice that was accepted on a day is to be paid, by its terms and by the law.

    Days of credit come before a stated `dueDate`, which was written before the acceptance.
    """
    days, stated = credit_days(invoice), invoice.invoiceReferenceDetails.dueDate
    agreed = None
    if days is not None:
        agreed = later(accepted, days)
    elif isinstance(stated, str):
        agreed = date.fromisoformat(stated)
    latest = None
    if small_supplier:
        latest = later(accepted, UNAGREED if agreed is None else LONGEST)
    return DueDate(accepted=accepted, agreed=agreed, latest=latest)


def deemed_acceptance(delivered: date, *, days: int = UNAGREED) -> date:
    """The last day on which the buyer may still object; after it his silence is acceptance."""
    return later(delivered, days)


def later(day: date, days: int) -> date:
    """So many days after a day, or the last day of the calendar."""
    return day + timedelta(days=min(days, (date.max - day).days))
