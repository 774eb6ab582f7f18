"""Pages of lists whose cost does not grow with the store: merged from roads, passed over in steps.

A reader comes to a list's items by several roads, each an index in the list's order: what was
written by one of its businesses, what came to it. A step reads the head of every road. What filters
and visibility leave out is passed over, so far and no farther: a page may then be short, and its
cursor goes on about there. A cursor can be read: it names what its reader was shown, or a moment, and
never an item that was passed over, which he may not know of.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from hundi.store.engine import Row

Place = TypeVar("Place")

MOST_PASSED = 5000
"""So many items of all roads are looked at for one page, or one page of each road if that is more."""
_FASTER = 4
"""Each step of a page goes so many times as far as the one before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepping(Generic[Place]):
    """How a list is read.

    `step` takes a place, how many items of each road to read behind it, and how many to return. Its
    rows, at least one, tell in `behind` where the step ended: a road that was read to its limit may
    go on behind its last item, so the step ends at the first such end; None means at the very end.
    A row without an `item` says nothing else. `moment` is that of a place's item, `above` the place right
    before all items of its moment.
    """

    roads: int
    step: Callable[[Place, int, int], Awaitable[Sequence[Row]]]
    item: Callable[[Row], Place | None]
    behind: Callable[[Row], Place | None]
    moment: Callable[[Place], object]
    above: Callable[[Place], Place]

    async def page(self, after: Place, limit: int) -> tuple[list[Row], Place | None]:
        """Items behind a place, and the place behind which the next page begins; None: no more.

        Fewer than `limit` are no sign of the end.
        """
        found: list[Row] = []
        begun = after
        each, left = limit + 1, max(MOST_PASSED, self.roads * (limit + 1))
        while True:
            rows = await self.step(after, each, limit + 1 - len(found))
            found += [row for row in rows if self.item(row) is not None]
            if len(found) > limit:
                return found[:limit], self.item(found[limit - 1])
            ended = self.behind(rows[0])
            left -= each * self.roads
            if ended is None or left <= 0:
                return found, ended and self._named(ended, found, begun)
            after = ended
            each = max(limit + 1, min(each * _FASTER, left // self.roads))

    def _named(self, ended: Place, found: Sequence[Row], begun: Place) -> Place:
        """A place for a cursor, before the one where looking ended and behind what was shown."""
        last = self.item(found[-1]) if found else None
        shown = begun if last is None else last
        if self.moment(shown) != self.moment(ended):
            return self.above(ended)
        # Shown and passed over have one moment. If the page also began at this moment, more items
        # share it than one page reads; only the end itself makes progress. No transaction makes so
        # many for one reader.
        return ended if last is None else last
