"""A line's figures against each other: quantity, price, discount, tax and value. Pure, integer paise.

Honest systems print a rounded price, keep taxes inside a price, or leave a figure out: every reading that
a line allows is tried, and the nearest counts.
"""

from collections.abc import Iterator
from decimal import Decimal

from msgspec import UNSET

from hundi.documents.shapes import LineItem
from hundi.documents.sums import (
    HALVES_OF_TAX,
    PAISA,
    RUPEE,
    Line,
    LineTax,
    at_least,
    difference,
    like_halves,
    loose_sums,
    nearest,
    odd_and_off,
    possible_taxes,
    sum_of,
)
from hundi.kernel.faults import Code, Fault, Kind
from hundi.kernel.money import ZERO, Money, product

_HUNDRED = Decimal(100)

TAXABLE_ODD, TAXABLE = odd_and_off("SUM-TAXABLE", "The taxable amount of a line")
LINE_VALUE_ODD, LINE_VALUE = odd_and_off("SUM-LINE-VALUE", "The value of a line")
QUANTITY_PRICE = Code(
    "SUM-QUANTITY-PRICE", Kind.WARNING, "Quantity times unit price is not the total of the line."
)
CODES = (TAXABLE_ODD, TAXABLE, LINE_VALUE_ODD, LINE_VALUE, QUANTITY_PRICE)


def printed_slack(item: LineItem, *, places: int = 0) -> Decimal:
    """Quantity times half the last place of the price, which is printed to so many at least."""
    exponent = Decimal(item.unitPrice).as_tuple().exponent
    printed = -exponent if isinstance(exponent, int) else 0
    return product(item.quantity, Decimal(5).scaleb(-max(printed, places) - 1))


def quantity_times_price(item: LineItem, path: str) -> Iterator[Fault]:
    """Warned only: a derived price is rounded, and the rounding grows with the quantity."""
    if item.totalAmt is UNSET or not item.quantity or not item.unitPrice:
        return
    stated = Decimal(item.totalAmt)
    made = product(item.quantity, item.unitPrice)
    allowed = max(Decimal(1), printed_slack(item))
    if abs(made - stated) > allowed:
        right, told = Money.rounded(made).text(), Money.of(stated).text()
        detail = f"{item.quantity:f} times {item.unitPrice:f} makes {right}, the line has {told}."
        yield QUANTITY_PRICE.at(f"{path}.totalAmt", detail, stated=told, product=right)


def taxable_of(line: Line) -> Iterator[Fault]:
    """Taxable = total less discount; where the price holds the taxes, they are taken out again.

    A cess may be inside the price too: by its rate, or as the amount that the line states.
    """
    if line.total is None or line.taxable is None:
        return
    net = line.total - line.discount
    if net == line.taxable:  # nearly always: no need to look further
        return
    yield from difference(
        line.taxable,
        nearest(line.taxable, _taxables(line, net)),
        what="The taxable amount",
        path=f"{line.path}.assessmentAmount",
        codes=(TAXABLE_ODD, TAXABLE),
    )


def _taxables(line: Line, net: Money) -> list[Money]:
    """The total less discount as it is, and with the taxes that a price may hold taken out."""
    if line.rate is None:
        return [net]
    with_tax = 1 + line.rate / _HUNDRED
    inside, cess = with_tax + line.cess_rate / _HUNDRED, sum_of(line.cesses.values())
    return [net, net.over(with_tax), net.over(inside), (net - cess).over(with_tax)]


def untold_taxable(line: Line, net: Money) -> Money:
    """The taxable amount that a line keeps to itself, `net` being its total less discount.

    The taxes are taken out of it where the tax that is shown and the value say that it holds them.
    """
    tax, rate = sum_of(line.taxes.values()), line.rate
    if not tax or not rate:
        return net
    loose = loose_sums(line.loose.values())

    def misfit(taxable: Money) -> Money:
        bare = taxable + line.charges
        value = nearest(line.value, [bare, bare + line.levies], loose)
        return abs(taxable.times(rate / _HUNDRED) - tax) + abs(line.value - value)

    best = min(_taxables(line, net), key=misfit)
    return best if misfit(best) <= RUPEE else net


def tax_of(line: Line, codes: LineTax) -> Iterator[Fault]:
    """Tax = taxable times rate, CGST and SGST half each. Nil tax always passes."""
    path = f"{line.path}.itemValueDetails"
    yield from like_halves(line.taxes, path, codes.halves)
    tax = sum_of(line.taxes.values())
    if line.taxable is None or line.rate is None or not tax:
        return
    expected = line.taxable.times(line.rate / _HUNDRED)
    silent = Money(2) if any(line.taxes.get(half) for half in HALVES_OF_TAX) else PAISA
    if abs(tax - expected) > silent:
        code = codes.odd if abs(tax - expected) <= RUPEE else codes.off
        detail = (
            f"The taxes are {tax.text()}; {line.rate} % of {line.taxable.text()}"
            f" is {expected.text()}."
        )
        yield code.at(path, detail, stated=tax.text(), sum=expected.text())


def line_value(line: Line, *, untaxed: bool) -> Iterator[Fault]:
    """Value = taxable + taxes + charges; where it may be `untaxed`, with the taxes or without.

    A rate alone shows no tax: composition, SEZ and export keep the rate and take nothing.
    """
    if line.taxable is None:
        return
    fixed = line.taxable + line.charges
    if fixed + line.levies == line.value:  # nearly always: no need to look further
        return
    taxes = possible_taxes({line.levies, line.due, ZERO}, untaxed=untaxed or not line.levies)
    sums = [fixed + tax for tax in taxes]
    right = nearest if line.tax_is_known else at_least
    yield from difference(
        line.value,
        right(line.value, sums, loose_sums(line.loose.values())),
        what="The value of the line",
        path=f"{line.path}.totalItemValue",
        codes=(LINE_VALUE_ODD, LINE_VALUE),
    )
