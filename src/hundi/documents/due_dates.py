"""The clocks of the law: when an invoice must be paid, and when silence counts as acceptance. Pure.

Terms count from the day of acceptance. A micro or small enterprise must be paid on the agreed day,
at most 45 days from acceptance; where nothing is agreed, within 15 days (MSMED Act, section 15 and
section 2(b)). An objection counts if it is made within 15 days of delivery; without one the goods
are accepted as of their delivery. What the parties may choose themselves is passed in.
"""

from dataclasses import dataclass
from datetime import date

from msgspec import UnsetType

from hundi.documents.invoice_bodies import Invoice
from hundi.documents.payment_terms import Credit, credit_in, later
from hundi.documents.supply_shapes import AdvancePayment, InvoiceReference
from hundi.kernel.fields import Group

LONGEST = 45
"""Days from acceptance that a small supplier may wait at most, whatever is agreed."""
UNAGREED = 15
"""Days from acceptance where nothing is agreed; and from delivery, for an objection."""


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


def _credit(invoice: Invoice | Terms) -> Credit | None:
    """Credit from acceptance: `creditDays`, or what `paymentTerms` such as NET30 say."""
    terms = invoice.advancePaymentDetails
    if not isinstance(terms.creditDays, UnsetType):
        return Credit(days=terms.creditDays)
    return credit_in(terms.paymentTerms) if isinstance(terms.paymentTerms, str) else None


def due_date(invoice: Invoice | Terms, *, accepted: date, small_supplier: bool) -> DueDate:
    """When an invoice that was accepted on a day is to be paid, by its terms and by the law.

    Credit comes before a stated `dueDate`, which was written before the acceptance. Terms that cannot
    be read are agreed all the same: then only the longest time that the law allows is sure.
    """
    credit, stated = _credit(invoice), invoice.invoiceReferenceDetails.dueDate
    agreed = None
    if credit is not None:
        agreed = credit.after(accepted)
    elif isinstance(stated, str):
        agreed = date.fromisoformat(stated)
    latest = None
    if small_supplier:
        something = agreed is not None or bool(invoice.advancePaymentDetails.paymentTerms)
        latest = later(accepted, LONGEST if something else UNAGREED)
    return DueDate(accepted=accepted, agreed=agreed, latest=latest)


def deemed_acceptance(delivered: date, *, days: int = UNAGREED) -> date:
    """The last day on which the buyer may still object; after it his silence is acceptance."""
    return later(delivered, days)
