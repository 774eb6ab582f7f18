"""Arithmetic that documents share: tolerances and lines. Pure, exact, integer paise.

The network never changes a number. A difference of one paisa a line is rounding and passes without
a word, up to the tolerance it is a warning with both numbers, beyond it a refusal. A check whose
inputs are absent is skipped. (design rules, "Tolerances")
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from decimal import Decimal

from msgspec import UNSET, UnsetType

from hundi.documents.shapes import LineItem, TypedAmount, TypedRate
from hundi.kernel.faults import Code, Fault, Kind
from hundi.kernel.money import ZERO, Money

PAISA = Money(1)
RUPEE = Money(100)
UNKNOWN_AMOUNTS = 6
"""Of so many amounts of unknown types any may belong to a sum: 64 sums, and no more work."""

HALVES_OF_TAX = ("CGST", "SGST")
TAXES = ("IGST", *HALVES_OF_TAX)
CESSES = ("CESS", "CESS_NON_ADVALOREM", "STATE_CESS", "STATE_CESS_NON_ADVALOREM")
CHARGES = ("OTHER_CHARGES",)
_CESSES_BY_VALUE = ("CESS", "STATE_CESS")
_OF_A_LINE = frozenset((*TAXES, *CESSES, *CHARGES, "DISCOUNT", "PRE_TAX_VALUE"))

_NO_CHARGE = frozenset((*TAXES, *CESSES, "DISCOUNT", "PRE_TAX_VALUE", "ROUND_OFF", "TCS"))

_HUNDRED = Decimal(100)


def odd_and_off(stem: str, what: str) -> tuple[Code, Code]:
    """The warning and the refusal of one sum: up to the tolerance, and beyond it."""
    odd = Code(f"{stem}-ODD", Kind.WARNING, f"{what} differs from its parts by a little.")
    off = Code(stem, Kind.RULE, f"{what} differs from its parts by more than the tolerance.")
    return odd, off


TAXABLE_TOTAL_ODD, TAXABLE_TOTAL = odd_and_off(
    "SUM-TAXABLE-TOTAL", "The taxable value of a document"
)
TAX_TOTAL_ODD, TAX_TOTAL = odd_and_off("SUM-TAX-TOTAL", "A tax total of a document")
TOTAL_ODD, TOTAL = odd_and_off("SUM-TOTAL", "The total of a document")
LINE_TAX = Code("SUM-LINE-TAX", Kind.WARNING, "A tax is not its rate of the taxable.")
HALVES = Code("SUM-TAX-HALVES", Kind.WARNING, "CGST and SGST are not the same.")
ROUND_OFF = Code("SUM-ROUND-OFF", Kind.RULE, "A round-off is at most 99.99 either way.")
CODES = (
    TAXABLE_TOTAL_ODD, TAXABLE_TOTAL, TAX_TOTAL_ODD, TAX_TOTAL, TOTAL_ODD, TOTAL, LINE_TAX, HALVES, ROUND_OFF,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class LineTax:
    """What is said of a line's tax that misses its rate by little, by more, and of unlike halves."""

    odd: Code
    off: Code
    halves: Code


@dataclass(frozen=True, slots=True)
class Line:
    """A line's figures in paise, taken apart once. None stands for what was not given.

    `levies` are GST and cesses together, as stated. `loose` are amounts of types that the network
    does not know, such as FREIGHT.
    """

    path: str
    total: Money | None
    taxable: Money | None
    rate: Decimal | None
    cess_rate: Decimal
    value: Money
    discount: Money
    taxes: dict[str, Money]
    cesses: dict[str, Money]
    levies: Money
    charges: Money
    loose: dict[str, Money]

    @property
    def due(self) -> Money:
        """The levies; where only a rate is told, what the rate makes of the taxable."""
        due = self.levies
        if self.taxable is not None and self.rate is not None and self.untold:
            due += self.taxable.times(self.rate / _HUNDRED)
        if self.taxable is not None and self.cess_untold:
            due += self.taxable.times(self.cess_rate / _HUNDRED)
        return due

    @property
    def untold(self) -> bool:
        """Whether a rate is told, and no amount of tax."""
        return not self.taxes and bool(self.rate)

    @property
    def cess_untold(self) -> bool:
        """Whether a rate of cess is told, and no amount."""
        return not self.cesses and bool(self.cess_rate)

    @property
    def held_by_rate(self) -> Money:
        """Tax of which the rate alone is told, where the line's value cannot be without it."""
        if self.taxable is None or not (self.untold or self.cess_untold):
            return ZERO
        bare, more = self.taxable + self.charges + self.levies, self.due - self.levies
        loose = loose_sums(self.loose.values())
        return more if holds(self.value, [bare], more, loose=loose) else ZERO

    @property
    def tax_is_known(self) -> bool:
        """Whether the tax is told, or follows from what is told."""
        return bool(self.taxes) or (self.rate is not None and self.taxable is not None)


def sum_of(amounts: Iterable[Money]) -> Money:
    """The sum of some amounts."""
    return Money(sum(amount.paise for amount in amounts))


def by_type(amounts: Sequence[TypedAmount] | UnsetType) -> dict[str, Money]:
    """Labelled figures by label; of a repeated label the sum."""
    found: dict[str, Money] = {}
    for label, amount in one_by_one(amounts):
        found[label] = found.get(label, ZERO) + amount
    return found


def one_by_one(amounts: Sequence[TypedAmount] | UnsetType) -> Iterator[tuple[str, Money]]:
    """Labelled figures as they stand, in capitals; a label may come again."""
    for amount in amounts or ():
        if isinstance(amount.type, str) and isinstance(amount.value, Decimal | int):
            yield amount.type.upper(), Money.of(amount.value)


def charges_of(labelled: Mapping[str, Money]) -> Counter[str]:
    """Charges by label in paise: freight and its like, by whatever name, that are above zero."""
    return Counter(
        {
            label: amount.paise
            for label, amount in labelled.items()
            if label not in _NO_CHARGE and amount > ZERO
        }
    )


def line_of(item: LineItem, path: str) -> Line:
    """Take a line apart."""
    labelled = by_type(item.itemValueDetails)
    taxes = {name: labelled[name] for name in TAXES if name in labelled}
    cesses = {name: labelled[name] for name in CESSES if name in labelled}
    return Line(
        path=path,
        total=money(item.totalAmt),
        taxable=money(item.assessmentAmount),
        rate=None if item.gstRate is UNSET else Decimal(item.gstRate),
        cess_rate=_cess_rate(item.rates),
        value=Money.of(item.totalItemValue),
        discount=labelled.get("DISCOUNT", ZERO),
        taxes=taxes,
        cesses=cesses,
        levies=sum_of((*taxes.values(), *cesses.values())),
        charges=sum_of(labelled[name] for name in CHARGES if name in labelled),
        loose={name: amount for name, amount in labelled.items() if name not in _OF_A_LINE},
    )


def _cess_rate(rates: Sequence[TypedRate] | UnsetType) -> Decimal:
    """Cesses by value, in percent of the taxable amount."""
    told = [
        rate.value
        for rate in rates or ()
        if isinstance(rate.type, str) and rate.type.upper() in _CESSES_BY_VALUE
    ]
    return sum((Decimal(value) for value in told if value is not UNSET), Decimal(0))


def money(amount: Decimal | UnsetType) -> Money | None:
    """An optional amount."""
    return None if isinstance(amount, UnsetType) else Money.of(amount)


def loose_sums(loose: Iterable[Money]) -> list[int]:
    """What some, all or none of the amounts may make, in paise, ascending.

    Beyond the first six the others go all or none, so that the search has a bound.
    """
    amounts = [amount.paise for amount in loose]
    made = {0}
    for amount in (*amounts[:UNKNOWN_AMOUNTS], sum(amounts[UNKNOWN_AMOUNTS:])):
        made |= {amount + others for others in made}
    return sorted(made)


def choices(loose: Sequence[tuple[str, Money]]) -> list[list[tuple[str, Money]]]:
    """Some, all or none of the labelled amounts, with the bound of `loose_sums`."""
    made: list[list[tuple[str, Money]]] = [[]]
    for amounts in (*([one] for one in loose[:UNKNOWN_AMOUNTS]), list(loose[UNKNOWN_AMOUNTS:])):
        made += [[*others, *amounts] for others in made]
    return made


def nearest(stated: Money, sums: Iterable[Money], loose: Sequence[int] = (0,)) -> Money:
    """Of several right sums, each with any of the loose sums, the closest to the stated figure."""
    made = (
        right.paise + more
        for right in sums
        for more in _neighbours(loose, stated.paise - right.paise)
    )
    return Money(min(made, key=lambda right: abs(stated.paise - right)))


def _neighbours(ascending: Sequence[int], wanted: int) -> Sequence[int]:
    place = bisect_left(ascending, wanted)
    return ascending[max(0, place - 1) : place + 1]


def holds(
    stated: Money,
    sums: Sequence[Money],
    tax: Money,
    *,
    loose: Sequence[int],
    tolerance: Money = RUPEE,
) -> bool:
    """Whether a figure is one of the sums with the tax, and none of them without."""
    without = abs(stated - nearest(stated, sums, loose))
    return abs(stated - nearest(stated, [one + tax for one in sums], loose)) <= tolerance < without


def at_least(stated: Money, sums: Iterable[Money], loose: Sequence[int]) -> Money:
    """The right figure where the tax is not told: any that the tax can make of the least sum."""
    return max(stated, min(sums) + Money(loose[0]))


def difference(
    stated: Money,
    right: Money,
    *,
    what: str,
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
        f"{what} is {stated.text()}, its parts make {right.text()}, {off.text()} apart.{advice}",
        figure=what,
        stated=stated.text(),
        sum=right.text(),
        difference=off.text(),
    )


def like_halves(
    taxes: Mapping[str, Money], path: str, code: Code, *, apart: Money = PAISA
) -> Iterator[Fault]:
    """CGST and SGST are half the tax each, whether a line states them or a document."""
    central, state = taxes.get("CGST", ZERO), taxes.get("SGST", ZERO)
    if abs(central - state) > apart:
        detail = f"CGST is {central.text()} and SGST {state.text()}; they are half the tax each."
        yield code.at(path, detail, cgst=central.text(), sgst=state.text())


def possible_taxes(taxes: AbstractSet[Money], *, untaxed: bool) -> AbstractSet[Money]:
    """What the tax may be: not nothing, where some is shown and may not be left out."""
    return taxes if untaxed else taxes - {ZERO} or taxes
