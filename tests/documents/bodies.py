"""Orders to bend: the story's, and small ones of a single line."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from decimal import Decimal
from typing import Any

from hundi.simulator import story

Body = dict[str, Any]
Amounts = Mapping[str, str]

SECOND_UNIT = "33ZZZFM3301Q2ZM"


def subject_of(body: Body) -> str:
    """The member that a message is about."""
    return next(name for name in body if name not in {"device", "b2bIds", "additionalInfos"})


def put(body: Body, **changes: object) -> Body:
    """A copy with members of the subject changed: `itemLists__0__hsnCode="5205"`; None removes."""
    copy = deepcopy(body)
    for path, value in changes.items():
        *way, last = (int(step) if step.isdigit() else step for step in path.split("__"))
        place: Any = copy[subject_of(copy)]
        for step in way:
            place = place[step]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return copy


def amounts(figures: Amounts) -> list[Body]:
    return [{"type": name, "value": Decimal(value)} for name, value in figures.items()]


def line(
    *,
    taxable: str,
    value: str,
    rate: str = "18",
    quantity: str = "1",
    price: str | None = None,
    total_amt: str | None = None,
    figures: Amounts | None = None,
    **more: object,
) -> Body:
    """One line; what is not told follows from the taxable amount."""
    return {
        "serialno": "1",
        "productDescription": "Combed cotton yarn, Ne 40s compact",
        "hsnCode": "52052410",
        "quantity": Decimal(quantity),
        "unit": "KGS",
        "unitPrice": Decimal(price or taxable),
        "totalAmt": Decimal(total_amt or taxable),
        "assessmentAmount": Decimal(taxable),
        "gstRate": Decimal(rate),
        "totalItemValue": Decimal(value),
        "itemValueDetails": amounts(figures or {}),
        **more,
    }


def order_of(
    lines: Sequence[Body], *, taxable: str, total: str, figures: Amounts | None = None
) -> Body:
    """The story's order with other lines and totals."""
    totals = {
        "assessmentValue": Decimal(taxable),
        "totalPOValue": Decimal(total),
        "valueInfos": amounts(figures or {}),
    }
    return put(story.order(1), itemLists=list(lines), poValueDetails=totals)


def small(
    *,
    taxable: str,
    value: str,
    total: str | None = None,
    figures: Amounts | None = None,
    of_document: Amounts | None = None,
    **more: Any,
) -> Body:
    """An order of one line. Its total is the line's value, and its figures the line's."""
    levies = {name: value for name, value in (figures or {}).items() if name != "DISCOUNT"}
    document = {**levies, **(of_document or {})}
    one = line(taxable=taxable, value=value, figures=figures, **more)
    return order_of([one], taxable=taxable, total=total or value, figures=document)


def many(count: int, *, total: str) -> Body:
    """An order of `count` equal lines of 100.00 and 18.00 tax."""
    lines = [
        line(taxable="100.00", value="118.00", figures={"IGST": "18.00"}, serialno=str(n + 1))
        for n in range(count)
    ]
    tax = {"IGST": f"{18 * count}.00"}
    return order_of(lines, taxable=f"{100 * count}.00", total=total, figures=tax)
