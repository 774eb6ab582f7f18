"""Suspects: those of a queue who may need what somebody else keeps locked, and go by themselves.

One locked row fails a whole batch and does not say whose it is. Its members are then done one by one,
each waiting for locks briefly. What he needs who fails so is thought to be locked for a while, and
others who need any of it are suspects, too, until one of them gets through.
"""

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable
from typing import Generic, TypeVar

W = TypeVar("W", bound=Hashable)

LOCKED_SECONDS = 30
"""So long PostgreSQL leaves a row to a process that stands still in its transaction."""


class Suspects(Generic[W]):
    """Who of a queue goes by himself, and in which order. Moments are seconds on a steady clock.

    `needs` are all that one may find locked, `owner` is whose turn it is.
    """

    def __init__(
        self, needs: Callable[[W], frozenset[Hashable]], *, owner: Callable[[W], Hashable]
    ) -> None:
        self._needs = needs
        self._owner = owner
        self._locked: dict[Hashable, float] = {}  # until when it is thought to be
        self._parted: set[W] = set()
        # Needs cost more to put together than to keep.
        self._known: dict[W, frozenset[Hashable]] = {}
        self._turns: Counter[Hashable] = Counter()

    def among(self, queue: Collection[W], now: float) -> dict[W, None]:
        """The suspects of a queue, in its order."""
        if self._locked:
            self._locked = {key: until for key, until in self._locked.items() if until > now}
        if not self._locked and not self._parted:
            self._turns.clear()
            self._known.clear()
            return {}
        locked = bool(self._locked)
        return dict.fromkeys(
            one for one in queue if one in self._parted or (locked and self._needs_locked(one))
        )

    def next_of(self, suspects: Iterable[W]) -> W | None:
        """Whose turn it is: the first of the owner who had the fewest since there are suspects."""
        return min(suspects, key=lambda one: self._turns[self._owner(one)], default=None)

    def has_turn(self, one: W) -> None:
        """He goes by himself now."""
        self._turns[self._owner(one)] += 1

    def part(self, members: Iterable[W]) -> None:
        """These were in a batch that somebody's need failed, and nobody knows whose."""
        self._parted.update(members)

    def found_locked(self, one: W, now: float) -> None:
        """By himself he failed: something that he needs is locked."""
        self._locked |= dict.fromkeys(self._needs(one), now + LOCKED_SECONDS)

    def clear(self, one: W) -> None:
        """By himself he got through: nothing that he needs is locked."""
        for key in self._needs(one):
            self._locked.pop(key, None)
        self._parted.discard(one)

    def forget(self, one: W) -> None:
        """He waits no more."""
        self._parted.discard(one)
        self._known.pop(one, None)

    def _needs_locked(self, one: W) -> bool:
        if one not in self._known:
            self._known[one] = self._needs(one)
        return not self._locked.keys().isdisjoint(self._known[one])
