"""An invoice against its orders: how much may be billed, at what price, until when. Pure.

Limits hold per line and for the order's taxable value. Within the tolerance is a warning, beyond it
a refusal that shows ordered, invoiced, asked and the most allowed. (design rules, "Order and its
invoices")
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal, InvalidOperation

from hundi.documents import order_rules
from hundi.documents.order_draws import (
    Before,
    Draw,
    OrderBook,
    Ordered,
    Taken,
    invoiced_of,
)
from hundi.documents.sums import RUPEE, by_type, charges_of, money, sum_of
from hundi.documents.totals import document_tolerance
from hundi.kernel.faults import Code, Fault, Kind
from hundi.kernel.money import ZERO, Money, product

OVER_QUANTITY_ODD = Code(
    "INV-OVER-QUANTITY-ODD", Kind.WARNING, "A line is billed beyond the order, within tolerance."
)
OVER_QUANTITY = Code(
    "INV-OVER-QUANTITY", Kind.RULE, "A line is billed beyond the order and its tolerance."
)
OVER_VALUE_ODD = Code(
    "INV-OVER-VALUE-ODD", Kind.WARNING, "The order's taxable value is passed, within tolerance."
)
OVER_VALUE = Code(
    "INV-OVER-VALUE", Kind.RULE, "The order's taxable value and its tolerance are passed."
)
CODES = (OVER_QUANTITY_ODD, OVER_QUANTITY, OVER_VALUE_ODD, OVER_VALUE)

_USUAL = Decimal(5)
_MOST = Decimal(1000)
_WEIGHTS = "KGS KG KILOGRAM KILOGRAMS GMS GM G GRAM GRAMS MTS MT TON TONNE TONNES QTL QUINTAL"
_LENGTHS = "MTR M METER METERS METRE METRES KME KM CMS CM MMS MM YDS YARD YARDS GYD FT FEET INCH"
_VOLUMES = "LTR L LITRE LITRES LITER LITERS MLT ML KLR KL CBM CCM UGS BBL"
_BY_MEASURE = frozenset(f"{_WEIGHTS} {_LENGTHS} {_VOLUMES}".split())
"""Units that nobody delivers to the last one: weights, lengths and volumes, as UQC and ERPs say."""


@dataclass(frozen=True, slots=True)
class Limits:
    """An order's tolerance in percent, and what it makes of its lines."""

    percent: Decimal

    def factor(self, ordered: Ordered) -> Decimal:
        """By how much a line may grow: 1 for what is counted."""
        unit = ordered.item.unit
        measured = isinstance(unit, str) and unit.strip().upper() in _BY_MEASURE
        return 1 + self.percent / 100 if measured else Decimal(1)

    def quantity(self, ordered: Ordered) -> Decimal:
        """The most of a line, in whole thousandths."""
        most = product(ordered.quantity, self.factor(ordered))
        return most.quantize(Decimal("0.001"), ROUND_FLOOR)

    def value(self, book: OrderBook) -> tuple[Money, Money] | None:
        """The order's taxable value and the most of it; None where a line's value is not known.

        Lines that tell no value share what the order's own taxable value has beyond the others.
        """
        lines = book.lines.values()
        ordered = sum_of(line.taxable for line in lines)
        most = sum_of(line.taxable.times(self.factor(line)) for line in lines)
        factors = [self.factor(line) for line in lines if line.unvalued]
        if not factors:
            return ordered, most
        rest = _beyond_its_lines(book, ordered)
        return None if rest is None else (ordered + rest, most + rest.times(max(factors)))


def _beyond_its_lines(book: OrderBook, of_lines: Money) -> Money | None:
    """What the order's stated taxable value holds for lines that tell none.

    None where it holds none: its charges alone, or rounding, do not speak of those lines.
    """
    told = book.view.body.purchaseOrder.poValueDetails
    stated, charges = money(told.assessmentValue), charges_of(by_type(told.valueInfos)).total()
    if stated is None:
        return None
    rest = stated - of_lines
    return rest if rest > document_tolerance(len(book.lines)) + Money(charges) else None


def limits_of(book: OrderBook, settled: Decimal | None) -> Limits:
    """The order's own over-delivery tolerance (`poInfos`), else the buyer's, else the usual one."""
    for info in book.view.body.purchaseOrder.poInfos:
        if isinstance(info.name, str) and info.name.strip().upper() == "OVERDELIVERYPERCENT":
            try:
                told = Decimal(str(info.value).strip().removesuffix("%"))
            except InvalidOperation:
                continue
            if told.is_finite() and 0 <= told <= _MOST:
                return Limits(told)
    return Limits(_USUAL if settled is None else settled)


def within_limits(draw: Draw, before: Before | None, *, settled: Decimal | None) -> Iterator[Fault]:
    """What an invoice takes of one order, `before` being what its stored version holds already.

    `settled` is the over-delivery that the buyer lets pass on all of its orders, in percent.
    """
    limits = limits_of(draw.book, settled)
    for serialno, taken in draw.taken.items():
        held = Decimal(0) if before is None else before.quantity(serialno)
        yield from _line(draw.book, serialno, taken=taken, held=held, limits=limits)
    yield from _value(draw, ZERO if before is None else before.taxable, limits)


def _line(
    book: OrderBook, serialno: str, *, taken: Taken, held: Decimal, limits: Limits
) -> Iterator[Fault]:
    ordered = book.lines[serialno]
    if ordered.blanket or not taken.quantity:
        return
    invoiced = invoiced_of(book.view, serialno) - held
    together, most = invoiced + taken.quantity, limits.quantity(ordered)
    if together <= ordered.quantity:
        return
    path = f"invoice.itemLists[{taken.places[0]}].quantity"
    number, line = book.view.number, f"{ordered.quantity:.3f}"
    if together <= most:
        over = f"{together - ordered.quantity:.3f}"
        detail = (
            f"Line {serialno} of {number} stands at {together:.3f} of {line} ordered, {over} over;"
            f" the tolerance allows {most:.3f}."
        )
        yield OVER_QUANTITY_ODD.at(
            path, detail, ordered=line, invoiced=f"{together:.3f}", over=over, most=f"{most:.3f}"
        )
        return
    asked, left = f"{taken.quantity:.3f}", f"{max(most - invoiced, Decimal(0)):.3f}"
    detail = (
        f"Of line {serialno} of {number} {line} are ordered, {invoiced:.3f} invoiced and {asked}"
        f" asked. Bill at most {left}, or have the order amended."
    )
    yield OVER_QUANTITY.at(
        path, detail, ordered=line, invoiced=f"{invoiced:.3f}", asked=asked, most=left
    )


def _value(draw: Draw, held: Money, limits: Limits) -> Iterator[Fault]:
    """The taxable value of all lines.

    A paisa for each line of the order and for each invoice is rounding, as in other sums. Not for
    each line in each invoice: of many lines and many bills that would be real money.
    """
    view, limit = draw.book.view, limits.value(draw.book)
    if limit is None or not draw.taxable:
        return
    ordered, most = limit
    invoiced = Money(view.balance(order_rules.TAXABLE_DRAWN).taken) - held
    together = invoiced + draw.taxable
    rounding = Money(len(draw.book.lines) + view.balance(order_rules.LIVE_INVOICES).taken + 1)
    if together <= ordered + rounding:
        return
    path = "invoice.valueDetails.assessmentValue"
    if together <= most + max(RUPEE, rounding):
        detail = (
            f"The taxable value of {view.number} is {ordered.text()}; with this {together.text()}"
            f" is invoiced, and the tolerance allows {most.text()}."
        )
        yield OVER_VALUE_ODD.at(
            path, detail, ordered=ordered.text(), invoiced=together.text(), most=most.text()
        )
        return
    asked, left = draw.taxable.text(), max(most - invoiced, ZERO).text()
    detail = (
        f"The taxable value of {view.number} is {ordered.text()}, {invoiced.text()} is invoiced and"
        f" {asked} asked. Bill at most {left}, or have the order amended."
    )
    facts = {"ordered": ordered.text(), "invoiced": invoiced.text(), "asked": asked, "most": left}
    yield OVER_VALUE.at(path, detail, **facts)
