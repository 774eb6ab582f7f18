"""Two branches of one business trade with each other: each may do what its role may, no more."""

import sqlalchemy as sa

from hundi.exchange import tables
from hundi.parties import tables as parties
from hundi.simulator import story
from tests.onboarding.desk import Desk
from tests.onboarding.test_switching import BUYER
from tests.web.conftest import bearer
from tests.web.orders import ROAD

BRANCH = "BRANCH@BCB"
Body = dict[str, object]


def between(body: Body, buyer: str, supplier: str) -> Body:
    """An order message between two B2B IDs."""
    body["b2bIds"] = {"buyerB2BId": buyer, "supplierB2BId": supplier}
    [subject] = (m for m in body.values() if isinstance(m, dict) and "objectId" in m)
    subject |= {"objectId": "PO1", "buyerPONumber": "N/1"}
    subject.get("buyerDetails", {})["b2bId"] = buyer
    subject.get("supplierDetails", {})["b2bId"] = supplier
    return body


async def told(net: Desk, message: str, body: Body, client_id: str) -> str:
    """The code that a client is told, "" where its message is accepted."""
    sent = {"content-type": "application/json", **bearer(client_id)}
    answer = await net.http.post(ROAD + message, content=story.dumps(body), headers=sent)
    await net.stage.deliver_all()
    payload = answer.json()["payload"]
    return str(payload["resp"]["errorCd"])


async def test_the_roles_cannot_be_swapped(net: Desk) -> None:
    branch = {"b2b_id": BRANCH, "entity_id": "buyer", "client_id": "supplier", "active": True}
    await net.stage.execute(sa.insert(parties.b2b_id).values(**branch, created_at=1))
    assert await told(net, "req-send", between(story.order(), BUYER, BRANCH), "buyer") == ""
    accept = story.confirmation("ACCEPT", version=1, target="ACCEPTED", remarks="Agreed")
    swapped = between(accept, BRANCH, BUYER)
    assert await told(net, "req-confirm", swapped, "buyer") == "DOC-PARTIES"
    rightly = between(accept, BUYER, BRANCH)
    assert await told(net, "req-confirm", rightly, "supplier") == ""
    close = story.status_change(
        "CLOSE", version=1, source="ACCEPTED", target="CLOSED", remarks="Done"
    )
    closed = between(close, BRANCH, BUYER)
    assert await told(net, "req-status-change", closed, "supplier") == "DOC-PARTIES"
    [document] = await net.stage.rows(sa.select(tables.document.c.status))
    assert document["status"] == "ACCEPTED"
