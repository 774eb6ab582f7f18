"""Proof of ownership: a one-time code goes to the registered contact, and comes back.

The code is made anew for each sending and never stored: the row keeps a slow, salted hash, because
a million codes would be tried against a fast one in a moment. Sending happens between two
transactions, so a crash may send a second code, and never leaves none.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import sqlalchemy as sa
from msgspec import Meta

from hundi.exchange.closing import ABANDONED
from hundi.exchange.record import State
from hundi.exchange.redrive import ENDED
from hundi.kernel.clock import DAY, HOUR, MINUTE, SECOND
from hundi.kernel.faults import Code, Fault, Kind, RefusedError
from hundi.kernel.identity import RandomBytes, uuid7_hex
from hundi.kernel.reading import read
from hundi.onboarding import code_limits as limits
from hundi.onboarding import queries, rules
from hundi.onboarding.ending import end, raw_of
from hundi.onboarding.model import Contact, Institute, RegisterEntityBody
from hundi.onboarding.tables import business_identifier, candidate, registration
from hundi.parties.operations import hold_register
from hundi.parties.tables import b2b_id, entity, gstin
from hundi.store.engine import Row, Transaction

LIFE = DAY
CODE_LIFE = 10 * MINUTE
TRIES = 5
CODES_OF_ONE = 5
BETWEEN_CODES = MINUTE
LEASE = 30 * SECOND
LONGEST_WAIT = HOUR
DIGITS = 6
Digits = Annotated[str, Meta(pattern=r"^[0-9]{6}\Z", extra={"wanted": "the six digits"})]

WRONG = Code("ONBOARD-CODE-WRONG", Kind.RULE, "The code is not the one that the contact was sent.")
NO_CODE = Code(
    "ONBOARD-CODE-NONE",
    Kind.RULE,
    "No code is valid now: none was sent yet, or its ten minutes are over. Ask for another one.",
)
NOT_OPEN = Code(
    "ONBOARD-NOT-PENDING", Kind.CONFLICT, "The registration has ended; no code is waited for."
)
LAPSED = Code(
    "ONBOARD-LAPSED", Kind.RULE, "A day has passed without the ownership code: register again."
)
ERASED = Code(
    "ONBOARD-ERASED",
    Kind.RULE,
    "The content of the registration was erased: nothing can be registered. Register again.",
)
CODES = (WRONG, NO_CODE, NOT_OPEN, LAPSED, ERASED)


def new_code(random: RandomBytes) -> str:
    """Six random digits."""
    return f"{int.from_bytes(random(16), 'big') % 10**DIGITS:0{DIGITS}d}"


def slow_hash(code: str, salt: bytes) -> bytes:
    """The stored form of a code. Takes a while: never called inside a transaction."""
    return hashlib.scrypt(code.encode(), salt=salt, n=2**14, r=8, p=1, dklen=32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """A code that this process may send now."""

    req_msg_id: str
    contact: Contact
    failures: int


@dataclass(frozen=True, slots=True)
class Judged:
    """What a given code came to: `faults` to refuse once it is committed, exchanges ended by state."""

    faults: tuple[Fault, ...]
    entered: Mapping[str, int]


def open_row(one: Institute, req_msg_id: str, *, client_id: str, now: int) -> sa.Insert:
    """The row of a registration whose first code is due now."""
    phone = one.primaryContactNumber
    return sa.insert(registration).values(
        req_msg_id=req_msg_id,
        client_id=client_id,
        object_id=one.objectId,
        state=State.OPEN.value,
        phone=phone.countryCode + phone.phoneNumber,
        email=one.primaryEmail if isinstance(one.primaryEmail, str) else "",
        document=one.primaryBusinessIdentifier.documentName,
        identifier=one.primaryBusinessIdentifier.value,
        tries=0,
        codes=1,
        asked_at=now,
        sending="DUE",
        due_at=now,
        failures=0,
        lapses_at=now + LIFE,
        created_at=now,
    )


async def due(tx: Transaction, most: int) -> list[str]:
    """Registrations whose code should be sent now: their reqMsgIds, the oldest due first."""
    r = registration.c
    # As the partial index has it, to the letter.
    query = sa.select(r.req_msg_id).where(
        sa.text("state = 'OPEN' and sending <> 'SENT'"), r.due_at <= tx.now
    )
    rows = await tx.select(query.order_by(r.due_at).limit(most))
    return [row["req_msg_id"] for row in rows]


async def lease(tx: Transaction, req_msg_id: str, *, salt: bytes, hashed: bytes) -> Sending | None:
    """Put a fresh code in force and take the right to send it; None where another one has it."""
    rows = await _locked(tx, req_msg_id)
    if not rows or rows[0]["state"] != State.OPEN.value:
        return None
    [row] = rows
    if row["sending"] == "SENT" or row["due_at"] > tx.now:
        return None
    await _change(
        tx,
        req_msg_id,
        code_salt=salt,
        code_hash=hashed,
        code_expires_at=tx.now + CODE_LIFE,
        sending="LEASED",
        due_at=tx.now + LEASE,
    )
    contact = Contact(
        phone=row["phone"],
        email=row["email"],
        document=row["document"],
        identifier=row["identifier"],
        pan=await _pan(tx, row),
    )
    return Sending(req_msg_id=req_msg_id, contact=contact, failures=row["failures"])


async def _pan(tx: Transaction, row: Row) -> str:
    """What the registering business was checked as."""
    c = candidate.c
    of_it = (c.client_id == row["client_id"], c.object_id == row["object_id"])
    [found] = await tx.select(sa.select(c.pan).where(*of_it))
    return str(found["pan"])


async def sent(tx: Transaction, sending: Sending, *, hashed: bytes, failed: bool) -> None:
    """Write down what became of a sending, unless a later one has taken its place.

    A code that may not have arrived is not in force any more: nobody but a guesser could give it.
    """
    wait = min(5 * SECOND << min(sending.failures, 16), LONGEST_WAIT)
    later = {
        "sending": "DUE",
        "due_at": tx.now + wait,
        "failures": sending.failures + 1,
        "code_salt": None,
        "code_hash": None,
        "code_expires_at": None,
    }
    r = registration.c
    await tx.execute(
        sa.update(registration)
        .where(r.req_msg_id == sending.req_msg_id, r.sending == "LEASED", r.code_hash == hashed)
        .values(**(later if failed else {"sending": "SENT", "failures": 0}))
    )


async def salt_of(tx: Transaction, *, client_id: str, req_msg_id: str) -> bytes:
    """What to hash a given code with. Raises RefusedError where no code can be given now."""
    query = sa.select(registration).where(registration.c.req_msg_id == req_msg_id)
    row = _mine(await tx.select(query), client_id, req_msg_id)
    _check_open(row)
    return _salt(row, tx.now)


async def confirm(
    tx: Transaction,
    *,
    client_id: str,
    req_msg_id: str,
    hashed: bytes,
    random: RandomBytes,
) -> Judged:
    """Compare a given code; the right one ends the registration, and so does the fifth wrong one.

    Raises RefusedError where nothing was to compare.
    """
    await hold_register(tx)
    row = await _own(tx, client_id, req_msg_id)
    _check_open(row)
    _salt(row, tx.now)
    await limits.may_guess(tx, client_id)
    if not hmac.compare_digest(bytes(row["code_hash"]), hashed):
        return await _wrong(tx, row)
    raw = await raw_of(tx, req_msg_id)
    if raw is None:
        return await _declined(tx, row, (ERASED.at("reqMsgId", ERASED.meaning),))
    one = read(raw, RegisterEntityBody).institute
    taken = tuple(rules.registration_conflicts(one, await queries.taken(tx, one)))
    if taken:
        return await _declined(tx, row, taken)
    await _make(tx, one, row, random=random)
    entered = await end(tx, row, state=State.SETTLED, fault=None)
    if not entered:
        raise RefusedError([NOT_OPEN.at("reqMsgId", NOT_OPEN.meaning)])
    return Judged((), entered)


async def _declined(tx: Transaction, row: Row, faults: tuple[Fault, ...]) -> Judged:
    return Judged(faults, await end(tx, row, state=State.DECLINED, fault=faults[0]))


async def resend(tx: Transaction, *, client_id: str, req_msg_id: str) -> None:
    """Make another code due now. Raises RefusedError: ended, too soon, too many."""
    await hold_register(tx)
    row = await _own(tx, client_id, req_msg_id)
    _check_open(row)
    wait = row["asked_at"] + BETWEEN_CODES - tx.now
    if wait > 0:
        seconds = -(-wait // SECOND)
        fault = limits.TOO_MANY.at("", f"Ask for the next code in {seconds} s.")
        raise RefusedError([fault], retry_after=seconds)
    if row["codes"] >= CODES_OF_ONE:
        detail = f"{CODES_OF_ONE} codes were sent for this registration. Use one, or register anew."
        raise RefusedError([limits.TOO_MANY.at("", detail)], retry_after=DAY // SECOND)
    if not await limits.may_send(tx, client_id=client_id, phone=row["phone"]):
        fault, seconds = limits.a_day("")
        raise RefusedError([fault], retry_after=seconds)
    again = {"codes": row["codes"] + 1, "asked_at": tx.now, "sending": "DUE", "due_at": tx.now}
    await _change(tx, req_msg_id, **again, failures=0)


async def lapsed(tx: Transaction, most: int) -> list[str]:
    """Registrations whose day is over: their reqMsgIds."""
    r = registration.c
    # As the partial index has it, to the letter.
    query = sa.select(r.req_msg_id).where(sa.text("state = 'OPEN'"), r.lapses_at <= tx.now)
    rows = await tx.select(query.order_by(r.lapses_at, r.req_msg_id).limit(most))
    return [row["req_msg_id"] for row in rows]


async def lapse(tx: Transaction, req_msg_id: str) -> Mapping[str, int]:
    """End a registration whose day is over: exchanges ended by state, none where it has ended by now."""
    rows = await _locked(tx, req_msg_id)
    if not rows or rows[0]["state"] != State.OPEN.value or rows[0]["lapses_at"] > tx.now:
        return {}
    detail = "The ownership code did not come back within a day. Register again."
    return await end(tx, rows[0], state=State.EXPIRED, fault=LAPSED.at("", detail))


async def abandon(tx: Transaction, *, client_id: str, req_msg_id: str) -> Mapping[str, int]:
    """End a registration of the client's that waits for its code; what is none of those is left.

    How many exchanges ended, by state. Raises RefusedError where it has ended before.
    """
    rows = await _locked(tx, req_msg_id)
    if not rows or rows[0]["client_id"] != client_id:
        return {}
    state = rows[0]["state"]
    if state != State.OPEN.value:
        detail = f"The registration is {state} already. Look at it before you go on."
        raise RefusedError([ENDED.at("reqMsgId", detail, state=state)])
    detail = "The registration was given up before its ownership code came back. Register again."
    return await end(tx, rows[0], state=State.ABANDONED, fault=ABANDONED.at("", detail))


async def _locked(tx: Transaction, req_msg_id: str) -> Sequence[Row]:
    query = sa.select(registration).where(registration.c.req_msg_id == req_msg_id)
    return await tx.select(query.with_for_update())


async def _own(tx: Transaction, client_id: str, req_msg_id: str) -> Row:
    return _mine(await _locked(tx, req_msg_id), client_id, req_msg_id)


def _mine(rows: Sequence[Row], client_id: str, req_msg_id: str) -> Row:
    if not rows or rows[0]["client_id"] != client_id:
        raise queries.unknown(req_msg_id)
    return rows[0]


async def _change(tx: Transaction, req_msg_id: str, **values: object) -> None:
    change = sa.update(registration).where(registration.c.req_msg_id == req_msg_id)
    await tx.execute(change.values(**values))


def _check_open(row: Row) -> None:
    if row["state"] != State.OPEN.value:
        detail = f"The registration is {row['state']}. Nobody waits for a code."
        raise RefusedError([NOT_OPEN.at("reqMsgId", detail, state=row["state"])])


def _salt(row: Row, now: int) -> bytes:
    if row["code_hash"] is None or row["code_expires_at"] <= now:
        raise RefusedError([NO_CODE.at("code", NO_CODE.meaning)])
    return bytes(row["code_salt"])


async def _wrong(tx: Transaction, row: Row) -> Judged:
    tries = row["tries"] + 1
    left = TRIES - tries
    await _change(tx, row["req_msg_id"], tries=tries)
    if left:
        detail = f"This is not the code that was sent last. {left} of {TRIES} tries are left."
    else:
        detail = f"{TRIES} codes were wrong. The registration has ended: register again."
    fault = WRONG.at("code", detail, triesLeft=left)
    return Judged((fault,), {}) if left else await _declined(tx, row, (fault,))


async def _make(tx: Transaction, one: Institute, row: Row, *, random: RandomBytes) -> None:
    """The entity, its identifiers and its default B2B ID."""
    entity_id = "ENT" + uuid7_hex(tx.now, random)
    await tx.execute(_entity_row(one, entity_id, row["req_msg_id"], now=tx.now))
    for _, identifier in one.identifiers:
        document, value = identifier.key
        if document == "GSTIN":
            await tx.execute(sa.insert(gstin).values(gstin=value, entity_id=entity_id))
        else:
            name = identifier.registeredName
            known = {"document": document, "value": value, "registered_name": name}
            await tx.execute(sa.insert(business_identifier).values(**known, entity_id=entity_id))
    served = {"b2b_id": one.defaultB2BId, "entity_id": entity_id, "client_id": row["client_id"]}
    await tx.execute(
        sa.insert(b2b_id).values(**served, active=True, public=True, created_at=tx.now)
    )


def _entity_row(one: Institute, entity_id: str, req_msg_id: str, *, now: int) -> sa.Insert:
    address = one.registered_address
    level = rules.level_of(category=one.mccCode, owned=True, documents=False, account=False)
    return sa.insert(entity).values(
        entity_id=entity_id,
        pan=one.lei.value,
        name=one.name,
        alias=one.alias if isinstance(one.alias, str) else "",
        object_id=one.objectId,
        legal_form=one.lei.type,
        state=address.state,
        pincode=address.pincode,
        level=level,
        registration=req_msg_id,
        created_at=now,
    )
