"""Other ends than a plain SUCCESS, over HTTP: mailbox, PENDING, abandon against an answer, 410."""

import json
import threading

from hundi.cli.stage import Stage
from hundi.simulator import story
from tests.journeys.traders import (
    Trader,
    Webhook,
    http,
    network,
    order_to,
    result_of,
    taken,
    trading,
)
from tests.until import until_seen


def _pending(_: Webhook) -> bytes:
    body = json.dumps({"payload": {"resp": {"result": "PENDING"}}}).encode()
    return http(200, body, "Retry-After: 1")


def _send(buyer: Trader, supplier: Trader, place: int) -> str:
    answer = buyer.post("req-send", order_to(supplier, place))
    return str(result_of(answer)["reqMsgId"])


def _state(buyer: Trader, req_msg_id: str) -> str:
    return str(buyer.read(f"/exchanges/{req_msg_id}")["state"])


def test_ends(database_url: str) -> None:
    with (
        network(database_url) as (stage, address, _),
        trading(stage, address, story.BUYER, story.SUPPLIER) as (buyer, supplier),
    ):
        _a_mailbox_holds_at_once(stage, address, buyer)
        _pending_is_asked_again(buyer, supplier)
        _an_answer_under_way_wins_over_abandoning(buyer, supplier)
        _nobody_answers_and_the_sender_gives_up(buyer, supplier)
        _gone_is_switched_off_and_on(buyer, supplier)


def _a_mailbox_holds_at_once(stage: Stage, address: str, buyer: Trader) -> None:
    box = Trader(stage, story.SUPPLIER, network=address, receiver=None, branch=".BOX")
    resp = result_of(buyer.post("req-send", order_to(box, 1)))
    assert resp["result"] == "SUCCESS"
    assert _state(buyer, resp["reqMsgId"]) == "SETTLED"
    assert box.read("/documents/purchase-order/PUR1X")["status"] == "SENT TO SUPPLIER"
    until_seen(lambda: buyer.took)
    assert buyer.took[-1].headers["hundi-exchange"] == resp["reqMsgId"]


def _pending_is_asked_again(buyer: Trader, supplier: Trader) -> None:
    assert supplier.receiver is not None
    supplier.receiver.answer = _pending
    sent = _send(buyer, supplier, 2)
    until_seen(lambda: len(supplier.took) >= 2)
    assert _state(buyer, sent) == "OPEN"
    supplier.receiver.answer = taken
    until_seen(lambda: _state(buyer, sent) == "SETTLED")
    assert len({webhook.body for webhook in supplier.took}) == 1


def _an_answer_under_way_wins_over_abandoning(buyer: Trader, supplier: Trader) -> None:
    assert supplier.receiver is not None
    thinking = threading.Event()

    def thoughtful(webhook: Webhook) -> bytes:
        thinking.wait(10)
        return taken(webhook)

    supplier.receiver.answer = thoughtful
    before = len(supplier.took)
    sent = _send(buyer, supplier, 3)
    until_seen(lambda: len(supplier.took) > before)
    told = buyer.act(f"/exchanges/{sent}/abandon")
    assert (told.status, told.body["state"], told.body["closing"]) == (202, "OPEN", "ABANDONED")
    thinking.set()
    until_seen(lambda: _state(buyer, sent) == "SETTLED")
    assert buyer.act(f"/exchanges/{sent}/abandon").status == 409


def _nobody_answers_and_the_sender_gives_up(buyer: Trader, supplier: Trader) -> None:
    assert supplier.receiver is not None
    # Else it is tried again after five seconds, and a machine that stands still may give up later.
    supplier.receiver.answer = lambda _: http(503, b"", "Retry-After: 600")
    sent = _send(buyer, supplier, 4)
    tried = f"/deliveries/{sent}"
    until_seen(lambda: any(a["endedAt"] for a in buyer.read(tried)["attemptLog"]))
    supplier.receiver.answer = taken
    before = len(supplier.took), len(buyer.took)
    told = buyer.act(f"/exchanges/{sent}/abandon")
    assert (told.status, told.body["state"]) == (200, "ABANDONED")
    until_seen(lambda: len(supplier.took) > before[0] and len(buyer.took) > before[1])
    for trader in (supplier, buyer):  # the supplier may hold it: it is told as well
        body = json.loads(trader.took[-1].body)
        assert (body["resp"]["result"], body["resp"]["errorCd"]) == (
            "FAILURE",
            "EXCHANGE-ABANDONED",
        )
    assert buyer.read("/documents/purchase-order/PUR4X")["nextVersion"] == 2


def _gone_is_switched_off_and_on(buyer: Trader, supplier: Trader) -> None:
    assert supplier.receiver is not None
    supplier.receiver.answer = lambda _: http(410, b"")
    sent = _send(buyer, supplier, 5)
    until_seen(lambda: supplier.read("/endpoint")["state"] == "DISABLED")
    supplier.receiver.answer = taken
    assert supplier.act("/endpoint/enable").status == 200
    until_seen(lambda: _state(buyer, sent) == "SETTLED")
