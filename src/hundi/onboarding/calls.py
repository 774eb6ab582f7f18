"""An onboarding call on its way: read, recorded as an exchange without a counterparty, answered.

Its answer goes to the client that called, which may not have a B2B ID yet: the exchange and the
webhook name none.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from hundi.exchange.answers import Resp
from hundi.exchange.definition import Effect
from hundi.exchange.findings import told as kept
from hundi.exchange.record import State
from hundi.exchange.request import fingerprint
from hundi.exchange.verdict import Kind
from hundi.exchange.writes import EXCHANGE, Writes
from hundi.kernel.faults import Fault
from hundi.kernel.identity import response_id
from hundi.kernel.reading import read
from hundi.onboarding import rules
from hundi.onboarding.model import (
    AREA,
    CheckEntityBody,
    RegisterEntityBody,
    RegisterIdBody,
    SearchEntityBody,
)

_ROOT = f"api/v0/{AREA}/"
NOBODY = ""
"""What stands for a B2B ID where the client itself is meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallType:
    """One call and its webhook. `answer` are the webhook's members, in the contract's order."""

    name: str
    inform: str
    body: type[Any]
    findings: Callable[[Any], Iterable[Fault]]
    answer: tuple[str, ...]

    @property
    def path(self) -> str:
        """Where the call is made, with a leading slash."""
        return f"/{_ROOT}{self.name}"

    @property
    def stored_name(self) -> str:
        """How the call is named in rows: `business-onboarding/reg-entity`."""
        return f"{AREA}/{self.name}"


CHECK_ENTITY = CallType(
    name="reg-check-entity",
    inform=f"{_ROOT}respCheckEntity",
    body=CheckEntityBody,
    findings=rules.check_findings,
    answer=("objectId", "resp", "instituteStatus", "checkInstitute"),
)
REGISTER_ENTITY = CallType(
    name="reg-entity",
    inform=f"{_ROOT}respRegEntity",
    body=RegisterEntityBody,
    findings=rules.registration_findings,
    answer=("resp", "institute", "additionalInfos"),
)
REGISTER_ID = CallType(
    name="reg-id",
    inform=f"{_ROOT}respRegId",
    body=RegisterIdBody,
    findings=rules.id_findings,
    answer=("objectId", "resp", "onboardingB2BIds", "regB2BIds", "additionalInfos"),
)
SEARCH_ENTITY = CallType(
    name="search-entity",
    inform=f"{_ROOT}respSearchEntity",
    body=SearchEntityBody,
    findings=rules.search_findings,
    answer=("objectId", "resp", "respParams", "onboardingB2BIds", "search"),
)
CALLS = (CHECK_ENTITY, REGISTER_ENTITY, REGISTER_ID, SEARCH_ENTITY)


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call, read and typed. `findings` are told if the stages before them pass."""

    type: CallType
    client_id: str
    raw: bytes
    body: Any
    idempotency_key: str | None
    findings: tuple[Fault, ...]
    trace: str | None = None

    @property
    def fingerprint(self) -> bytes:
        """What a later request under the same key must equal."""
        return fingerprint(self.type.path, self.raw)

    def keys(self) -> Iterator[Hashable]:
        """What no other call of the same batch may share with this one."""
        if self.idempotency_key is not None:
            yield "key", self.client_id, self.idempotency_key


def read_call(
    kind: CallType,
    raw: bytes,
    *,
    client_id: str,
    idempotency_key: str | None,
    trace: str | None = None,
) -> Call:
    """Read a body strictly. Raises RefusedError with all faults of its shape."""
    body = read(raw, kind.body)
    return Call(
        type=kind,
        client_id=client_id,
        raw=raw,
        body=body,
        idempotency_key=idempotency_key,
        findings=kept(kind.findings(body)),
        trace=trace,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How a call ended, and what its webhook says beside what it echoes."""

    state: State
    resp: Resp
    members: Mapping[str, object]


def answer_body(kind: CallType, raw: bytes | None, told: Told) -> bytes:
    """The body of a call's webhook: members of the request as they came, and what was found.

    Of a request that was erased (None) nothing is echoed: `resp` says which one it was.
    """
    sent = msgspec.json.decode(raw, type=dict[str, msgspec.Raw]) if raw is not None else {}
    given: dict[str, object] = {"additionalInfos": [], **sent, **told.members}
    given["resp"] = told.resp
    return msgspec.json.encode({n: given[n] for n in kind.answer if raw is not None or n in given})


def record(
    writes: Writes, call: Call, *, req_msg_id: str, mailbox: bool, told: Told | None, now: int
) -> None:
    """Store a call and its exchange; `told` is None where it waits. It never expires by itself.

    `mailbox` says whether the calling client polls for the answer. The exchange is about no
    document: nothing is moved, held or booked.
    """
    resp = told.resp if told is not None else Resp(req_msg_id, "PENDING")
    row = {
        "req_msg_id": req_msg_id,
        "message": call.type.stored_name,
        "client_id": call.client_id,
        "sender_b2b": NOBODY,
        "receiver_b2b": NOBODY,
        "receiver_client": call.client_id,
        "mailbox": False,
        "effect": Effect.FACT.value,
        "state": (told.state if told is not None else State.OPEN).value,
        "moves": "[]",
        "holds": "[]",
        "booked": False,
        "warnings": "[]",
        "idempotency_key": call.idempotency_key,
        "result": resp.result,
        "error_code": resp.error_code,
        "error_detail": resp.error_detail,
        "error_field": resp.error_field,
        "created_at": now,
        "expires_at": None,
        "ended_at": None if told is None else now,
        "receipt_id": None,
        "leader_id": None,
        "sender_mailbox": mailbox,
        "trace": call.trace,
    }
    writes.exchanges.append(tuple(row[name] for name in EXCHANGE))
    writes.bodies.append((req_msg_id, call.raw))


def inform(
    writes: Writes,
    kind: CallType,
    *,
    req_msg_id: str,
    client_id: str,
    mailbox: bool,
    idempotency_key: str | None,
    answer: bytes,
    trace: str | None,
    now: int,
) -> None:
    """Store a call's answer, and queue it as a webhook unless the client polls."""
    webhook_id = response_id(req_msg_id)
    writes.bodies.append((webhook_id, answer))
    if mailbox:
        return
    writes.queue(
        Kind.RESPONSE,
        # A lane of its own: the answer to one call waits for no other's.
        place=(f"{AREA}|{req_msg_id}", 1),
        now=now,
        webhook_id=webhook_id,
        req_msg_id=req_msg_id,
        effect=Effect.FACT.value,
        receiver_b2b=NOBODY,
        client_id=client_id,
        path=kind.inform,
        body_id=webhook_id,
        idempotency_key=idempotency_key,
        trace=trace,
    )
