"""Registrations whose content was erased: they end without it, and stop nobody else's codes."""

import asyncio
import json
from typing import Any

import pytest
import sqlalchemy as sa

from hundi.delivery.codes import CodeLoop
from hundi.exchange import tables
from hundi.exchange.leases import lease
from hundi.kernel.identity import response_id
from hundi.onboarding import ownership
from hundi.onboarding.model import Contact
from hundi.onboarding.tables import registration
from hundi.store.engine import Transaction
from tests.onboarding.desk import NOVICE, RIVAL, Desk


async def erased(net: Desk, *, code: bool = True) -> tuple[str, str]:
    """A registration without its content, and its code."""
    req_msg_id = await net.pending()
    sent = await net.code(req_msg_id) if code else ""
    gone = sa.delete(tables.body).where(tables.body.c.body_id == req_msg_id)
    await net.stage.execute(gone)
    return req_msg_id, sent


async def webhook(net: Desk, req_msg_id: str) -> Any:
    """The body of what its client is sent."""
    leased = await net.stage.database.write(lambda tx: lease(tx, room={NOVICE: 9}, total=9))
    [row] = [one.row for one in leased if one.webhook_id == response_id(req_msg_id)]
    assert row is not None
    return json.loads(bytes(row["bytes"]))


async def rounds(net: Desk, until: str) -> None:
    """Run the loop that sends codes until one has gone out for a registration."""
    went, send = asyncio.Event(), net.contacts.send

    async def noted(contact: Contact, code: str, *, reference: str) -> None:
        await send(contact, code, reference=reference)
        if reference == until:
            went.set()

    net.contacts.send = noted  # type: ignore[method-assign]
    loop = CodeLoop(net.codes, lambda: None)
    running = asyncio.create_task(loop.run())
    async with asyncio.timeout(30):
        await went.wait()
        loop.stop()
        await running


async def test_one_whose_day_is_over_ends_and_other_codes_go_out(net: Desk) -> None:
    one, _ = await erased(net)
    await net.stage.execute(sa.update(registration).values(lapses_at=1))
    two = await net.pending(client_id=RIVAL, number=2, pan="AAACR5055K")
    await rounds(net, two)
    assert (await net.shown(one))["state"] == "EXPIRED"
    told = await webhook(net, one)
    assert list(told) == ["resp", "additionalInfos"]
    assert told["resp"]["errorCd"] == "ONBOARD-LAPSED"


async def test_the_right_code_registers_nothing_and_is_told_why(net: Desk) -> None:
    one, code = await erased(net)
    answer = await net.give(one, code)
    assert (answer.status_code, answer.json()["code"]) == (422, "ONBOARD-ERASED")
    assert (await net.shown(one))["state"] == "DECLINED"
    assert (await webhook(net, one))["resp"]["errorCd"] == "ONBOARD-ERASED"
    assert (await net.give(one, code)).json()["code"] == "ONBOARD-NOT-PENDING"
    await net.pending()


async def test_the_fifth_wrong_code_ends_it(net: Desk) -> None:
    one, code = await erased(net)
    wrong = "000000" if code != "000000" else "000001"
    for _ in range(ownership.TRIES):
        answer = await net.give(one, wrong)
        assert (answer.status_code, answer.json()["code"]) == (422, "ONBOARD-CODE-WRONG")
    assert (await net.shown(one))["state"] == "DECLINED"


@pytest.mark.logs("registration-failed")
@pytest.mark.parametrize("step", ["lapse", "lease"])
async def test_trouble_with_one_stops_no_other(
    net: Desk, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    bad = await net.pending()
    lapses = 1 if step == "lapse" else None
    if lapses:
        await net.code(bad)
        await net.stage.execute(sa.update(registration).values(lapses_at=lapses))
    good = await net.pending(client_id=RIVAL, number=2, pan="AAACR5055K")
    as_it_is = getattr(ownership, step)

    async def troubled(tx: Transaction, req_msg_id: str, **more: Any) -> Any:
        if req_msg_id == bad:
            raise ValueError("something nobody thought of")
        return await as_it_is(tx, req_msg_id, **more)

    monkeypatch.setattr(ownership, step, troubled)
    await rounds(net, good)
