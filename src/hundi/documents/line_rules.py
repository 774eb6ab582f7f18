"""What is asked of every line of a document, and of the plan by which it is paid. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal

from hundi.documents import line_sums
from hundi.documents.shapes import LineItem, PaymentMilestone
from hundi.documents.strictness import Strictness
from hundi.documents.sums import Line, sum_of
from hundi.kernel.faults import Fault
from hundi.kernel.money import Money


def each_line(
    items: Sequence[LineItem], lines: Sequence[Line], codes: Strictness, *, untaxed: bool = True
) -> Iterator[Fault]:
    """Each line's own sums, its HSN and its number.

    `untaxed`: a value may leave out a tax that is told.
    """
    for item, line in zip(items, lines, strict=True):
        yield from line_sums.quantity_times_price(item, line.path)
        yield from line_sums.taxable_of(line)
        if codes.line_tax is not None:
            yield from line_sums.tax_of(line, codes.line_tax)
        yield from line_sums.line_value(line, untaxed=untaxed)
        yield from _hsn(item, line.path, codes)
    counted = Counter(item.serialno for item in items)
    for item, line in zip(items, lines, strict=True):
        count = counted[item.serialno]
        if count > 1:
            detail = f"{count} lines have the serialno {item.serialno}."
            path = f"{line.path}.serialno"
            yield codes.line_twice.at(path, detail, serialno=item.serialno, lines=count)


def _hsn(item: LineItem, path: str, codes: Strictness) -> Iterator[Fault]:
    hsn = item.hsnCode or ""
    service = isinstance(item.isService, str) and item.isService.upper() == "YES"
    if hsn and len(hsn) not in {4, 6, 8}:
        detail = f"{hsn} has {len(hsn)} digits; 4, 6 or 8 are used."
        yield codes.hsn.at(f"{path}.hsnCode", detail, hsnCode=hsn, digits=len(hsn))
    elif hsn and service and not hsn.startswith("99"):
        detail = f"{hsn} is not a service; those start with 99."
        yield codes.service.at(f"{path}.hsnCode", detail, hsnCode=hsn)


def milestones_make_the_total(
    plan: Sequence[PaymentMilestone], total: Money | None, codes: Strictness
) -> Iterator[Fault]:
    """A plan of payments that misses the total is odd."""
    amounts = [share.amount for share in plan if isinstance(share.amount, Decimal)]
    if not amounts or total is None:
        return
    together = sum_of(Money.of(amount) for amount in amounts)
    if together != total:
        detail = (
            f"The milestones make {together.text()}, the {codes.noun}'s total is {total.text()}."
        )
        path = f"{codes.root}.paymentMilestones"
        yield codes.milestones.at(path, detail, stated=total.text(), sum=together.text())
