"""Refused calls are counted once each, and messages apart from all else: the objective divides by them."""

from collections.abc import AsyncIterator

import pytest

from hundi.kernel.faults import Code, Kind
from hundi.simulator import story
from hundi.store.engine import UNAVAILABLE
from hundi.web.envelope import OVERLOADED, status_of
from tests.exchange.scene import SERVES
from tests.web.conftest import bearer
from tests.web.counted import values
from tests.web.orders import ROAD, Desk, desk, named


@pytest.fixture
async def there(sqlite_url: str) -> AsyncIterator[Desk]:
    async with desk(sqlite_url) as it:
        yield it


async def refused(there: Desk) -> dict[tuple[str, str], float]:
    """How many by call and status, those that there are."""
    start, found = 'hundi_refused_calls_total{call="', {}
    for name, count in (await values(there.metrics)).items():
        if name.startswith(start) and count:
            call, _, status = name.removeprefix(start).removesuffix('"}').partition('",status="')
            found[call, status] = count
    return found


async def test_a_message_with_many_faults_is_one_refused_call(there: Desk) -> None:
    body = named(story.order()) | {"b2bIds": {"buyerB2BId": SERVES["buyer"]}, "more": 1}
    answer = await there.send("req-send", body)
    assert len(answer.json()["payload"]["faults"]) > 1
    assert await refused(there) == {("message", str(answer.status_code)): 1}


async def test_strangers_reads_and_tokens_are_no_messages(there: Desk) -> None:
    sent = {"content-type": "application/json"}
    assert (
        await there.calls.post(ROAD + "req-send", content=b"{}", headers=sent)
    ).status_code == 401
    assert (
        await there.calls.post("/api/v0/nothing", content=b"{}", headers=sent)
    ).status_code == 404
    assert (await there.calls.get(ROAD + "req-send")).status_code == 405
    read = await there.calls.get("/network/v1/documents/slip/S1", headers=bearer("buyer"))
    assert read.status_code == 404
    there.edge.token_refused((UNAVAILABLE.at("", ""),))
    there.edge.refused((OVERLOADED.at("", ""),), client_id="", path=ROAD)  # its turn did not come
    assert await refused(there) == {
        ("stranger", "401"): 1, ("stranger", "404"): 1, ("stranger", "405"): 1, ("stranger", "503"): 1,
        ("read", "404"): 1, ("token", "503"): 1,
    }  # fmt: skip


async def test_where_the_database_cannot_say_who_calls_it_is_a_message(there: Desk) -> None:
    """So is what comes too often, which a valid token says as well."""
    there.edge.refused((UNAVAILABLE.at("", ""),), client_id="", path=ROAD)
    limited = Code("TEST-RATE", Kind.LIMIT, "Too often.").at("", "")
    there.edge.refused((limited,), client_id="", path=ROAD)
    assert await refused(there) == {
        ("message", "503"): 1, ("message", str(status_of([limited]))): 1,
    }  # fmt: skip


async def test_the_first_answer_that_is_our_fault_is_a_rise(there: Desk) -> None:
    found = await values(there.metrics)
    for status in ("500", "503"):
        assert found[f'hundi_refused_calls_total{{call="message",status="{status}"}}'] == 0
