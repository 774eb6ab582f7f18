"""Pages of lists whose cost does not grow with the store: merged from roads, passed over in steps.

A reader comes to a list's items by several roads, each an index in the list's order: what was
written by one of its businesses, what came to it. A step reads the head of every road. What filters
and visibility leave out is passed over, so far and no farther: a page may then be short, and its
cursor goes on behind the last item that was looked at.
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
    A row without an `item` says nothing else.
    """

    roads: int
    step: Callable[[Place, int, int], Awaitable[Sequence[Row]]]
    item: Callable[[Row], Place | None]
    behind: Callable[[Row], Place | None]

    async def page(self, after: Place, limit: int) -> tuple[list[Row], Place | None]:
        """Items behind a place, and the place behind which the next page begins; None: no more.

        Fewer than `limit` are no sign of the end.
        """
        found: list[Row] = []
        each, left = limit + 1, max(MOST_PASSED, self.roads * (limit + 1))
        while True:
            rows = await self.step(after, each, limit + 1 - len(found))
            found += [row for row in rows if self.item(row) is not None]
            if len(found) > limit:
                return found[:limit], self.item(found[limit - 1])
            ended = self.behind(rows[0])
            left -= each * self.roads
            if ended is None or left <= 0:
                return found, ended
            after = ended
            each = max(limit + 1, min(each * _FASTER, left // self.roads))
