"""Which order a line of an invoice is billed on, where several orders have such a line. Pure.

The same goods at the same price decide, then room within this invoice, then the order of
`poDetails`. An invoice may name a thousand orders that all have a line 1, so orders are not looked
at one by one: those that are alike stand in a row that knows where its first room is.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from hundi.documents.shapes import LineItem

_NOWHERE = Decimal("-Infinity")
Likeness = tuple[str, object, object]


class Offered(Protocol):
    """One order's line of the serialno that is asked for: what it is, and what is free of it."""

    @property
    def item(self) -> LineItem:
        """The line as it was ordered."""

    @property
    def free(self) -> Decimal:
        """What this invoice may take of it, below zero where it has taken too much."""


class Row:
    """Quantities that are free, in order; the first that is large enough is found by halving.

    A tree of maxima in a list: the children of `n` are `2n` and `2n + 1`.
    """

    def __init__(self, free: Sequence[Decimal]) -> None:
        self._size = 1 << (len(free) - 1).bit_length()
        leaves = [*free, *[_NOWHERE] * (self._size - len(free))]
        self._most = [_NOWHERE] * self._size + leaves
        for node in range(self._size - 1, 0, -1):
            self._most[node] = max(self._most[2 * node], self._most[2 * node + 1])

    def first(self, wanted: Decimal) -> int | None:
        """The first place with so much room, None where no place has it."""
        if self._most[1] < wanted:
            return None
        node = 1
        while node < self._size:
            node = 2 * node if self._most[2 * node] >= wanted else 2 * node + 1
        return node - self._size

    def put(self, place: int, free: Decimal) -> None:
        """Write down what is free at a place now."""
        node = place + self._size
        self._most[node] = free
        while node > 1:
            node //= 2
            self._most[node] = max(self._most[2 * node], self._most[2 * node + 1])


class Choice:
    """The orders that have a line of one serialno, grouped by how they may be like an invoice's line."""

    def __init__(self, offered: Sequence[Offered]) -> None:
        self._offered = offered
        alike: dict[Likeness, list[int]] = {}
        for place, one in enumerate(offered):
            for likeness in _likenesses(one.item):
                alike.setdefault(likeness, []).append(place)
        self._alike: Mapping[Likeness, list[int]] = alike
        self._rows = {how: Row([offered[n].free for n in some]) for how, some in alike.items()}
        self._at = {how: {n: at for at, n in enumerate(some)} for how, some in alike.items()}

    def best(self, item: LineItem) -> int:
        """The place of the order that is most like the line; the first with room, else the first."""
        likeness = next(how for how in _likenesses(item) if how in self._alike)
        at = self._rows[likeness].first(item.quantity)
        return self._alike[likeness][0 if at is None else at]

    def taken(self, place: int) -> None:
        """Look anew at what is free at a place."""
        one = self._offered[place]
        for likeness in _likenesses(one.item):
            self._rows[likeness].put(self._at[likeness][place], one.free)


def _likenesses(item: LineItem) -> tuple[Likeness, ...]:
    """From the most alike to the least: same goods and price, same goods, same price, neither."""
    goods, price = item.hsnCode, item.unitPrice
    return ("both", goods, price), ("goods", goods, None), ("price", None, price), ("", None, None)
