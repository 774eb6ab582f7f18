"""A client becomes a mailbox, or an endpoint: not while something is open, and nothing is shown by it."""

import pytest

from hundi.exchange.endpoints import Changes, set_client
from hundi.kernel.faults import RefusedError
from hundi.kernel.identity import system_random
from hundi.simulator import story
from tests.keys import KEYRING
from tests.onboarding.desk import NOVICE, Desk
from tests.web.conftest import bearer
from tests.web.orders import ROAD, named


async def test_a_withdrawal_that_does_not_travel_shows_nothing(net: Desk) -> None:
    sent = {"content-type": "application/json", **bearer("buyer")}
    order = story.dumps(named(story.order()))
    answer = await net.http.post(ROAD + "req-send", content=order, headers=sent)
    id_ = answer.json()["payload"]["resp"]["reqMsgId"]
    await net.stage.fail(reached=False)
    assert (await net.own(f"/exchanges/{id_}/abandon", client_id="buyer")).status_code == 200
    mailbox = Changes(mailbox=True)
    await set_client(net.stage.database, "supplier", mailbox, keyring=KEYRING, random=system_random)
    cancel = story.status_change(
        "CANCEL", version=1, source="CREATED", target="CANCELLED", remarks="Not needed"
    )
    body = story.dumps(named(cancel))
    answer = await net.http.post(ROAD + "req-status-change", content=body, headers=sent)
    assert answer.json()["payload"]["resp"]["result"] == "SUCCESS"
    theirs = {"headers": bearer("supplier")}
    listed = await net.http.get("/network/v1/documents", **theirs)
    assert (listed.status_code, listed.json()["documents"]) == (200, [])
    page = await net.http.get("/network/v1/documents/purchase-order/PO1", **theirs)
    assert page.status_code == 404
    events = await net.http.get("/network/v1/events", **theirs)
    assert events.json()["events"] == []


async def test_a_registration_that_waits_for_its_code_keeps_the_mode(net: Desk) -> None:
    """It has neither a time to live nor a webhook of its own, and its outcome goes where it began."""
    req_msg_id = await net.pending()
    mailbox = Changes(mailbox=True)
    database = net.stage.database
    with pytest.raises(RefusedError) as refused:
        await set_client(database, NOVICE, mailbox, keyring=KEYRING, random=system_random)
    assert [fault.code for fault in refused.value.faults] == ["CLIENT-MODE"]
    await net.give(req_msg_id, await net.code(req_msg_id))
    await set_client(database, NOVICE, mailbox, keyring=KEYRING, random=system_random)
