"""What must hold of a document's row and of what its journal says of exchanges. Pure."""

from collections.abc import Iterator, Mapping

import msgspec

from hundi.exchange.definition import DocumentType, Effect
from hundi.exchange.document import last_at
from hundi.exchange.invariants.finding import DOCUMENT, JOURNAL, Broken, told
from hundi.exchange.journal import Step
from hundi.exchange.record import State
from hundi.exchange.views import DocumentView
from hundi.exchange.writes import moves_from
from hundi.ledger.model import Balance, document_key
from hundi.store.engine import Row

_ENDS = {
    Step.SETTLED.value: State.SETTLED.value,
    Step.DECLINED.value: State.DECLINED.value,
    Step.DISPUTED.value: State.DECLINED.value,
    Step.EXPIRED.value: State.EXPIRED.value,
    Step.ABANDONED.value: State.ABANDONED.value,
}
_STEPS = frozenset(step.value for step in Step)


def view_of(row: Row, balances: Mapping[str, Balance]) -> DocumentView:
    """A row of `document` as `derive` sees it."""
    return DocumentView(
        object_id=row["object_id"],
        status=row["status"],
        version=row["version"],
        agreed_version=row["agreed_version"],
        number=row["number"],
        balances=balances,
    )


def wrong_document(
    row: Row, kind: DocumentType | None, opened: Row | None, *, balances: Mapping[str, Balance]
) -> Iterator[Broken]:
    """`opened` is the exchange that the busy column names, `balances` the document's accounts."""
    where = told(document_key(row))
    if kind is None:
        yield Broken(DOCUMENT, where, "no such type of document is declared")
        return
    if not _is_declared(kind, view_of(row, balances)):
        yield Broken(DOCUMENT, where, f"its status {row['status']!r} is not declared")
    if row["open_exchange"] is not None:
        yield from (Broken(DOCUMENT, where, what) for what in _wrong_opening(row, opened))


def _is_declared(kind: DocumentType, view: DocumentView) -> bool:
    """Whether a move leads to or from a status, or the ledger from such a one to it."""
    named = {kind.initial, *(m.source for m in kind.moves), *(m.target for m in kind.moves)}
    if view.status in named:
        return True
    derive = kind.derive
    if derive is None:
        return False
    ways = (msgspec.structs.replace(view, status=status) for status in named)
    return any(derive(one).status == view.status for one in ways)


def _wrong_opening(row: Row, opened: Row | None) -> Iterator[str]:
    id_ = row["open_exchange"]
    if opened is None:
        yield f"it is busy with exchange {id_}, which does not exist"
    elif opened["state"] != State.OPEN.value:
        yield f"it is busy with exchange {id_}, which is {opened['state']}"
    elif opened["effect"] != Effect.PROPOSAL.value:
        yield f"it is busy with exchange {id_}, which is a fact"
    elif document_key(row) not in {move.key for move in moves_from(opened["moves"])}:
        yield f"it is busy with exchange {id_}, which does not move it"


class Steps:
    """What a document's journal says of exchanges, compared with them as its rows are read."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._accepted: dict[str, str] = {}
        self._ended: set[str] = set()
        self._stand: tuple[str, int] | None = None
        self._changed: set[tuple[str, str]] = set()
        self._times: set[int] = set()

    def take(self, row: Row, state: str | None) -> Iterator[Broken]:
        """The next row; `state` is that of the exchange it names, None where there is none."""
        if self._stand != (row["status"], row["version"]):
            self._stand = row["status"], row["version"]
            self._changed.clear()
            self._times.clear()
        self._changed.add((row["req_msg_id"], row["step"]))
        self._times.add(row["at"])
        what = self._judge(row["req_msg_id"], row["step"], state)
        if what is not None:
            yield Broken(JOURNAL, self._where, f"row {row['sequence']} {what}")

    def _judge(self, id_: str, step: str, state: str | None) -> str | None:
        if step not in _STEPS:
            return f"tells an unknown step {step!r}"
        if state is None:
            return f"names exchange {id_}, which does not exist"
        if step == Step.ACCEPTED.value:
            twice = id_ in self._accepted
            self._accepted[id_] = state
            return f"accepts exchange {id_} a second time" if twice else None
        if step in _ENDS:
            twice = id_ in self._ended
            self._ended.add(id_)
            if twice:
                return f"ends exchange {id_} a second time"
            if _ENDS[step] != state:
                return f"says {step} of exchange {id_}, which is {state}"
        if step == Step.LATE.value and state == State.OPEN.value:
            return f"tells an answer after the end of exchange {id_}, which is open"
        return None

    def end(self, document: Row) -> Iterator[Broken]:
        """After the last row: what has ended without a row, and what the document's row says of it."""
        for id_, state in self._accepted.items():
            if state != State.OPEN.value and id_ not in self._ended:
                what = f"exchange {id_} is {state}, and no row says so"
                yield Broken(JOURNAL, self._where, what)
        for id_ in self._ended - self._accepted.keys():
            yield Broken(JOURNAL, self._where, f"exchange {id_} has ended and was never accepted")
        last = document["last_exchange"], document["last_step"]
        # The row that changed it; any behind that in a document of before, which told its last step.
        if self._changed and last not in self._changed:
            what = f"{' '.join(last)} did not change it last, as the document says"
            yield Broken(JOURNAL, self._where, what)
        at = last_at(document)
        if self._times and at not in self._times:
            what = f"nothing happened at {at}, when it changed last, as the document says"
            yield Broken(JOURNAL, self._where, what)
