"""Which order a line of an invoice is billed on, where several orders have such a line. Pure.

The same goods at the same price decide. Of orders that are equally like it the one that is left with
the least takes the line, so that what is large finds room after what is small; where none has room,
the one that has most. An invoice may name a thousand orders that all have a line 1, so orders are not
looked at one by one: those that are alike stand in a row that is sorted by what is free.
"""

from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from hundi.documents.shapes import LineItem

_BEFORE_ALL = -1
Likeness = tuple[str, object, object]


class Offered(Protocol):
    """One order's line of the serialno that is asked for: what it is, and what is free of it."""

    @property
    def item(self) -> LineItem:
        """The line as it was ordered."""

    @property
    def free(self) -> Decimal:
        """What this invoice may take of it, below zero where too much was taken."""


class Row:
    """Places by what is free at them, the least first; equals as they were given."""

    def __init__(self, free: Mapping[int, Decimal]) -> None:
        self._free = dict(free)
        self._sorted = sorted((much, place) for place, much in free.items())

    def best(self, wanted: Decimal) -> int:
        """The place with the least room that is enough, else the one with the most."""
        at = bisect_left(self._sorted, (wanted, _BEFORE_ALL))
        if at == len(self._sorted):
            most, _ = self._sorted[-1]
            at = bisect_left(self._sorted, (most, _BEFORE_ALL))
        return self._sorted[at][1]

    def put(self, place: int, free: Decimal) -> None:
        """Write down what is free at a place now."""
        del self._sorted[bisect_left(self._sorted, (self._free[place], place))]
        insort(self._sorted, (free, place))
        self._free[place] = free


class Choice:
    """The orders that have a line of one serialno, grouped by how they may be like an invoice's line."""

    def __init__(self, offered: Sequence[Offered]) -> None:
        self._offered = offered
        alike: dict[Likeness, dict[int, Decimal]] = {}
        for place, one in enumerate(offered):
            for likeness in _likenesses(one.item):
                alike.setdefault(likeness, {})[place] = one.free
        self._rows = {how: Row(some) for how, some in alike.items()}

    def best(self, item: LineItem) -> int:
        """The place of the order that is most like the line and has the best room for it."""
        likeness = next(how for how in _likenesses(item) if how in self._rows)
        return self._rows[likeness].best(item.quantity)

    def taken(self, place: int) -> None:
        """Look anew at what is free at a place."""
        one = self._offered[place]
        for likeness in _likenesses(one.item):
            self._rows[likeness].put(place, one.free)


def _likenesses(item: LineItem) -> tuple[Likeness, ...]:
    """From the most alike to the least: same goods and price, same goods, same price, neither."""
    goods, price = item.hsnCode, item.unitPrice
    return ("both", goods, price), ("goods", goods, None), ("price", None, price), ("", None, None)
