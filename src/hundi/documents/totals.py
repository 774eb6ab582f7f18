"""A document's totals against its lines and against each other. Pure, exact, integer paise.

Honest systems differ in what they put where: a charge, its tax, a discount. Every sum that one of
them may mean passes; what none of them can mean is refused. (design rules, "document value")
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from msgspec import UnsetType

from hundi.documents.shapes import TypedAmount
from hundi.documents.sums import (
    CESSES,
    CHARGES,
    HALVES_OF_TAX,
    PAISA,
    ROUND_OFF,
    RUPEE,
    TAX_TOTAL,
    TAX_TOTAL_ODD,
    TAXABLE_TOTAL,
    TAXABLE_TOTAL_ODD,
    TAXES,
    TOTAL,
    TOTAL_ODD,
    UNKNOWN_AMOUNTS,
    Line,
    LineTax,
    at_least,
    by_type,
    choices,
    difference,
    holds,
    like_halves,
    loose_sums,
    nearest,
    one_by_one,
    possible_taxes,
    sum_of,
)
from hundi.kernel.faults import Fault
from hundi.kernel.money import ZERO, Money

ROUND_OFF_LIMIT = Money(9999)
_KNOWN = frozenset((*TAXES, *CESSES, *CHARGES, "TCS", "ROUND_OFF", "PRE_TAX_VALUE"))
# Freight sold as a service of its own bears 18 %, whatever the goods bear.
_OF_FREIGHT = {"IGST": Decimal("0.18"), "CGST": Decimal("0.09"), "SGST": Decimal("0.09")}


@dataclass(frozen=True, slots=True)
class Totals:
    """A document's stated totals and where they stand.

    `apart` are the amounts of unknown types and discounts one by one, where `loose` sums a label.
    """

    taxable: Money | None
    total: Money | None
    labelled: dict[str, Money]
    apart: Sequence[tuple[str, Money]]
    taxable_path: str
    total_path: str
    labelled_path: str

    @property
    def loose(self) -> dict[str, Money]:
        """Amounts of types that the network does not know, and a discount as what it takes off."""
        return dict(_unknown(self.labelled.items()))


def totals_told(
    *,
    taxable: Money | None,
    total: Money | None,
    infos: Sequence[TypedAmount] | UnsetType,
    root: str,
    total_member: str,
) -> Totals:
    """The totals of the member at `root`, as every kind of document has them."""
    return Totals(
        taxable=taxable,
        total=total,
        labelled=by_type(infos),
        apart=[(label, amount) for label, amount in _unknown(one_by_one(infos)) if amount],
        taxable_path=f"{root}.assessmentValue",
        total_path=f"{root}.{total_member}",
        labelled_path=f"{root}.valueInfos",
    )


def _unknown(amounts: Iterable[tuple[str, Money]]) -> Iterator[tuple[str, Money]]:
    for label, amount in amounts:
        if label not in _KNOWN:
            yield label, -amount if label == "DISCOUNT" else amount


def totals_of(lines: Sequence[Line], totals: Totals, *, untaxed: bool = True) -> Iterator[Fault]:
    """The document's sums against its lines and against each other.

    `untaxed`: the total may leave out a tax that is told.
    """
    yield from _round_off(totals)
    judged = partial(
        difference, silent=Money(max(1, len(lines))), tolerance=document_tolerance(len(lines))
    )
    taxable = _taxable_of_lines(lines)
    charges, loose = _charges(lines, totals), _loose_sums(lines, totals)
    if totals.taxable is not None and taxable is not None:
        yield from judged(
            totals.taxable,
            nearest(totals.taxable, [taxable + charge for charge in {ZERO, *charges}], loose),
            what="The taxable value",
            path=totals.taxable_path,
            codes=(TAXABLE_TOTAL_ODD, TAXABLE_TOTAL),
        )
    for tax, stated, right in _tax_totals(lines, totals):
        codes = (TAX_TOTAL_ODD, TAX_TOTAL)
        what = f"{tax} of the document"
        yield from judged(stated, right, what=what, path=totals.labelled_path, codes=codes)
    bare = _bare_totals(lines, totals, charges)
    if totals.total is not None and bare:
        nil = untaxed or not charged(lines, totals)
        taxes = possible_taxes(_right_taxes(lines, totals.labelled), untaxed=nil)
        sums = [tax + rest for tax in taxes for rest in bare]
        right_of = nearest if _tax_is_told(lines, totals.labelled) else at_least
        yield from judged(
            totals.total,
            right_of(totals.total, sums, loose),
            what="The total",
            path=totals.total_path,
            codes=(TOTAL_ODD, TOTAL),
        )


def taxes_of(lines: Sequence[Line], totals: Totals, codes: LineTax | None) -> Iterator[Fault]:
    """The tax that the totals alone tell: like halves, and no more than the lines' rates make.

    Where a line tells its tax, the lines are asked.
    """
    if codes is None or any(line.taxes for line in lines):
        return
    tolerance = document_tolerance(len(lines))
    if all(half in totals.labelled for half in HALVES_OF_TAX):
        path = totals.labelled_path
        yield from like_halves(totals.labelled, path, codes.halves, apart=tolerance)
    stated, most = sum_of(totals.labelled.get(tax, ZERO) for tax in TAXES), _by_rates(lines, totals)
    if most is not None and stated > most + tolerance:
        detail = (
            f"The taxes of the document are {stated.text()}; the rates of its lines make"
            f" {most.text()} at most."
        )
        yield codes.off.at(totals.labelled_path, detail, stated=stated.text(), most=most.text())


def _by_rates(lines: Sequence[Line], totals: Totals) -> Money | None:
    """The most that the rates make of the lines and of the charges; None where one is not told.

    A rate of zero is not told: who states the tax in the totals alone may give no other.
    """
    told = [
        (line.taxable, line.rate / 100) for line in lines if line.taxable is not None and line.rate
    ]
    if not lines or len(told) < len(lines):
        return None
    of_lines = sum_of(taxable.times(rate) for taxable, rate in told)
    most = max(_OF_FREIGHT["IGST"], *(rate for _, rate in told))
    return of_lines + _charged(totals).times(most)


def in_the_total(lines: Sequence[Line], totals: Totals) -> dict[str, Money] | None:
    """Of the amounts of unknown types those that the total holds, by label.

    The fewest rupees of those that make it best. None where the total cannot be judged.
    """
    bare = _bare_totals(lines, totals, _charges(lines, totals))
    if totals.total is None or not bare or not _tax_is_told(lines, totals.labelled):
        return None
    total, taxes = totals.total, _right_taxes(lines, totals.labelled)
    right = [tax + rest for tax in taxes for rest in bare]
    loose = list(_loose(lines, totals))

    def misfit(chosen: Sequence[tuple[str, Money]]) -> tuple[Money, Money]:
        held = sum_of(amount for _, amount in chosen)
        return abs(total - held - nearest(total - held, right)), held

    best = min(choices(loose), key=misfit)
    return _by_label(best) if misfit(best)[0] <= document_tolerance(len(lines)) else None


def document_tolerance(lines: int) -> Money:
    """₹ 1.00, or a paisa a line where that is more."""
    return max(RUPEE, Money(lines))


def levied(lines: Sequence[Line], labelled: dict[str, Money]) -> dict[str, Money]:
    """Taxes and cesses by label: the document's figure, or what its lines make; no zeros."""
    of_lines = _summed(lines)
    amounts = {t: labelled.get(t) or of_lines.get(t, ZERO) for t in (*TAXES, *CESSES)}
    return {label: amount for label, amount in amounts.items() if amount}


def charged(lines: Sequence[Line], totals: Totals) -> dict[str, Money]:
    """Taxes and cesses that the buyer is asked for, by label.

    Where no amount is told it is GST by the rates, if the lines' values or the total hold it.
    """
    told = levied(lines, totals.labelled)
    by_rate = ZERO if told else _held_by_rate(lines, totals)
    return {"GST": by_rate} if by_rate else told


def _held_by_rate(lines: Sequence[Line], totals: Totals) -> Money:
    """What the rates make, where no amount of tax is told and some value cannot be without it."""
    of_lines, due = sum_of(line.held_by_rate for line in lines), sum_of(line.due for line in lines)
    bare = _bare_totals(lines, totals, _charges(lines, totals))
    if of_lines or not due or not bare or totals.total is None:
        return of_lines
    tolerance, loose = document_tolerance(len(lines)), _loose_sums(lines, totals)
    held = holds(totals.total, sorted(bare), due, loose=loose, tolerance=tolerance)
    return due if held else ZERO


def _summed(lines: Sequence[Line]) -> dict[str, Money]:
    """The lines' taxes and cesses by label, of those labels that a line states."""
    return _by_label(
        amount for line in lines for amount in (*line.taxes.items(), *line.cesses.items())
    )


def _round_off(totals: Totals) -> Iterator[Fault]:
    round_off = totals.labelled.get("ROUND_OFF", ZERO)
    if abs(round_off) > ROUND_OFF_LIMIT:
        most = ROUND_OFF_LIMIT.text()
        detail = f"ROUND_OFF is {round_off.text()}; it is at most {most} either way."
        yield ROUND_OFF.at(totals.labelled_path, detail, stated=round_off.text(), most=most)


def _taxable_of_lines(lines: Sequence[Line]) -> Money | None:
    """None where there is no line, or one keeps its taxable amount to itself."""
    told = [line.taxable for line in lines if line.taxable is not None]
    return sum_of(told) if lines and len(told) == len(lines) else None


def _charges(lines: Sequence[Line], totals: Totals) -> set[Money]:
    """Charges of the document, of its lines, or of both: one place may repeat the other.

    Zero only where there are none: a known charge belongs to the sum.
    """
    own = sum_of(totals.labelled.get(name, ZERO) for name in CHARGES)
    of_lines = sum_of(line.charges for line in lines)
    return {charge for charge in (own, of_lines, own + of_lines) if charge} or {ZERO}


def _loose(lines: Sequence[Line], totals: Totals) -> list[tuple[str, Money]]:
    """Amounts that may belong to a sum or not: the document's, and the lines' label by label.

    The document's each by itself, as long as they are few: one discount may repeat the lines',
    another be given after tax.
    """
    of_lines = _by_label(amount for line in lines for amount in line.loose.items())
    few = len(totals.apart) + len(of_lines) <= UNKNOWN_AMOUNTS
    return [*(totals.apart if few else totals.loose.items()), *of_lines.items()]


def _loose_sums(lines: Sequence[Line], totals: Totals) -> list[int]:
    return loose_sums(amount for _, amount in _loose(lines, totals))


def _by_label(amounts: Iterable[tuple[str, Money]]) -> dict[str, Money]:
    found: dict[str, Money] = {}
    for label, amount in amounts:
        found[label] = found.get(label, ZERO) + amount
    return found


def _tax_totals(lines: Sequence[Line], totals: Totals) -> Iterator[tuple[str, Money, Money]]:
    """(label, stated, right) of each tax and cess; none where a line keeps it to itself.

    A charge of the document bears tax that is in no line: at most at the rate of the lines.
    """
    untold = any(line.untold for line in lines)
    cess_untold = any(line.cess_untold for line in lines)
    judged = (*(() if untold else TAXES), *(() if cess_untold else CESSES))
    for label, least in _summed(lines).items():
        if label in judged and label in totals.labelled:
            stated = totals.labelled[label]
            most = least + _tax_on_charges(label, lines, totals)
            yield label, stated, min(max(stated, least), most)


def _tax_on_charges(label: str, lines: Sequence[Line], totals: Totals) -> Money:
    """The most that one tax may be on the document's charges."""
    bearing = _charged(totals)
    if not bearing:
        return ZERO
    rates = [_OF_FREIGHT.get(label, Decimal(0))]
    for line in lines:
        amount = line.taxes.get(label, line.cesses.get(label))
        if amount is not None and line.taxable is not None and line.taxable > ZERO:
            # A paisa more, for the amount may have been rounded down.
            rates.append(Decimal((amount + PAISA).paise) / line.taxable.paise)
    return bearing.times(max(rates))


def _charged(totals: Totals) -> Money:
    """The document's charges, by whatever name."""
    known = [totals.labelled.get(name, ZERO) for name in CHARGES]
    return sum_of(amount for amount in (*known, *totals.loose.values()) if amount > ZERO)


def _tax_is_told(lines: Sequence[Line], labelled: dict[str, Money]) -> bool:
    """Whether the document's tax can be known: it says it, or every line does."""
    if any(tax in labelled for tax in TAXES):
        return True
    return bool(lines) and all(line.tax_is_known for line in lines)


def _bare_totals(lines: Sequence[Line], totals: Totals, charges: set[Money]) -> set[Money]:
    """Every sum that an honest system may mean, before taxes and amounts of unknown types.

    A stated taxable value may hold the charges.
    """
    fixed = sum_of(totals.labelled.get(name, ZERO) for name in ("TCS", "ROUND_OFF"))
    base, added = _taxable_of_lines(lines), charges
    if base is None:
        base, added = totals.taxable, {ZERO, *charges}
    if base is None:
        return set()
    return {fixed + base + charge for charge in added}


def _right_taxes(lines: Sequence[Line], labelled: dict[str, Money]) -> set[Money]:
    """The document's figures, its lines', or each where it stands; by rate, or none at all.

    Of the lines whose rate alone is told some may bear nothing, as their values show.
    """
    own = sum_of(labelled.get(name, ZERO) for name in (*TAXES, *CESSES))
    mixed = sum_of(levied(lines, labelled).values())
    stated = sum_of(line.levies for line in lines)
    held = stated + sum_of(line.held_by_rate for line in lines)
    return {own, mixed, stated, held, sum_of(line.due for line in lines), ZERO}
