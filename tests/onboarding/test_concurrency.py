"""Several processes over one database: what is unique goes to one, a key gives one answer."""

import asyncio
import json
from collections import Counter
from random import Random

import pytest
import sqlalchemy as sa

from hundi.exchange.request import Accepted, Refused
from hundi.kernel.clock import wall_clock
from hundi.onboarding import ownership
from hundi.onboarding.calls import CHECK_ENTITY, REGISTER_ENTITY, REGISTER_ID, Call, read_call
from hundi.onboarding.operations import Onboarding
from hundi.onboarding.tables import registration
from hundi.parties.tables import b2b_id
from hundi.store.opening import open_database
from tests.onboarding.bodies import PAN, check, entity, further
from tests.onboarding.desk import NOVICE, Desk

GATES = 3
EACH = 6


def read(kind, body: object, *, key: str | None = None, client_id: str = NOVICE) -> Call:
    raw = json.dumps(body).encode()
    return read_call(kind, raw, client_id=client_id, idempotency_key=key)


async def test_of_many_guesses_at_once_five_are_hashed(
    net: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []
    slow = ownership.slow_hash
    monkeypatch.setattr(
        ownership, "slow_hash", lambda code, salt: (hashed.append(code), slow(code, salt))[1]
    )
    req_msg_id = await net.pending()
    wrong = f"{(int(await net.code(req_msg_id)) + 1) % 10**6:06d}"
    hashed.clear()
    answers = await asyncio.gather(*(net.give(req_msg_id, wrong) for _ in range(30)))
    assert Counter(answer.status_code for answer in answers) == {422: 5, 409: 25}
    assert len(hashed) == 5


async def race(net: Desk, calls: list[Call]) -> list[Accepted | Refused]:
    """Submit calls at once, spread over gates with connections of their own."""
    url = net.url
    databases = [await open_database(url, wall_clock) for _ in range(GATES)]
    gates = [
        Onboarding(db, random=Random(n).randbytes, accepted=lambda: None, proves=True)
        for n, db in enumerate(databases, 50)
    ]
    try:
        return await asyncio.gather(
            *(gates[n % GATES].submit(call) for n, call in enumerate(calls))
        )
    finally:
        for database in databases:
            await database.close()


async def test_one_b2b_id_goes_to_one_of_many(net: Desk) -> None:
    await net.active()
    wanted = [read(REGISTER_ID, further(f"{PAN}.ONE@BCB")) for _ in range(GATES * EACH)]
    outcomes = await race(net, wanted)
    assert Counter(type(o) for o in outcomes) == {Accepted: 1, Refused: GATES * EACH - 1}
    codes = {o.faults[0].code for o in outcomes if isinstance(o, Refused)}
    assert codes == {"PARTY-TAKEN"}
    rows = await net.stage.rows(sa.select(b2b_id).where(b2b_id.c.b2b_id == f"{PAN}.ONE@BCB"))
    assert len(rows) == 1


async def test_one_registration_waits_of_many(net: Desk) -> None:
    await net.outcome("reg-check-entity", check())
    outcomes = await race(net, [read(REGISTER_ENTITY, entity()) for _ in range(GATES * EACH)])
    assert Counter(type(o) for o in outcomes) == {Accepted: 1, Refused: GATES * EACH - 1}
    assert len(await net.stage.rows(sa.select(registration))) == 1


async def test_one_key_gives_one_answer(net: Desk) -> None:
    calls = [read(CHECK_ENTITY, check(), key="k") for _ in range(GATES * EACH)]
    outcomes = await race(net, calls)
    assert all(isinstance(o, Accepted) for o in outcomes)
    assert len({o.response for o in outcomes if isinstance(o, Accepted)}) == 1
    assert Counter(o.replayed for o in outcomes if isinstance(o, Accepted))[False] == 1
    assert len(await net.told()) == 1


async def test_proofs_of_two_who_want_the_same_end_in_one_business(net: Desk) -> None:
    mine = await net.pending()
    theirs = await net.pending(client_id="rival", number=2)
    code, other = await net.code(mine), await net.code(theirs)
    answers = await asyncio.gather(net.give(mine, code), net.give(theirs, other, client_id="rival"))
    assert sorted(a.status_code for a in answers) == [200, 409]
    results = sorted(one.body["resp"]["result"] for one in await net.told())
    assert results == ["FAILURE", "SUCCESS"]


async def test_wrong_codes_at_once_are_counted_one_by_one(net: Desk) -> None:
    req_msg_id = await net.pending()
    code = await net.code(req_msg_id)
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    answers = await asyncio.gather(*(net.give(req_msg_id, wrong) for _ in range(8)))
    told = Counter(a.json()["code"] for a in answers)
    assert told == {"ONBOARD-CODE-WRONG": 5, "ONBOARD-NOT-PENDING": 3}
    assert (await net.give(req_msg_id, code)).status_code == 409
    assert len(await net.told()) == 1
