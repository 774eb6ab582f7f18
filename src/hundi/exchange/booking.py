"""What one accepted request books on the ledger. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from hundi.exchange.definition import Effect
from hundi.exchange.papers import Papers
from hundi.exchange.views import Posting
from hundi.kernel.faults import Code, Fault, Kind
from hundi.ledger.model import LARGEST, NOTHING, Books, Key, Phase

TOO_MUCH = Code(
    "LEDGER-TOO-MUCH",
    Kind.RULE,
    "With this an account of a document would hold more than any account can.",
)
LONG_NAME = Code(
    "LEDGER-LONG-NAME",
    Kind.RULE,
    "A name that an account is kept under, as a line's serialno or a split's, is too long.",
)
CODES = (TOO_MUCH, LONG_NAME)

LONGEST_NAME = 1000
"""Bytes of an account's name: with its document's key it is the key of a row, and indexes have limits."""


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """Postings on documents by `ref`, and what becomes of what the moved document has reserved.

    `path` is where the message names the moved document; `followed` are the refs of those that it does not
    name: only they are no JSON paths.
    `resolves`: its standing reservations are posted (True), voided (False) or left (None), when the
    move takes effect.
    `gives_back`: what it has drawn on others is undone when the move takes effect, for it comes to
    an end.
    """

    holder: Key
    path: str
    followed: frozenset[str]
    effect: Effect
    postings: tuple[Posting, ...]
    places: Mapping[str, Key]
    resolves: bool | None
    gives_back: bool

    def concerned(self, refs: Iterable[str]) -> frozenset[str]:
        """Of what the moved document refers to, what is touched and not only looked at."""
        ends = self.gives_back or self.resolves is not None
        return frozenset(refs if ends else (posting.ref for posting in self.postings))

    @property
    def empty(self) -> bool:
        """Whether there is nothing to book at the ack or at the end."""
        return not self.postings and self.resolves is None and not self.gives_back

    def beyond(self, books: Books) -> Iterator[Fault]:
        """What no account can hold, with all that has gone through it and is reserved on it.

        Told before anything is booked: the database would refuse it, now or when it is posted.
        """
        if not self.postings:
            return
        sides: Counter[tuple[str, str]] = Counter()
        for one in self.postings:
            for name in (one.debit, one.credit):
                sides[one.ref, name] += one.amount
        for (ref, name), amount in sides.items():
            where, whose = (self.path, f" of {ref}") if ref in self.followed else (ref, "")
            if len(name.encode()) > LONGEST_NAME:
                detail = (
                    f"The account {name[:40]}…{whose} would have a name of more than {LONGEST_NAME}"
                    " bytes. Shorten it."
                )
                yield LONG_NAME.at(where, detail, most=LONGEST_NAME)
            before = books.of(self.places[ref]).get(name, NOTHING)
            if before.turnover + amount > LARGEST:
                detail = (
                    f"The account {name}{whose} cannot take as much. Quantities and amounts have to"
                    " be smaller."
                )
                yield TOO_MUCH.at(where, detail, account=name)

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
                holder=self.places[posting.sake] if posting.sake else self.holder,
                req_msg_id=req_msg_id,
                phase=phase,
            )
        if self.resolves is not None and self.effect is Effect.FACT:
            end = Phase.POSTED if self.resolves else Phase.VOID
            touched |= papers.resolve(self.holder, end)
        if self.gives_back and self.effect is Effect.FACT:
            touched |= papers.give_back(self.holder, req_msg_id)
        papers.derive(touched, holder=self.holder, req_msg_id=req_msg_id, now=now)
