"""An ERP reads and answers messages of financing, which name neither an objectId nor, mostly, parties."""

import json

import pytest

from hundi.simulator import story_supplies
from hundi.simulator.story import Body, dumps
from hundi.simulator.webhook import Webhook, read_message
from tests.simulator.messages import NOW, headers, new_erp, request_id
from tests.trade import loans

REQUEST = "FINREQ-2526-0031"
MESSAGES = (
    ("requestFinancing", loans.financing([story_supplies.invoice(2)["invoice"]]), REQUEST),
    ("shareBid", loans.bid("BID-A1"), f"{REQUEST}/LENDER-A"),
    ("respondBid", loans.bid_answer({"BID-B1": "REJECT"}), f"{REQUEST}/LENDER-B"),
)


def arriving(name: str, told: Body) -> Webhook:
    raw = dumps(told)
    path = f"/api/v0/finance/{name}"
    return Webhook(path=path, headers=headers(request_id(1), raw, sequence=1), body=raw)


@pytest.mark.parametrize(("name", "told", "object_id"), MESSAGES)
def test_a_message_is_filed_under_its_request_and_lender(
    name: str, told: Body, object_id: str
) -> None:
    message = read_message(arriving(name, told))
    assert (message.subject.told.object_id, message.type) == (object_id, "finance")
    assert message.is_request


@pytest.mark.parametrize(("name", "told", "object_id"), MESSAGES)
def test_it_is_answered(name: str, told: Body, object_id: str) -> None:
    erp = new_erp()
    answer = erp.receive(arriving(name, told), now=NOW)
    assert json.loads(answer.body)["payload"]["resp"]["result"] == "SUCCESS"
    assert erp.held(object_id) is not None
