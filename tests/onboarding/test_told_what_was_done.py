"""What a call of ours has done is told, though nothing can be read once it is committed."""

from typing import Any

import pytest
import sqlalchemy as sa

from hundi.onboarding import ownership
from hundi.onboarding.tables import registration
from hundi.store.engine import UnavailableError
from hundi.web.context import Context
from tests.exchange.scene import SERVES
from tests.onboarding.desk import Desk


async def _nothing_but_the_salt(self: Context, work: Any) -> Any:
    """A read of which only what comes before the writing goes well."""
    if getattr(work, "func", None) is ownership.salt_of:
        return await self.database.read(work)
    raise UnavailableError("others are reading")


async def test_nobody_is_told_to_repeat_what_was_done(
    net: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    req_msg_id = await net.pending()
    await net.code(req_msg_id)
    await net.stage.execute(sa.update(registration).values(asked_at=1))
    monkeypatch.setattr(Context, "read", _nothing_but_the_salt)
    answer = await net.own(f"/onboarding/{req_msg_id}/resend")
    assert (answer.status_code, answer.json()["state"]) == (202, "OPEN")
    answer = await net.give(req_msg_id, await net.code(req_msg_id))
    assert (answer.status_code, answer.json()["state"]) == (200, "SETTLED")
    for verb, active in (("deactivate", False), ("activate", True)):
        answer = await net.own(f"/parties/{SERVES['stranger']}/{verb}", client_id="stranger")
        assert (answer.status_code, answer.json()["active"]) == (200, active)


async def test_a_code_is_given_once_under_its_key(net: Desk) -> None:
    req_msg_id = await net.pending()
    code = await net.code(req_msg_id)
    path = f"/onboarding/{req_msg_id}/code"
    wrong = "000000" if code != "000000" else "000001"
    refused = await net.own(path, body={"code": wrong}, key="k")
    assert refused.json()["code"] == "ONBOARD-CODE-WRONG"
    first = await net.own(path, body={"code": code}, key="k")
    assert (first.status_code, first.json()["state"]) == (200, "SETTLED")
    again = await net.own(path, body={"code": code}, key="k")
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["hundi-exchange-state"] == "SETTLED"
    other = await net.own(path, body={"code": "not a code"}, key="k")
    assert (other.status_code, other.json()["code"]) == (422, "KEY-MISMATCH")
    assert (await net.own(path, body={"code": code})).json()["code"] == "ONBOARD-NOT-PENDING"


async def test_another_code_is_asked_for_once_under_its_key(net: Desk) -> None:
    req_msg_id = await net.pending()
    await net.stage.execute(sa.update(registration).values(asked_at=1))
    path = f"/onboarding/{req_msg_id}/resend"
    first = await net.own(path, key="k")
    again = await net.own(path, key="k")
    assert (
        (again.status_code, again.content)
        == (first.status_code, first.content)
        == (202, first.content)
    )
    assert (await net.shown(req_msg_id))["ownership"]["codes"] == 2
