"""Arithmetic that documents share: tolerances, lines, totals. Pure, exact, integer paise.

The network never changes a number. A difference of one paisa a line is rounding and passes without
a word, up to the tolerance it is a warning with both numbers, beyond it a refusal. A check whose
inputs are absent is skipped. (design rules, "Tolerances")
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
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
_OF_A_LINE = frozenset((*TAXES, *CESSES, *CHARGES, "DISCOUNT", "PRE_TAX_VALUE"))
_OF_A_DOCUMENT = frozenset((*TAXES, *CESSES, *CHARGES, "TCS", "ROUND_OFF", "PRE_TAX_VALUE"))

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
    """A line's figures in paise, taken apart once. None stands for what was not given.

    `loose` are amounts of types that the network does not know, such as FREIGHT.
    """

    path: str
    total: Money | None
    taxable: Money | None
    rate: Decimal | None
    value: Money
    discount: Money
    taxes: dict[str, Money]
    cesses: Money
    charges: Money
    loose: tuple[Money, ...]

    @property
    def tax(self) -> Money:
        """GST of the line, without cesses."""
        return sum_of(self.taxes.values())

    @property
    def levies(self) -> Money:
        """GST and cesses, as stated."""
        return self.tax + self.cesses

    @property
    def due(self) -> Money:
        """The same; where a rate is told and the tax is not, what the rate makes of the taxable."""
        if not self.untold or self.taxable is None or self.rate is None:
            return self.levies
        return self.cesses + self.taxable.times(self.rate / _HUNDRED)

    @property
    def untold(self) -> bool:
        """Whether a rate is told, and no amount of tax."""
        return not self.taxes and bool(self.rate)


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
        loose=tuple(amount for name, amount in labelled.items() if name not in _OF_A_LINE),
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
        made, told = Money.rounded(product).text(), Money.of(stated).text()
        detail = f"{item.quantity:f} times {item.unitPrice:f} makes {made}, the line states {told}."
        yield QUANTITY_PRICE.at(f"{path}.totalAmt", detail, stated=told, product=made)


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
    fixed = line.taxable + line.charges
    taxes = {line.levies, line.due, ZERO}
    sums = (fixed + tax + loose for tax in taxes for loose in _loose_sums(line.loose))
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
    yield from _round_off(totals)
    whole = bool(lines) and all(line.taxable is not None for line in lines)
    taxable = sum_of(line.taxable or ZERO for line in lines) if whole else None
    judged = partial(
        difference, silent=Money(max(1, len(lines))), tolerance=document_tolerance(len(lines))
    )
    if totals.taxable is not None and taxable is not None:
        codes = (TAXABLE_TOTAL_ODD, TAXABLE_TOTAL)
        yield from judged(totals.taxable, taxable, path=totals.taxable_path, codes=codes)
    for stated, of_lines in _tax_totals(lines, totals.labelled):
        yield from judged(
            stated, of_lines, path=totals.labelled_path, codes=(TAX_TOTAL_ODD, TAX_TOTAL)
        )
    base = taxable if taxable is not None else totals.taxable
    if totals.total is not None and base is not None and _tax_is_told(lines, totals.labelled):
        right = nearest(totals.total, _right_totals(base, lines, totals.labelled))
        yield from judged(totals.total, right, path=totals.total_path, codes=(TOTAL_ODD, TOTAL))


def _round_off(totals: Totals) -> Iterator[Fault]:
    round_off = totals.labelled.get("ROUND_OFF", ZERO)
    if abs(round_off) > ROUND_OFF_LIMIT:
        detail = f"ROUND_OFF is {round_off.text()}; it is at most 99.99 either way."
        yield ROUND_OFF.at(totals.labelled_path, detail, stated=round_off.text(), most="99.99")


def _tax_totals(lines: Sequence[Line], labelled: dict[str, Money]) -> Iterator[tuple[Money, Money]]:
    """(stated, sum of the lines) of each tax; none where a line keeps its tax to itself."""
    if any(line.untold for line in lines):
        return
    for tax in TAXES:
        of_lines = [line.taxes[tax] for line in lines if tax in line.taxes]
        if tax in labelled and of_lines:
            yield labelled[tax], sum_of(of_lines)


def _tax_is_told(lines: Sequence[Line], labelled: dict[str, Money]) -> bool:
    """Whether the document's tax can be known: it says it, or every line does."""
    if any(tax in labelled for tax in TAXES):
        return True
    return all(line.taxes or line.taxable is not None for line in lines)


def _right_totals(
    base: Money, lines: Sequence[Line], labelled: dict[str, Money]
) -> Iterator[Money]:
    """Every sum that an honest system may mean.

    Taxes by the document's own figures or by its lines'; with the tax or, where the buyer pays it
    himself, without; a document discount may repeat the lines', and an amount of a type we do not
    know may belong to the sum or not.
    """
    charges = sum_of(labelled.get(name, ZERO) for name in CHARGES)
    line_charges = sum_of(line.charges for line in lines)
    of_lines = sum_of(amount for line in lines for amount in line.loose)
    fixed = base + labelled.get("TCS", ZERO) + labelled.get("ROUND_OFF", ZERO)
    loose = [-a if t == "DISCOUNT" else a for t, a in labelled.items() if t not in _OF_A_DOCUMENT]
    loose_sums = {pick + more for pick in _loose_sums(loose) for more in (ZERO, of_lines)}
    for tax in _right_taxes(lines, labelled):
        for charge in {charges, line_charges, charges + line_charges}:
            for more in loose_sums:
                yield fixed + tax + charge + more


def _right_taxes(lines: Sequence[Line], labelled: dict[str, Money]) -> set[Money]:
    """The document's figures, its lines', or each where it stands; by rate, or none at all."""
    own = sum_of(labelled.get(name, ZERO) for name in (*TAXES, *CESSES))
    mixed = sum_of(
        labelled.get(tax, sum_of(line.taxes.get(tax, ZERO) for line in lines)) for tax in TAXES
    )
    if any(cess in labelled for cess in CESSES):
        mixed += sum_of(labelled.get(cess, ZERO) for cess in CESSES)
    else:
        mixed += sum_of(line.cesses for line in lines)
    stated = sum_of(line.levies for line in lines)
    return {own, mixed, stated, sum_of(line.due for line in lines), ZERO}


def _loose_sums(loose: Sequence[Money]) -> set[Money]:
    """What some, all or none of the amounts may make; beyond six the others go all or none."""
    few, others = loose[:UNKNOWN_AMOUNTS], sum_of(loose[UNKNOWN_AMOUNTS:])
    picks = (sum_of(c) for n in range(len(few) + 1) for c in combinations(few, n))
    return {pick + more for pick in picks for more in (ZERO, others)}
