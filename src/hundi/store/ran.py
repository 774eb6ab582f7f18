"""What a batch came to, for those who watch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from hundi.store.again import Again

M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class Ran(Generic[M]):
    """A batch that was committed. Moments are seconds on the event loop's clock.

    `waited_since` is when each member came, `outcomes` what each came to, in their order.
    """

    members: Sequence[M]
    waited_since: Sequence[float]
    began: float
    ended: float
    outcomes: Sequence[object]

    @property
    def decided(self) -> list[tuple[M, float]]:
        """The members that have their outcome now, and when they came; others come in once more."""
        every = zip(self.members, self.waited_since, self.outcomes, strict=True)
        return [(member, since) for member, since, one in every if not isinstance(one, Again)]
