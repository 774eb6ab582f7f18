"""The simulated ERP itself: webhook in, answer out. No clock, no socket, no thread.

    erp = Erp([secret], state=in_memory(), rules=Rules())
    answer = erp.receive(Webhook("/api/v0/purchase-order/req-send", headers, body), now=now)

What it applies, records and answers is one transaction of its state; a simulation may drop the
answer, the Erp, or both, and make a new Erp over the same state.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from operator import itemgetter

from hundi.kernel.identity import receiver_copy_id
from hundi.kernel.signature import SignatureError, verify
from hundi.simulator import answering
from hundi.simulator.answering import Answer, Stored, Verdict
from hundi.simulator.believing import Held, believed
from hundi.simulator.rules import SUCCESS, Do, Rules
from hundi.simulator.state import Arrival, Row, State
from hundi.simulator.webhook import (
    Message,
    UnreadableError,
    Webhook,
    is_news,
    is_request,
    read_message,
)

FORESTALLED = Verdict(
    "FAILURE", "ERP-ENDED", "The network told that this exchange has ended before it arrived.", ""
)


_document = itemgetter("type", "object_id", "parties")


class Erp:
    """One counterparty. `rules` may be replaced at any time."""

    def __init__(self, secrets: Sequence[str], *, state: State, rules: Rules) -> None:
        self.rules = rules
        self.state = state
        self._secrets = secrets
        self._undecided: dict[int, Message] = {}

    def receive(self, webhook: Webhook, *, now: int) -> Answer:
        """The answer to a webhook, its effect stored. `now` is in microseconds."""
        trouble = self._distrust(webhook, now)
        with self.state.transaction():
            arrival = self._arrival(webhook, now, verified=trouble is None)
            if trouble is not None:
                refusal = answering.whole(answering.plain(401, trouble))
                return self._logged(arrival, refusal, rule="refused")
            if is_news(webhook):
                noted = answering.whole(answering.acknowledged())
                return self._logged(arrival, noted, rule="news")
            try:
                message = read_message(webhook)
            except UnreadableError as unreadable:
                refusal = _unread(webhook, str(unreadable))
                return self._logged(arrival, refusal, rule="unreadable")
            return self._answer(message, arrival)

    def resume(self, entry: int) -> Answer:
        """Decide what was held. By now it may have been answered, or ended, otherwise."""
        message = self._undecided.pop(entry)
        with self.state.transaction():
            stored = self._taken_in(message, SUCCESS, kept=self._known(message))
            self.state.log_result(entry, stored.result)
        return replace(answering.whole(stored), entry=entry)

    def documents(self) -> list[Held]:
        """What this ERP believes, by document."""
        return _believed(self.state.effects())

    def held(self, object_id: str) -> Held | None:
        """The document with this objectId, or None; of several the first."""
        return next(iter(_believed(self.state.effects_on(object_id))), None)

    def applied(self) -> dict[str, int]:
        """How often the effects of each message were applied; more than once is a bug here."""
        found: dict[str, int] = {}
        for row in self.state.effects():
            found[row["id"]] = max(row["applied"], found.get(row["id"], 0))
        return found

    def _distrust(self, webhook: Webhook, now: int) -> str | None:
        try:
            verify(self._secrets, webhook.headers, webhook.body, now=now)
        except SignatureError as trouble:
            return str(trouble)
        return None

    def _arrival(self, webhook: Webhook, now: int, *, verified: bool) -> Arrival:
        webhook_id = _loggable(webhook.header("webhook-id"))
        return Arrival(
            at=now,
            path=_loggable(webhook.path),
            webhook_id=webhook_id,
            sequence=_loggable(webhook.header("hundi-sequence")),
            verified=verified,
            repeat=self.state.was_received(webhook_id),
        )

    def _answer(self, message: Message, arrival: Arrival) -> Answer:
        kept = self._known(message)
        do = self.rules.choose(message.facts, decided=kept is not None)
        if do.answer == "hold":
            held = self._logged(arrival, answering.held(do), rule=do.answer)
            self._undecided[held.entry] = message
            return held
        if do.answer == "pending":
            return self._logged(arrival, answering.pending(message, do), rule=do.answer)
        if do.applied:
            kept = self._taken_in(message, do, kept=kept)
        answer = answering.spoiled(do, kept or answering.acknowledged())
        return self._logged(arrival, answer, rule=do.answer)

    def _logged(self, arrival: Arrival, answer: Answer, *, rule: str) -> Answer:
        return replace(answer, entry=self.state.log(arrival, rule=rule, result=answer.result))

    def _known(self, message: Message) -> Stored | None:
        """The answer of a message that is decided, by this ERP or by the network before it."""
        kept = self.state.answer(message.webhook_id)
        if kept is not None or not message.is_request:
            return kept
        if self.state.outcome(receiver_copy_id(message.webhook_id)) in {None, "SUCCESS"}:
            return None
        return self._keep(message, answering.envelope(message, FORESTALLED))

    def _taken_in(self, message: Message, do: Do, *, kept: Stored | None) -> Stored:
        """The kept answer; the first time it is made, and kept with the message's effect."""
        if kept is not None:
            return kept
        stored = self._decided(message, do) if message.is_request else self._recorded(message)
        return self._keep(message, stored)

    def _keep(self, message: Message, stored: Stored) -> Stored:
        self.state.keep(message.webhook_id, stored)
        return stored

    def _decided(self, message: Message, do: Do) -> Stored:
        if do.answer == "decline":
            if message.is_fact:  # it has happened: an ERP keeps it, and says that it objects
                self.state.apply(message, disputed=True)
            refusal = Verdict("FAILURE", do.code, do.detail, do.field)
            return answering.envelope(message, refusal, status=do.status)
        self.state.apply(message)
        return answering.envelope(message, Verdict("SUCCESS"))

    def _recorded(self, message: Message) -> Stored:
        """Keep an outcome, and do what it says to this ERP's view."""
        self.state.record(message)
        good = message.outcome is not None and message.outcome.result == "SUCCESS"
        if message.is_receiver_copy:
            if not good:
                self.state.undo(message.request_id)
        elif good or message.is_fact:
            self.state.apply(message, disputed=not good)
        return answering.acknowledged()


def _believed(effects: Iterable[Row]) -> list[Held]:
    live = (row for row in effects if not row["undone"])
    return [believed(list(rows)) for _, rows in groupby(live, key=_document)]


def _unread(webhook: Webhook, trouble: str) -> Answer:
    if is_request(webhook.path):
        stored = answering.unread(Verdict("FAILURE", "ERP-UNREADABLE", trouble))
    else:
        stored = answering.plain(400, trouble)
    return answering.whole(stored)


def _loggable(text: str) -> str:
    """A text from an unknown sender that the log can hold: valid Unicode, not too long."""
    return text[:400].encode(errors="replace").decode()
