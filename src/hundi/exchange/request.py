"""A request on its way to being accepted, and what may become of it."""

import hashlib
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

import msgspec

from hundi.exchange.answers import Parts, cut, parts_of
from hundi.exchange.definition import MessageType, Touched, Touches
from hundi.exchange.findings import told
from hundi.exchange.route import Leg
from hundi.kernel.faults import Fault
from hundi.kernel.reading import read


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One call, read and typed: everything that can be known before a transaction.

    `parties` are B2B IDs by role, `paths` where the body names them if not in `b2bIds`. `moved` are
    the documents that the message moves, `held` those that stay free. `findings` are what the rules
    that need only the body say, told if the stages before them pass.

    Of a call that has to be routed, these are unknown until its legs are: each leg is a request of
    its own, with the bytes that its receiver gets. One that `follows` waits for the first. `trace`
    is the context that its exchanges go on from.
    """

    message: MessageType
    client_id: str
    raw: bytes
    digest: bytes
    body: object
    parts: Parts
    parties: Mapping[str, str]
    paths: Mapping[str, str]
    moved: tuple[Touched, ...]
    held: tuple[Touched, ...]
    action: str | None
    idempotency_key: str | None
    findings: tuple[Fault, ...]
    follows: bool = False
    trace: str | None = None

    @property
    def sender_b2b(self) -> str:
        """The B2B ID that the sender speaks for."""
        return self.parties[self.message.sender]

    @property
    def receiver_b2b(self) -> str:
        """The B2B ID that is spoken to."""
        return self.parties[self.message.receiver]

    def path_of(self, role: str) -> str:
        """Where the body names a party."""
        return self.paths.get(role) or f"b2bIds.{self.message.roles[role]}"

    @property
    def fingerprint(self) -> bytes:
        """What a later request under the same idempotency key must equal."""
        return fingerprint(self.message.path, self.raw)

    def keys(self) -> Iterator[Hashable]:
        """What no other request of the same batch by the same client may share with this one.

        By client: nobody knows yet whether it may touch what it names, and nobody shall make others
        wait by naming theirs. Between clients the acceptor decides, inside the transaction.
        """
        if self.idempotency_key is not None:
            yield "key", self.client_id, self.idempotency_key
        for touched in (*self.moved, *self.held) if self.held else self.moved:
            if touched.object_id:  # of one that is named by its number alone nobody knows it yet
                yield self.client_id, touched.type, touched.object_id
            for claim in touched.claims:
                yield "claim", self.client_id, touched.type, claim
            if touched.shared is not None:
                yield "shared", self.client_id, touched.type, touched.shared

    def needs(self) -> Iterator[Hashable]:
        """What others may have locked, beside its keys: the rows of its client and its businesses."""
        yield from self.keys()
        yield "client", self.client_id
        for b2b_id in self.parties.values():
            yield "b2bId", b2b_id


NumberedRequest = tuple[int, Request]
"""A request and its place among all legs that are judged together."""


def read_request(
    message: MessageType,
    raw: bytes,
    *,
    client_id: str,
    idempotency_key: str | None,
    trace: str | None = None,
) -> Request:
    """Read a body strictly. Raises RefusedError with all faults of its shape."""
    body = read(raw, message.body)
    parts = parts_of(raw, message.subject)
    roles = message.roles if message.route is None else {}
    moved, held = _sorted(message.touches(body))
    return Request(
        message=message,
        client_id=client_id,
        raw=raw,
        digest=hashlib.sha256(raw).digest(),
        body=body,
        parts=parts,
        parties={role: getattr(body.b2bIds, member) for role, member in roles.items()},
        paths={},
        moved=moved,
        held=held,
        action=message.action(body),
        idempotency_key=idempotency_key,
        findings=told(chain.from_iterable(rule(body) for rule in message.body_rules)),
        trace=trace,
    )


def leg_of(request: Request, leg: Leg) -> Request:
    """One exchange of a routed call, as a request from one sender to one receiver."""
    raw, digest, parts = request.raw, request.digest, request.parts
    if leg.cut is not None:
        raw = cut(request.raw, leg.cut)
        digest, parts = hashlib.sha256(raw).digest(), parts_of(raw, request.message.subject)
    moved, held = _sorted(leg.touched)
    return msgspec.structs.replace(
        request,
        raw=raw,
        digest=digest,
        parts=parts,
        parties=leg.parties,
        paths=leg.paths,
        moved=moved,
        held=held,
        action=leg.action,
        follows=leg.follows,
    )


def _sorted(touched: tuple[Touched, ...]) -> tuple[tuple[Touched, ...], tuple[Touched, ...]]:
    """The documents that are moved, and those that stay free."""
    if len(touched) == 1:
        return touched, ()
    moved = tuple(one for one in touched if one.how is Touches.MOVES)
    return moved, tuple(one for one in touched if one.how is Touches.HOLDS)


def fingerprint(path: str, raw: bytes) -> bytes:
    """What makes two requests under one idempotency key the same: SHA-256 of path and raw bytes."""
    return hashlib.sha256(path.encode() + b"\x00" + raw).digest()


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """The request is on disk. `state` is the exchange's state now; `replayed` by its key.

    Of a call to several receivers, `req_msg_id` and `state` (OPEN or ENDED) are its receipt's, and
    `waiting` of its `exchanges` have not ended. `abandoned` are other ones that were given up for it.
    """

    req_msg_id: str
    response: bytes
    warnings: str
    state: str
    replayed: bool
    exchanges: int = 1
    waiting: int = 0
    abandoned: int = 0


@dataclass(frozen=True, slots=True)
class Refused:
    """The request left nothing behind. `retry_after` is in seconds, where trying again may help."""

    faults: tuple[Fault, ...]
    retry_after: int | None = None


def shows_free(outcome: Accepted | Refused) -> bool:
    """Whether it was had with all that its request needs: a replay and a refusal may come before that."""
    return isinstance(outcome, Accepted) and not outcome.replayed
