"""What one accepted request books on the ledger. Pure."""

from collections.abc import Mapping

import msgspec

from hundi.exchange.definition import Effect, Posting
from hundi.exchange.papers import Papers
from hundi.ledger.model import Key, Phase


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """Postings on documents by `ref`, and what becomes of what the moved document has reserved.

    `resolves`: its standing reservations are posted (True), voided (False) or left (None), when the
    move takes effect.
    `gives_back`: what it has drawn on others is undone when the move takes effect, for it comes to
    an end.
    """

    holder: Key
    effect: Effect
    postings: tuple[Posting, ...]
    places: Mapping[str, Key]
    resolves: bool | None
    gives_back: bool

    def concerns(self, ref: str) -> bool:
        """Whether a document that the moved one refers to is touched, and not only looked at."""
        ends = self.gives_back or self.resolves is not None
        return ends or any(posting.ref == ref for posting in self.postings)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to book at the ack or at the end."""
        return not self.postings and self.resolves is None and not self.gives_back

    def write(self, papers: Papers, *, req_msg_id: str, now: int) -> None:
        """Book it: a fact's amounts are posted, a proposal's wait; then statuses are derived."""
        if self.empty:
            return
        phase = Phase.POSTED if self.effect is Effect.FACT else Phase.PENDING
        touched = {self.places[posting.ref] for posting in self.postings}
        for posting in self.postings:
            papers.book(
                posting,
                on=self.places[posting.ref],
                holder=self.holder,
                req_msg_id=req_msg_id,
                phase=phase,
            )
        if self.resolves is not None and self.effect is Effect.FACT:
            end = Phase.POSTED if self.resolves else Phase.VOID
            touched |= papers.resolve(self.holder, end)
        if self.gives_back and self.effect is Effect.FACT:
            touched |= papers.give_back(self.holder, req_msg_id)
        papers.derive(touched, holder=self.holder, req_msg_id=req_msg_id, now=now)
