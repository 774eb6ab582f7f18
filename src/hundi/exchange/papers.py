"""The documents of a batch with their books, while a transaction works on them. Pure.

What is booked for an exchange follows it: reserved at the ack, posted when it settles, void when it
ends otherwise. Whatever moves money lets the document say anew what its status is.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field

from hundi.exchange.definition import DocumentType
from hundi.exchange.document import Document
from hundi.exchange.views import DocumentView, Posting
from hundi.ledger.model import Books, Key, Phase, Transfer, Unit


def guarded_accounts(types: Mapping[str, DocumentType]) -> frozenset[tuple[str, str]]:
    """The accounts that never go below zero, by document type and name."""
    return frozenset((kind.name, name) for kind in types.values() for name in kind.guarded)


@dataclass(slots=True, kw_only=True)
class Papers:
    """Documents by key, their books, and the transfers that may end.

    `pending` are transfers by the exchange that booked them, `held` those by the document for whose
    sake they were booked. `step` tells what is booked at the ack (`a`) from what is booked at the
    end (`e`) of one exchange, so that no two transfers have the same id. `restated` are documents
    whose status the ledger has changed and whose parties have not been told yet.
    """

    types: Mapping[str, DocumentType]
    step: str
    documents: dict[Key, Document]
    books: Books
    pending: Mapping[str, Sequence[Transfer]] = field(default_factory=dict)
    held: Mapping[Key, Sequence[Transfer]] = field(default_factory=dict)
    restated: set[Key] = field(default_factory=set)
    _numbers: Counter[str] = field(default_factory=Counter)

    def fork(self, keys: Iterable[Key]) -> "Papers":
        """Copies of some of the documents and their books; these stay as they are."""
        wanted = list(keys)
        return Papers(
            types=self.types,
            step=self.step,
            documents={key: copy(self.documents[key]) for key in wanted if key in self.documents},
            books=self.books.fork(wanted),
            pending=self.pending,
            held=self.held,
        )

    def kind(self, key: Key) -> DocumentType:
        """The type of a document."""
        return self.types[key[1]]

    def view(self, key: Key) -> DocumentView:
        """A document as guards and `derive` see it."""
        return self.documents[key].view(balances=self.books.of(key))

    def book(
        self, posting: Posting, *, on: Key, holder: Key, req_msg_id: str, phase: Phase
    ) -> None:
        """Book what a message says on a document's accounts; a standing one waits in any case."""
        self._numbers[req_msg_id] += 1
        self.documents[on].booked = True
        transfer = Transfer(
            key=on,
            id=f"{req_msg_id}/{self.step}{self._numbers[req_msg_id]}",
            holder=holder,
            debit=posting.debit,
            credit=posting.credit,
            amount=posting.amount,
            unit=posting.unit,
            phase=Phase.PENDING if posting.standing else phase,
            standing=posting.standing,
        )
        self.books.add(transfer)

    def end(self, req_msg_id: str, phase: Phase) -> None:
        """Post or void what an exchange has reserved until it ends; what stands outlives a success."""
        just_made = [
            one
            for one in self.books.made.values()
            if one.req_msg_id == req_msg_id and one.phase is Phase.PENDING
        ]
        for one in (*self.pending.get(req_msg_id, ()), *just_made):
            if phase is Phase.VOID or not one.standing:
                self.books.end(one, phase)

    def resolve(self, holder: Key, phase: Phase) -> set[Key]:
        """Post or void what stands reserved for a document's sake; the documents it was on."""
        standing = [
            one
            for one in self.held.get(holder, ())
            if one.standing and one.phase is Phase.PENDING and one.key in self.documents
        ]
        for one in standing:
            self.books.end(one, phase)
        return {one.key for one in standing}

    def drawn(self, holder: Key, refs: Mapping[Key, str]) -> Mapping[str, Mapping[str, int]]:
        """What a document has booked on some others, by their ref and account, net of credits."""
        found: dict[str, Counter[str]] = {}
        for one in self.held.get(holder, ()):
            if one.key in refs:
                of_one = found.setdefault(refs[one.key], Counter())
                of_one[one.debit] += one.amount
                of_one[one.credit] -= one.amount
        return found

    def give_back(self, holder: Key, req_msg_id: str) -> set[Key]:
        """Undo what a document has drawn on others: it does not count any more; the others."""
        drawn = [
            one
            for one in self.held.get(holder, ())
            if one.key != holder and one.key in self.documents
        ]
        for one in drawn:
            if one.phase is Phase.PENDING and one.req_msg_id != req_msg_id:
                self.books.end(one, Phase.VOID)
        for key, back in _reversed([one for one in drawn if one.phase is Phase.POSTED]):
            self.book(back, on=key, holder=holder, req_msg_id=req_msg_id, phase=Phase.POSTED)
        return {one.key for one in drawn}

    def derive(self, keys: Iterable[Key], *, holder: Key, req_msg_id: str, now: int) -> None:
        """Let the ledger say what the status of some documents is."""
        for key in sorted(keys):
            derive = self.kind(key).derive
            if derive is None:
                continue
            derived = derive(self.view(key))
            for posting in derived.postings:
                self.book(posting, on=key, holder=holder, req_msg_id=req_msg_id, phase=Phase.POSTED)
            if self.documents[key].status != derived.status:
                self.restated.add(key)
            self.documents[key].become(derived.status, now)

    def told(self, documents: Iterable[Document]) -> list[Document]:
        """Those of some documents whose parties are to hear of a new status, each once."""
        found = [one for one in documents if one.key in self.restated]
        self.restated.difference_update(one.key for one in found)
        return found


def _reversed(posted: Iterable[Transfer]) -> Iterator[tuple[Key, Posting]]:
    """Transfers that undo what some posted ones make together."""
    sums: Counter[tuple[Key, str, str, Unit]] = Counter()
    for one in posted:
        first, second = sorted((one.debit, one.credit))
        sign = 1 if one.debit == first else -1
        sums[one.key, first, second, one.unit] += sign * one.amount
    for (key, first, second, unit), amount in sums.items():
        if amount:
            debit, credit = (second, first) if amount > 0 else (first, second)
            yield (
                key,
                Posting(ref="", debit=debit, credit=credit, amount=abs(amount), unit=unit),
            )
