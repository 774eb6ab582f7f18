"""Arithmetic that documents share: tolerances, lines, totals. Pure, exact, integer paise.

The network never changes a number. A difference of one paisa a line is rounding and passes without
a word, up to the tolerance it is a warning with both numbers, beyond it a refusal. A check whose
inputs are absent is skipped. (design rules, "Tolerances")
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations

from msgspec import UNSET, UnsetType

from hundi.documents.shapes import LineItem, TypedAmount
from hundi.kernel.faults import Code, Fault, Kind
from hundi.kernel.money import ZERO, Money

PAISA = Money(1)
RUPEE = Money(100)
ROUND_OFF_LIMIT = Money(9999)
UNKNOWN_AMOUNTS = 6

TAXES = ("IGST", "CGST", "SGST")
CESSES = ("CESS", "CESS_NON_ADVALOREM", "STATE_CESS", "STATE_CESS_NON_ADVALOREM")
CHARGES = ("OTHER_CHARGES",)

_HUNDRED = Decimal(100)


def _pair(stem: str, what: str) -> tuple[Code, Code]:
    odd = Code(f"{stem}-ODD", Kind.WARNING, f"{what} differs from its parts by a little.")
    off = Code(stem, Kind.RULE, f"{what} differs from its parts by more than the tolerance.")
    return odd, off


TAXABLE_ODD, TAXABLE = _pair("SUM-TAXABLE", "The taxable amount of a line")
LINE_VALUE_ODD, LINE_VALUE = _pair("SUM-LINE-VALUE", "The value of a line")
TAXABLE_TOTAL_ODD, TAXABLE_TOTAL = _pair("SUM-TAXABLE-TOTAL", "The taxable value of a document")
TAX_TOTAL_ODD, TAX_TOTAL = _pair("SUM-TAX-TOTAL", "A tax total of a document")
TOTAL_ODD, TOTAL = _pair("SUM-TOTAL", "The total of a document")
QUANTITY_PRICE = Code(
    "SUM-QUANTITY-PRICE", Kind.WARNING, "Quantity times unit price is not the total of the line."
)
LINE_TAX = Code("SUM-LINE-TAX", Kind.WARNING, "The tax of a line is not its rate of the taxable.")
HALVES = Code("SUM-TAX-HALVES", Kind.WARNING, "CGST and SGST of a line are not the same.")
ROUND_OFF = Code("SUM-ROUND-OFF", Kind.RULE, "A round-off is at most 99.99 either way.")
CODES = (
    TAXABLE_ODD, TAXABLE, LINE_VALUE_ODD, LINE_VALUE, TAXABLE_TOTAL_ODD, TAXABLE_TOTAL,
    TAX_TOTAL_ODD, TAX_TOTAL, TOTAL_ODD, TOTAL, QUANTITY_PRICE, LINE_TAX, HALVES, ROUND_OFF,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """A line's figures in paise, taken apart once. None stands for what was not given."""

    path: str
    total: Money | None
    taxable: Money | None
    rate: Decimal | None
    value: Money
    discount: Money
    taxes: dict[str, Money]
    cesses: Money
    charges: Money

    @property
    def tax(self) -> Money:
        """GST of the line, without cesses."""
        return sum_of(self.taxes.values())


def sum_of(amounts: Iterable[Money]) -> Money:
    """The sum of some amounts."""
    return Money(sum(amount.paise for amount in amounts))


def by_type(amounts: Sequence[TypedAmount] | UnsetType) -> dict[str, Money]:
    """Labelled figures by label; of a repeated label the sum."""
    found: dict[str, Money] = {}
    for amount in amounts or ():
        if isinstance(amount.type, str) and isinstance(amount.value, Decimal | int):
            label = amount.type.upper()
            found[label] = found.get(label, ZERO) + Money.of(amount.value)
    return found


def line_of(item: LineItem, path: str) -> Line:
    """Take a line apart."""
    labelled = by_type(item.itemValueDetails)
    return Line(
        path=path,
        total=money(item.totalAmt),
        taxable=money(item.assessmentAmount),
        rate=None if item.gstRate is UNSET else Decimal(item.gstRate),
        value=Money.of(item.totalItemValue),
        discount=labelled.get("DISCOUNT", ZERO),
        taxes={name: labelled[name] for name in TAXES if name in labelled},
        cesses=sum_of(labelled.get(name, ZERO) for name in CESSES),
        charges=sum_of(labelled.get(name, ZERO) for name in CHARGES),
    )


def money(amount: Decimal | UnsetType) -> Money | None:
    """An optional amount."""
    return None if isinstance(amount, UnsetType) else Money.of(amount)


def document_tolerance(lines: int) -> Money:
    """₹ 1.00, or a paisa a line where that is more."""
    return max(RUPEE, Money(lines))


def nearest(stated: Money, sums: Iterable[Money]) -> Money:
    """Of several right sums the one that the stated figure comes closest to."""
    return min(sums, key=lambda right: abs(stated - right))


def difference(
    stated: Money,
    right: Money,
    *,
    path: str,
    codes: tuple[Code, Code],
    silent: Money = PAISA,
    tolerance: Money = RUPEE,
) -> Iterator[Fault]:
    """Nothing, a warning or a refusal for a stated figure against what its parts make."""
    off = abs(stated - right)
    if off <= silent:
        return
    odd, wrong = codes
    code = odd if off <= tolerance else wrong
    advice = "" if code is odd else " Correct the figure or its parts."
    yield code.at(
        path,
        f"Stated {stated.text()}, its parts make {right.text()}, {off.text()} apart.{advice}",
        stated=stated.text(),
        sum=right.text(),
        difference=off.text(),
    )


def quantity_times_price(item: LineItem, path: str) -> Iterator[Fault]:
    """Warned only: a derived price is rounded, and the rounding grows with the quantity."""
    if item.totalAmt is UNSET or not item.quantity or not item.unitPrice:
        return
    stated = Decimal(item.totalAmt)
    product = Decimal(item.quantity) * Decimal(item.unitPrice)
    exponent = Decimal(item.unitPrice).as_tuple().exponent
    places = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    allowed = max(Decimal(1), Decimal(item.quantity) * Decimal(5).scaleb(-places - 1))
    if abs(product - stated) > allowed:
        made = Money.rounded(product).text()
        detail = f"{item.quantity} times {item.unitPrice} makes {made}, the line states {stated}."
        yield QUANTITY_PRICE.at(f"{path}.totalAmt", detail, stated=str(stated), product=made)


def taxable_of(line: Line) -> Iterator[Fault]:
    """Taxable = total less discount; where the price holds the tax, divided by 1 + rate."""
    if line.total is None or line.taxable is None:
        return
    net = line.total - line.discount
    sums = [net]
    if line.rate is not None:
        sums.append(Money.rounded(net.rupees / (1 + line.rate / _HUNDRED)))
    yield from difference(
        line.taxable,
        nearest(line.taxable, sums),
        path=f"{line.path}.assessmentAmount",
        codes=(TAXABLE_ODD, TAXABLE),
    )


def tax_of(line: Line) -> Iterator[Fault]:
    """Tax = taxable times rate, CGST and SGST half each. Nil tax always passes. Warned here."""
    if line.taxable is None or line.rate is None or not line.tax:
        return
    expected = line.taxable.times(line.rate / _HUNDRED)
    central, state = line.taxes.get("CGST", ZERO), line.taxes.get("SGST", ZERO)
    silent = Money(2) if central or state else PAISA
    path = f"{line.path}.itemValueDetails"
    if abs(line.tax - expected) > silent:
        detail = (
            f"The taxes are {line.tax.text()}; {line.rate} % of {line.taxable.text()}"
            f" is {expected.text()}."
        )
        yield LINE_TAX.at(path, detail, stated=line.tax.text(), sum=expected.text())
    if abs(central - state) > PAISA:
        detail = f"CGST is {central.text()} and SGST {state.text()}; they are half the tax each."
        yield HALVES.at(path, detail, cgst=central.text(), sgst=state.text())


def line_value(line: Line) -> Iterator[Fault]:
    """Value = taxable + taxes + charges; where the buyer pays the tax himself, without it."""
    if line.taxable is None:
        return
    without = line.taxable + line.charges
    sums = (without + line.tax + line.cesses, without)
    yield from difference(
        line.value,
        nearest(line.value, sums),
        path=f"{line.path}.totalItemValue",
        codes=(LINE_VALUE_ODD, LINE_VALUE),
    )


@dataclass(frozen=True, slots=True)
class Totals:
    """A document's stated totals and where they stand."""

    taxable: Money | None
    total: Money | None
    labelled: dict[str, Money]
    taxable_path: str
    total_path: str
    labelled_path: str


def totals_of(lines: Sequence[Line], totals: Totals) -> Iterator[Fault]:
    """The document's sums against its lines and against each other."""
    tolerance = document_tolerance(len(lines))
    silent = Money(max(1, len(lines)))
    yield from _round_off(totals)
    whole = bool(lines) and all(line.taxable is not None for line in lines)
    taxable = sum_of(line.taxable or ZERO for line in lines) if whole else None
    if totals.taxable is not None and taxable is not None:
        yield from difference(
            totals.taxable, taxable, path=totals.taxable_path, tolerance=tolerance,
            silent=silent, codes=(TAXABLE_TOTAL_ODD, TAXABLE_TOTAL),
        )  # fmt: skip
    for tax in TAXES:
        stated = totals.labelled.get(tax)
        of_lines = [line.taxes[tax] for line in lines if tax in line.taxes]
        if stated is not None and of_lines:
            yield from difference(
                stated, sum_of(of_lines), path=totals.labelled_path, tolerance=tolerance,
                silent=silent, codes=(TAX_TOTAL_ODD, TAX_TOTAL),
            )  # fmt: skip
    base = taxable if taxable is not None else totals.taxable
    if totals.total is not None and base is not None:
        yield from difference(
            totals.total, nearest(totals.total, _right_totals(base, lines, totals.labelled)),
            path=totals.total_path, tolerance=tolerance, silent=silent, codes=(TOTAL_ODD, TOTAL),
        )  # fmt: skip


def _round_off(totals: Totals) -> Iterator[Fault]:
    round_off = totals.labelled.get("ROUND_OFF", ZERO)
    if abs(round_off) > ROUND_OFF_LIMIT:
        detail = f"ROUND_OFF is {round_off.text()}; it is at most 99.99 either way."
        yield ROUND_OFF.at(totals.labelled_path, detail, stated=round_off.text(), most="99.99")


def _right_totals(
    base: Money, lines: Sequence[Line], labelled: dict[str, Money]
) -> Iterator[Money]:
    """Every sum that an honest system may mean.

    Taxes by the document's own figures or by its lines'; with the tax or, where the buyer pays it
    himself, without; a document discount may repeat the lines', and an amount of a type we do not
    know may belong to the sum or not.
    """
    own = sum_of(labelled.get(name, ZERO) for name in (*TAXES, *CESSES))
    of_lines = sum_of(line.tax + line.cesses for line in lines)
    charges = sum_of(labelled.get(name, ZERO) for name in CHARGES)
    line_charges = sum_of(line.charges for line in lines)
    fixed = base + labelled.get("TCS", ZERO) + labelled.get("ROUND_OFF", ZERO)
    for tax in {own, of_lines, ZERO}:
        for charge in {charges, line_charges, charges + line_charges}:
            for loose in _loose_sums(labelled):
                yield fixed + tax + charge + loose


def _loose_sums(labelled: dict[str, Money]) -> list[Money]:
    known = {*TAXES, *CESSES, *CHARGES, "TCS", "ROUND_OFF", "PRE_TAX_VALUE"}
    loose = [-a if t == "DISCOUNT" else a for t, a in labelled.items() if t not in known]
    loose = loose[:UNKNOWN_AMOUNTS]
    picks = (c for n in range(len(loose) + 1) for c in combinations(loose, n))
    return [sum_of(pick) for pick in picks]
