"""A webhook as it arrives, and what an ERP reads in it. No document type is known by name."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import msgspec

from hundi.simulator.rules import Facts

_BESIDE = frozenset({"device", "b2bIds", "resp", "additionalInfos", "additionalInfo"})
"""Members of a body that are not its subject. The invoice page spells the last one so."""

_ONBOARDING = "business-onboarding"
_COPY = "-R"
_TRANSITION = "StatusTransition"
_WITHDRAWN = ("CREATED", "CANCELLED")


Members = Mapping[str, msgspec.Raw]


class UnreadableError(Exception):
    """A body without a readable subject; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """One POST: path, headers (names in any case) and the raw body."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    def header(self, name: str) -> str:
        """A header by its lower-case name, or an empty text."""
        told = self.headers.get(name)
        if told is not None:
            return told
        for spelled, value in self.headers.items():
            if spelled.lower() == name:
                return value
        return ""


class Outcome(msgspec.Struct, rename="camel", frozen=True):
    """The `resp` block of an outcome."""

    result: str = ""
    error_cd: str = ""
    error_dtl: str = ""
    error_field: str = ""


class _Version(msgspec.Struct, rename="camel", frozen=True):
    new_version: Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)] = 1


class _Transition(msgspec.Struct, rename="camel", frozen=True):
    current_status: str = ""
    new_status: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a message tells of one document.

    `sequence` is its number in the document's journal, None if untold. `before` is None where the
    message names no statuses: `status` is then the last word said about the document, its action
    (`ACCEPT`) or what the message is called (`pay`). What has no versions is at its first.
    """

    object_id: str
    sequence: int | None
    version: int
    before: str | None
    status: str
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The member of a body that the message is about; the rest of the body stands beside it.

    A fact tells what has happened already, such as a payment: it has an objectId of its own, and
    neither version nor status to agree on.
    """

    name: str
    raw: bytes
    told: Told
    is_fact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A verified webhook, read.

    `named` are the documents that the subject names and whose status changes, in its order.
    `b2b_ids` is raw JSON, `parties` the same in one spelling: two authors may use one objectId,
    and two systems write JSON their own ways. These and `additional_infos` are None where the body
    has none.
    """

    webhook_id: str
    path: str
    type: str
    b2b_ids: bytes | None
    parties: str
    names: tuple[str, ...]
    subject: Subject
    named: tuple[Told, ...]
    additional_infos: bytes | None
    outcome: Outcome | None

    @property
    def is_request(self) -> bool:
        """A request asks for an answer; all else only informs."""
        return self.outcome is None

    @property
    def is_receiver_copy(self) -> bool:
        """Whether this tells how a request ended that was sent to *this* ERP."""
        return self.webhook_id.endswith(_COPY)

    @property
    def request_id(self) -> str:
        """The id of the request that this message is, or tells the outcome of."""
        return "MSG" + self.webhook_id.removesuffix(_COPY)[3:]

    @property
    def is_withdrawal(self) -> bool:
        """A withdrawal of what the other side never agreed to hold: a fact, whatever it answers."""
        return (self.subject.told.before, self.subject.told.status) == _WITHDRAWN

    @property
    def is_fact(self) -> bool:
        """Whether it holds whatever is answered: an answer of FAILURE only disputes it."""
        return self.subject.is_fact or self.is_withdrawal

    @property
    def facts(self) -> Facts:
        """What rules may ask."""
        return Facts(
            webhook_id=self.webhook_id,
            path=self.path,
            kind="req" if self.is_request else "resp",
            object_id=self.subject.told.object_id,
            parties=self.names,
        )


_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_list = msgspec.json.Decoder(list[msgspec.Raw])
_parties = msgspec.json.Decoder(dict[str, str])
_outcome = msgspec.json.Decoder(Outcome)
_version = msgspec.json.Decoder(_Version)
_transition = msgspec.json.Decoder(_Transition)
_text = msgspec.json.Decoder(str)
_spell = msgspec.json.encode


def is_request(path: str) -> bool:
    """Requests come at `…/req-send`, `…/respondBid`; outcomes at `…/resp-send`, `…/respShareBid`."""
    name = path.rpartition("/")[2]
    return not name.startswith("resp") or name[4:5].islower()


def is_news(webhook: Webhook) -> bool:
    """Whether this answers an onboarding call: who is on the network, and whether one is registered.

    It is about no document of two parties. Outcomes of bids name no parties either, and are.
    """
    return _type(webhook.path) == _ONBOARDING and not is_request(webhook.path)


def read_message(webhook: Webhook) -> Message:
    """The parts of a body that an ERP acts on. Raises UnreadableError."""
    try:
        members = _members.decode(webhook.body)
        parties = _parties.decode(members.get("b2bIds", b"{}"))
        sequences = _sequences(webhook.header("hundi-sequence"))
        name, inner = _find_subject(members)
        asked = is_request(webhook.path)
        return Message(
            webhook_id=webhook.header("webhook-id"),
            path=webhook.path,
            type=_type(webhook.path),
            b2b_ids=_raw(members, "b2bIds"),
            parties=_spell(parties, order="sorted").decode(),
            names=tuple(parties.values()),
            subject=Subject(
                name=name,
                raw=bytes(members[name]),
                told=_told(inner, sequences[0], verb=_verb(webhook.path)),
                is_fact="objectId" in inner and not _has_statuses(inner),
            ),
            named=tuple(_named(inner, sequences[1:])),
            additional_infos=_raw(members, "additionalInfos"),
            outcome=None if asked else _outcome.decode(members.get("resp", b"{}")),
        )
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as trouble:
        message = f"The body cannot be read: {trouble}."
        raise UnreadableError(message) from trouble


def _raw(members: Mapping[str, msgspec.Raw], name: str) -> bytes | None:
    return bytes(members[name]) if name in members else None


def _type(path: str) -> str:
    """`purchase-order` from `/api/v0/purchase-order/req-send`."""
    return path.rpartition("/")[0].rpartition("/")[2]


def _verb(path: str) -> str:
    """`pay` from `…/req-pay` and `…/resp-pay`, `shareBid` from `…/shareBid` and `…/respShareBid`."""
    name = path.rpartition("/")[2]
    name = name.removeprefix("req-") if is_request(path) else name[4:].removeprefix("-")
    return name[:1].lower() + name[1:]


def _sequences(told: str) -> list[int | None]:
    """Journal numbers: of the subject, then of the documents that it names."""
    return [_number(part.strip()) for part in told.split(",")]


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def _find_subject(members: Mapping[str, msgspec.Raw]) -> tuple[str, Members]:
    """The member that carries an id: an `objectId`, or that of a request (`financingRequestId`)."""
    for name, raw in members.items():
        if name in _BESIDE or not bytes(raw).startswith(b"{"):
            continue
        inner = _members.decode(raw)
        if _id_of(inner) is not None:
            return name, inner
    message = "No member of the body carries an objectId."
    raise UnreadableError(message)


def _id_of(inner: Members) -> str | None:
    """What an ERP files the message under: an objectId, or a request's id and a lender's name.

    What is said of a request by lender stands apart for each of them (`FINREQ-1/LENDER-A`).
    """
    if "objectId" in inner:
        return _text.decode(inner["objectId"])
    request = _ending(inner, "RequestId")
    if request is None:
        return None
    told = (_members.decode(one) for raw in inner.values() for one in _objects(bytes(raw)))
    lender = next((_text.decode(one["financierId"]) for one in told if _is_lenders(one)), None)
    return _text.decode(request) + (f"/{lender}" if lender else "")


def _is_lenders(one: Members) -> bool:
    """Whether an item of a list is a lender's own: it has his name, and not a list of names."""
    return bytes(one.get("financierId", b"")).startswith(b'"')


def _has_statuses(inner: Members) -> bool:
    return "objectVersion" in inner or _ending(inner, _TRANSITION) is not None


def _told(inner: Members, sequence: int | None, *, verb: str) -> Told:
    raw = _ending(inner, _TRANSITION)
    transition = _transition.decode(raw or b"{}")
    word = bytes(_ending(inner, "Action") or _ending(inner, "Response") or b"")
    action = _text.decode(word) if word.startswith(b'"') else ""
    return Told(
        object_id=_id_of(inner) or "",
        sequence=sequence,
        version=_version.decode(inner.get("objectVersion", b"{}")).new_version,
        before=transition.current_status if raw else None,
        status=transition.new_status if raw else action or verb,
        action=action,
    )


def _named(subject: Members, sequences: Sequence[int | None]) -> Iterator[Told]:
    """Documents in the subject's lists whose status changes there.

    Their journal numbers are known where the header has one for each that is named with a status.
    """
    found = [inner for raw in subject.values() for inner in _listed(bytes(raw))]
    known = sequences if len(sequences) == len(found) else [None] * len(found)
    for inner, sequence in zip(found, known, strict=True):
        told = replace(_told(inner, sequence, verb=""), action="")
        if told.status != told.before:
            yield told


def _listed(raw: bytes) -> Iterator[Members]:
    for one in _objects(raw):
        inner = _members.decode(one)
        if "objectId" in inner and _ending(inner, _TRANSITION) is not None:
            yield inner


def _objects(raw: bytes) -> Iterator[msgspec.Raw]:
    """The objects in a list; none where it is no list."""
    for one in _list.decode(raw) if raw.startswith(b"[") else ():
        if bytes(one).startswith(b"{"):
            yield one


def _ending(inner: Members, ending: str) -> msgspec.Raw | None:
    """The member with such an ending, spelled large or small: `poStatusTransition`."""
    small = ending[0].lower() + ending[1:]
    return next((raw for name, raw in inner.items() if name.endswith((ending, small))), None)
