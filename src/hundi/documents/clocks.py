"""The clocks of an invoice as its parties see them: due by terms, by law, and by silence. Pure.

The network moves no document when a clock runs out: it tells. Whoever acts sends a message.
"""

from collections.abc import Iterator
from datetime import date

import msgspec

from hundi.documents import due_dates
from hundi.documents.due_dates import DueDate, Terms
from hundi.documents.invoice_bodies import Invoice
from hundi.kernel.faults import Code, Fault, Kind
from hundi.kernel.reading import read
from hundi.parties.model import TradeSettings

OVERDUE = Code("CLOCK-OVERDUE", Kind.WARNING, "The invoice should have been paid by now.")
BEYOND_LAW = Code(
    "CLOCK-BEYOND-LAW",
    Kind.WARNING,
    "The agreed day is later than the MSMED Act allows for a micro or small supplier.",
)
SILENCE = Code(
    "CLOCK-SILENCE", Kind.WARNING, "The buyer's time to object is over, and it has not answered."
)
CODES = (OVERDUE, BEYOND_LAW, SILENCE)

_MEMBERS = ("advancePaymentDetails", "invoiceReferenceDetails")


class Clocks(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice's days; None where a clock does not run.

    `due` is the day of the terms, `legal` the last one that the law allows, `holds` the earlier of
    the two; `overdue` counts days since then while something is due. `silence` is the last day on
    which the buyer may object before silence is acceptance.
    """

    due: date | None = None
    legal: date | None = None
    holds: date | None = None
    overdue: int = 0
    silence: date | None = None
    warnings: tuple[Fault, ...] = ()


def terms_of(raw: bytes) -> Terms:
    """The terms in the stored body of an invoice; its lines are not looked at."""
    body = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    invoice = msgspec.json.decode(body["invoice"], type=dict[str, msgspec.Raw])
    return read(msgspec.json.encode({name: invoice[name] for name in _MEMBERS}), Terms)


def after_acceptance(
    terms: Invoice | Terms, *, accepted: date, today: date, supplier: TradeSettings, owed: bool
) -> Clocks:
    """The clocks of an accepted invoice; `owed` while something of it is due."""
    early = supplier.must_be_paid_early
    found = due_dates.due_date(terms, accepted=accepted, small_supplier=early)
    overdue = found.overdue(today) if owed else 0
    return Clocks(
        due=found.agreed,
        legal=found.latest,
        holds=found.day,
        overdue=overdue,
        warnings=tuple(_late(found, overdue, supplier) if owed else ()),
    )


def before_acceptance(*, sent: date, today: date, buyer: TradeSettings) -> Clocks:
    """The clock of an invoice that the buyer has not answered, where he has settled what silence is."""
    if buyer.deemed_acceptance_days is None:
        return Clocks()
    last = due_dates.deemed_acceptance(sent, days=buyer.deemed_acceptance_days)
    warnings = []
    if today > last:
        detail = (
            f"The buyer lets {buyer.deemed_acceptance_days} days of silence accept an invoice; they"
            f" ended on {last}. It stays as it is until he confirms it."
        )
        warnings.append(SILENCE.at("clocks.deemedAcceptanceDate", detail))
    return Clocks(silence=last, warnings=tuple(warnings))


def _late(found: DueDate, overdue: int, supplier: TradeSettings) -> Iterator[Fault]:
    if overdue:
        detail = f"It was to be paid by {found.day}, {overdue} days ago."
        yield OVERDUE.at("clocks.daysOverdue", detail, days=overdue)
    if found.beyond_the_law:
        detail = (
            f"The terms say {found.agreed}. A {supplier.enterprise} enterprise must be paid by"
            f" {found.latest}, {due_dates.LONGEST} days from acceptance (MSMED Act, section 15)."
        )
        yield BEYOND_LAW.at("clocks.dueDate", detail)
