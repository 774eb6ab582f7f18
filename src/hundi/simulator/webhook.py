"""A webhook as it arrives, and what an ERP reads in it. No document type is known by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import msgspec

from hundi.simulator.rules import Facts

_BESIDE = frozenset({"device", "b2bIds", "resp", "additionalInfos", "additionalInfo"})
"""Members of a body that are not its subject. The invoice page spells the last one so."""

_COPY = "-R"
_WITHDRAWN = ("CREATED", "CANCELLED")


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
    new_version: Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)] = 0


class _Transition(msgspec.Struct, rename="camel", frozen=True):
    current_status: str = ""
    new_status: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a message is about. `action` is the word of `…Action` or `…Response`, else empty."""

    name: str
    raw: bytes
    object_id: str
    version: int
    before: str
    status: str
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A verified webhook, read.

    `sequence` is the document's journal number, None if untold. `b2b_ids` is raw JSON, `parties`
    the same in one spelling: two authors may use one objectId, and two systems write JSON their
    own ways.
    """

    webhook_id: str
    path: str
    type: str
    sequence: int | None
    b2b_ids: bytes
    parties: str
    names: tuple[str, ...]
    subject: Subject
    additional_infos: bytes
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
        return (self.subject.before, self.subject.status) == _WITHDRAWN

    @property
    def facts(self) -> Facts:
        """What rules may ask."""
        return Facts(
            webhook_id=self.webhook_id,
            path=self.path,
            kind="req" if self.is_request else "resp",
            object_id=self.subject.object_id,
            parties=self.names,
        )


_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_parties = msgspec.json.Decoder(dict[str, str])
_outcome = msgspec.json.Decoder(Outcome)
_version = msgspec.json.Decoder(_Version)
_transition = msgspec.json.Decoder(_Transition)
_text = msgspec.json.Decoder(str)
_spell = msgspec.json.encode


def is_request(path: str) -> bool:
    """Requests come at `…/req-send` or `…/shareBid`, outcomes at `…/resp-send`, `…/respShareBid`."""
    return not path.rpartition("/")[2].startswith("resp")


def is_news(webhook: Webhook) -> bool:
    """Whether this is an outcome that names no two parties: it is about no document of theirs.

    So the answers of onboarding calls: who is on the network, and whether one is registered.
    """
    if is_request(webhook.path):
        return False
    try:
        members = _members.decode(webhook.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return "resp" in members and "b2bIds" not in members


def read_message(webhook: Webhook) -> Message:
    """The parts of a body that an ERP acts on. Raises UnreadableError."""
    try:
        members = _members.decode(webhook.body)
        asked = is_request(webhook.path)
        b2b_ids = bytes(members.get("b2bIds", b"{}"))
        parties = _parties.decode(b2b_ids)
        return Message(
            webhook_id=webhook.header("webhook-id"),
            path=webhook.path,
            type=_type(webhook.path),
            sequence=_sequence(webhook.header("hundi-sequence")),
            b2b_ids=b2b_ids,
            parties=_spell(parties, order="sorted").decode(),
            names=tuple(parties.values()),
            subject=_subject(members),
            additional_infos=bytes(members.get("additionalInfos", b"[]")),
            outcome=None if asked else _outcome.decode(members.get("resp", b"{}")),
        )
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as trouble:
        message = f"The body cannot be read: {trouble}."
        raise UnreadableError(message) from trouble


def _type(path: str) -> str:
    """`purchase-order` from `/api/v0/purchase-order/req-send`."""
    return path.rpartition("/")[0].rpartition("/")[2]


def _sequence(told: str) -> int | None:
    """The journal number; of several documents' numbers the first, which is the subject's."""
    first = told.partition(",")[0].strip()
    return int(first) if first.isascii() and first.isdigit() and len(first) <= 18 else None


def _subject(members: Mapping[str, msgspec.Raw]) -> Subject:
    for name, raw in members.items():
        if name in _BESIDE or not bytes(raw).startswith(b"{"):
            continue
        inner = _members.decode(raw)
        if "objectId" in inner:
            return _read_subject(name, bytes(raw), inner)
    message = "No member of the body carries an objectId."
    raise UnreadableError(message)


def _read_subject(name: str, raw: bytes, inner: Mapping[str, msgspec.Raw]) -> Subject:
    transition = _transition.decode(_ending(inner, "StatusTransition") or b"{}")
    action = _ending(inner, "Action") or _ending(inner, "Response")
    return Subject(
        name=name,
        raw=raw,
        object_id=_text.decode(inner["objectId"]),
        version=_version.decode(inner.get("objectVersion", b"{}")).new_version,
        before=transition.current_status,
        status=transition.new_status,
        action=_text.decode(action) if action else "",
    )


def _ending(inner: Mapping[str, msgspec.Raw], ending: str) -> msgspec.Raw | None:
    return next((raw for name, raw in inner.items() if name.endswith(ending)), None)
