"""A registration's exchange is counted when it ends, whatever ends it, once."""

import sqlalchemy as sa

from hundi.kernel.clock import DAY
from hundi.onboarding.ownership import TRIES
from hundi.onboarding.tables import registration
from tests.onboarding.desk import Desk
from tests.web.counted import check_counted


async def counted(net: Desk, state: str) -> int:
    """How many entered a state; every end is counted as the database has it."""
    return (await check_counted(net.metrics, net.stage.database))[state]


async def test_the_right_code_ends_one(net: Desk) -> None:
    req_msg_id = await net.pending()
    code = await net.code(req_msg_id)
    assert (await counted(net, "OPEN"), await counted(net, "SETTLED")) == (1, 1)  # the check
    for _ in range(2):
        await net.give(req_msg_id, code)
    assert await counted(net, "SETTLED") == 2


async def test_the_last_wrong_code_ends_one(net: Desk) -> None:
    req_msg_id = await net.pending()
    code = await net.code(req_msg_id)
    wrong = "000000" if code != "000000" else "000001"
    for tries in range(TRIES):
        assert await counted(net, "DECLINED") == 0, tries
        assert (await net.give(req_msg_id, wrong)).status_code == 422
    assert (await net.give(req_msg_id, code)).status_code == 409
    assert await counted(net, "DECLINED") == 1


async def test_its_day_ends_one(net: Desk) -> None:
    await net.pending()
    r = registration.c
    await net.stage.execute(sa.update(registration).values(lapses_at=r.lapses_at - DAY))
    for _ in range(2):
        await net.codes.lapse()
    assert await counted(net, "EXPIRED") == 1


async def test_its_client_ends_one(net: Desk) -> None:
    req_msg_id = await net.pending()
    for _ in range(2):
        answer = await net.own(f"/exchanges/{req_msg_id}/abandon", key="k")
        assert answer.status_code == 200
    assert await counted(net, "ABANDONED") == 1
