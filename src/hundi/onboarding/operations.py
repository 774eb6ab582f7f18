"""The four calls: judged, settled and answered in one transaction, batches of them at once.

Only `reg-entity` waits, for its ownership code (`ownership`). Members of a batch are judged one
after the other and see what those before them wrote; between processes the register's lock keeps
those apart that add to it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from hundi.exchange.answers import Resp, receipt_ack
from hundi.exchange.idempotency import claim_key, replays
from hundi.exchange.record import State
from hundi.exchange.request import Accepted, Refused
from hundi.exchange.writes import Writes
from hundi.kernel.faults import Code, Fault, Kind
from hundi.kernel.identity import RandomBytes, request_id
from hundi.onboarding import code_limits, ownership, queries, rules
from hundi.onboarding.calls import (
    CHECK_ENTITY,
    REGISTER_ENTITY,
    REGISTER_ID,
    SEARCH_ENTITY,
    Call,
    Told,
    answer_body,
    inform,
    record,
)
from hundi.onboarding.model import CheckInstitute, Found, Institute, RegisterIdBody, Status, leads
from hundi.onboarding.tables import candidate
from hundi.parties import model as parties
from hundi.parties.model import Served
from hundi.parties.operations import hold_register
from hundi.parties.queries import served
from hundi.parties.tables import b2b_id
from hundi.store.again import AGAIN, Again
from hundi.store.batch import GroupCommit
from hundi.store.engine import Database, Row, Transaction
from hundi.store.ran import Ran
from hundi.store.statement import insert

BATCH = 16
NO_RAIL = Code(
    "ONBOARD-NO-RAIL",
    Kind.NOT_NOW,
    "This network cannot send ownership codes now. Its operator can register the business.",
)
CODES = (NO_RAIL,)
_NO_RAIL_SECONDS = 600

_NEW_CANDIDATE = insert(
    candidate,
    ("client_id", "object_id", "pan", "legal_form", "status", "updated_at"),
    or_nothing=True,
)

Write = Callable[[Transaction], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What an accepted call comes to.

    `fault` is why it failed; `members` go into the webhook; `waits` for an ownership code; `write`
    is what it changes.
    """

    write: Write
    members: Mapping[str, object]
    fault: Fault | None = None
    waits: bool = False


async def _nothing(_: Transaction) -> None:
    """What a question changes."""


class Onboarding:
    """Takes onboarding calls in batches, on one database.

    `accepted` is called after each acceptance, `watch` with each committed batch. `proves` says
    whether codes can be sent at all.
    """

    def __init__(
        self,
        database: Database,
        *,
        random: RandomBytes,
        accepted: Callable[[], None],
        proves: bool,
        watch: Callable[[Ran[Call]], None] | None = None,
    ) -> None:
        self._random = random
        self._told = accepted
        self._judges: Mapping[str, Callable[[Transaction, Call, str], Awaitable[Ruling | Refused]]]
        self._judges = {
            CHECK_ENTITY.name: _check_entity,
            REGISTER_ENTITY.name: _register_entity if proves else _cannot_register,
            REGISTER_ID.name: _register_id,
            SEARCH_ENTITY.name: _search_entity,
        }
        self._commit: GroupCommit[Call, Accepted | Refused] = GroupCommit(
            database,
            self._accept,
            keys=lambda call: call.keys(),
            owner=lambda call: call.client_id,
            size=BATCH,
            watch=watch,
        )

    async def submit(self, call: Call) -> Accepted | Refused:
        """Take or refuse one call; on return an acceptance is on disk.

        Raises StoreError where the database could not take it.
        """
        outcome = await self._commit.submit(call)
        if isinstance(outcome, Accepted):
            self._told()
        return outcome

    async def drained(self) -> None:
        """Wait until everything submitted has its outcome."""
        await self._commit.drained()

    async def _accept(
        self, tx: Transaction, calls: Sequence[Call]
    ) -> Sequence[Accepted | Refused | Again]:
        if any(call.type in {REGISTER_ENTITY, REGISTER_ID} for call in calls):
            await hold_register(tx)
        told = await replays(tx, calls)
        return [
            before if before is not None else await self._one(tx, call)
            for before, call in zip(told, calls, strict=True)
        ]

    async def _one(self, tx: Transaction, call: Call) -> Accepted | Refused | Again:
        if any(fault.code == rules.TOO_MANY.name for fault in call.findings):
            return Refused(call.findings)  # before anything is looked up for each of them
        req_msg_id = request_id(tx.now, self._random)
        ruling = await self._judges[call.type.name](tx, call, req_msg_id)
        if isinstance(ruling, Refused):
            return ruling
        told = None if ruling.waits else _told(ruling, req_msg_id)
        accepted = Accepted(
            req_msg_id=req_msg_id,
            response=receipt_ack(req_msg_id),
            warnings="[]",
            state=(State.OPEN if told is None else told.state).value,
            replayed=False,
        )
        if not await claim_key(tx, call, accepted):
            return AGAIN
        await ruling.write(tx)
        await _store(tx, call, req_msg_id, told=told)
        return accepted


def _told(ruling: Ruling, req_msg_id: str) -> Told:
    fault = ruling.fault
    if fault is None:
        resp = Resp(req_msg_id, "SUCCESS")
    else:
        resp = Resp(req_msg_id, "FAILURE", fault.code, fault.detail, fault.path)
    state = State.SETTLED if fault is None else State.DECLINED
    return Told(state=state, resp=resp, members=ruling.members)


async def _store(tx: Transaction, call: Call, req_msg_id: str, *, told: Told | None) -> None:
    writes = Writes()
    mailbox = await queries.is_mailbox(tx, call.client_id)
    record(writes, call, req_msg_id=req_msg_id, mailbox=mailbox, told=told, now=tx.now)
    if told is not None:
        inform(
            writes,
            call.type,
            req_msg_id=req_msg_id,
            client_id=call.client_id,
            mailbox=mailbox,
            idempotency_key=call.idempotency_key,
            answer=answer_body(call.type, call.raw, told),
            trace=call.trace,
            now=tx.now,
        )
    await writes.flush(tx)


async def _check_entity(tx: Transaction, call: Call, _: str) -> Ruling | Refused:
    if call.findings:
        return Refused(call.findings)
    asked: CheckInstitute = call.body.checkInstitute
    found = await queries.by_pan(tx, asked.value)
    shown = [_existing(one) for one in found]
    fresh: dict[str, object] = {
        "status": "NEW",
        "objectId": call.body.objectId,
        "name": asked.registeredName,
        "b2bIds": [],
    }
    members = {"instituteStatus": {"institutes": shown or [fresh]}}
    return Ruling(write=lambda tx: _note(tx, call), members=members)


def _existing(one: Found) -> dict[str, object]:
    known: dict[str, object] = {"status": "EXISTING"}
    if one.object_id is not None:  # an entity that the operator registered has none
        known["objectId"] = one.object_id
    return known | {"name": one.name, "b2bIds": [b2b for b2b, _ in one.ids]}


async def _note(tx: Transaction, call: Call) -> None:
    """Remember what was checked, unless its registration is under way or done."""
    client_id, object_id = call.client_id, call.body.objectId
    asked: CheckInstitute = call.body.checkInstitute
    c = candidate.c
    row = (client_id, object_id, asked.value, asked.type, Status.CHECKED.value, tx.now)
    await tx.bulk(_NEW_CANDIDATE, [row])
    await tx.execute(
        sa.update(candidate)
        .where(
            c.client_id == client_id,
            c.object_id == object_id,
            c.status == Status.CHECKED.value,
        )
        .values(pan=asked.value, legal_form=asked.type, updated_at=tx.now)
    )


async def _cannot_register(_: Transaction, __: Call, ___: str) -> Refused:
    return Refused((NO_RAIL.at("", NO_RAIL.meaning),), retry_after=_NO_RAIL_SECONDS)


async def _register_entity(tx: Transaction, call: Call, req_msg_id: str) -> Ruling | Refused:
    one: Institute = call.body.institute
    known = await queries.candidate_of(tx, client_id=call.client_id, object_id=one.objectId)
    faults = (
        *_standing(one, known),
        *rules.registration_conflicts(one, await queries.taken(tx, one)),
    )
    if faults or call.findings:
        return Refused(faults or call.findings)
    number = one.primaryContactNumber
    phone = number.countryCode + number.phoneNumber
    if not await code_limits.may_send(tx, client_id=call.client_id, phone=phone):
        fault, seconds = code_limits.a_day("institute.primaryContactNumber.phoneNumber")
        return Refused((fault,), retry_after=seconds)

    async def write(tx: Transaction) -> None:
        await tx.execute(ownership.open_row(one, req_msg_id, client_id=call.client_id, now=tx.now))
        c = candidate.c
        await tx.execute(
            sa.update(candidate)
            .where(c.client_id == call.client_id, c.object_id == one.objectId)
            .values(status=Status.PENDING.value, registration=req_msg_id, updated_at=tx.now)
        )

    return Ruling(write=write, members={}, waits=True)


def _standing(one: Institute, known: Row | None) -> tuple[Fault, ...]:
    """Whether the entity's life allows a registration now."""
    path = "institute.objectId"
    status = Status(known["status"]) if known is not None else Status.NEW
    if known is not None and status is Status.PENDING:
        detail = (
            f"The registration {known['registration']} waits for its ownership code. Give the code,"
            f" or POST /network/v1/exchanges/{known['registration']}/abandon and register again."
        )
        return (rules.PENDING.at(path, detail, reqMsgId=known["registration"]),)
    if status is Status.ACTIVE:
        return ()  # its objectId is told to be taken
    as_checked = known is not None and (known["pan"], known["legal_form"]) == (
        one.lei.value,
        one.lei.type,
    )
    if leads(status, REGISTER_ENTITY.name) is None or not as_checked:
        detail = (
            f"{one.objectId} was not checked with {one.lei.value} as {one.lei.type}."
            " Call reg-check-entity first."
        )
        return (rules.NOT_CHECKED.at(path, detail),)
    return ()


async def _requestor(tx: Transaction, call: Call) -> Served | Refused:
    """The B2B ID on whose behalf a call is made; unknown ones and others' are told apart by nobody."""
    asked: str = call.body.onboardingB2BIds.requestorB2BId
    path = "onboardingB2BIds.requestorB2BId"
    found = (await served(tx, {asked})).get(asked)
    if found is None or found.client_id != call.client_id:
        detail = f"Your client does not serve {asked}. Ask as a B2B ID that it serves."
        return Refused((parties.NOT_YOURS.at(path, detail, portalCode="ONB0011"),))
    if not found.active:
        detail = f"{asked} is switched off. Switch it on, or ask as another one."
        return Refused((parties.INACTIVE.at(path, detail, portalCode="ONB0007"),))
    return found


async def _register_id(tx: Transaction, call: Call, _: str) -> Ruling | Refused:
    requestor = await _requestor(tx, call)
    if isinstance(requestor, Refused):
        return requestor
    body: RegisterIdBody = call.body
    ids = body.regB2BIds.ids
    known = await queries.register(
        tx,
        identifiers=[one.businessIdentifier.key for one in ids],
        b2b_ids=[one.value for one in ids],
    )
    conflicts = tuple(rules.id_conflicts(body, known, requestor.entity_id))
    if conflicts:
        return Refused(conflicts)
    own = await queries.ids_of(tx, requestor.entity_id)
    further = rules.further_findings(
        ids,
        known,
        own_ids=frozenset(row["b2b_id"] for row in own),
        branches=frozenset(row["branch_gstin"] for row in own if row["branch_gstin"]),
    )
    faults = (*call.findings, *await _object(tx, body, requestor), *further)
    if faults:
        return Refused(faults)
    return Ruling(write=lambda tx: _add_ids(tx, body, requestor), members={})


async def _object(tx: Transaction, body: RegisterIdBody, requestor: Served) -> tuple[Fault, ...]:
    registered = (await queries.entity_of(tx, requestor.entity_id))["object_id"]
    if registered in {None, body.objectId}:
        return ()
    detail = f"{requestor.b2b_id} belongs to {registered}, not to {body.objectId}."
    return (rules.OTHER_OBJECT.at("objectId", detail),)


async def _add_ids(tx: Transaction, body: RegisterIdBody, requestor: Served) -> None:
    for one in body.regB2BIds.ids:
        branch = one.reason == "BRANCH"
        await tx.execute(
            sa.insert(b2b_id).values(
                b2b_id=one.value,
                entity_id=requestor.entity_id,
                client_id=requestor.client_id,
                active=True,
                public=one.privacyType == "PUBLIC",
                description=one.description if isinstance(one.description, str) else "",
                branch_gstin=one.businessIdentifier.value.upper() if branch else None,
                created_at=tx.now,
            )
        )


async def _search_entity(tx: Transaction, call: Call, _: str) -> Ruling | Refused:
    requestor = await _requestor(tx, call)
    if isinstance(requestor, Refused):
        return requestor
    if call.findings:
        return Refused(call.findings)
    found = await queries.search(tx, call.body.search.criteria)
    fault = rules.search_fault(sum(len(one.ids) for one in found))
    told = [_info(one) for one in found] if fault is None else []
    return Ruling(write=_nothing, members={"respParams": {"entityInfo": told}}, fault=fault)


def _info(one: Found) -> dict[str, object]:
    told = {"name": one.name, "alias": one.alias, "state": one.state, "pincode": one.pincode}
    ids = [{"value": b2b, "description": text} if text else {"value": b2b} for b2b, text in one.ids]
    return {name: value for name, value in told.items() if value} | {"b2bIds": ids}
