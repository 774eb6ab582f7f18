"""A network without a way to contacts says so, and takes the other calls."""

import json
from random import Random

from hundi.exchange.request import Accepted, Refused
from hundi.kernel.clock import wall_clock
from hundi.onboarding.calls import CHECK_ENTITY, REGISTER_ENTITY, read_call
from hundi.onboarding.operations import Onboarding
from hundi.store.opening import open_database
from tests.exchange.scene import scene
from tests.onboarding.bodies import check, entity


async def test_without_a_rail_nobody_registers(sqlite_url: str) -> None:
    async with scene(sqlite_url):
        database = await open_database(sqlite_url, wall_clock)
        told: list[None] = []
        room = Onboarding(
            database, random=Random(1).randbytes, accepted=lambda: told.append(None), proves=False
        )
        for kind, body in ((CHECK_ENTITY, check()), (REGISTER_ENTITY, entity())):
            raw = json.dumps(body).encode()
            call = read_call(kind, raw, client_id="buyer", idempotency_key=None)
            outcome = await room.submit(call)
            if kind is CHECK_ENTITY:
                assert isinstance(outcome, Accepted)
            else:
                assert isinstance(outcome, Refused)
                assert outcome.faults[0].code == "ONBOARD-NO-RAIL"
                assert outcome.retry_after
        assert len(told) == 1
        await room.drained()
        await database.close()
