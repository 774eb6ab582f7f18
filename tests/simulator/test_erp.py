"""What a counterparty owes the network: one effect, one answer, and the network's last word."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hundi.simulator.answering import Answer, Manner
from hundi.simulator.erp import Erp
from hundi.simulator.webhook import Webhook
from tests.simulator.messages import (
    API,
    NOW,
    SECRET,
    asked,
    body,
    copy_id,
    headers,
    new_erp,
    outcome_id,
    request_id,
    resp,
    subject,
    told,
    webhook,
)

DECLINE = [
    {"do": {"answer": "decline", "code": "ERP-042", "detail": "Unknown item.", "field": "x"}}
]


def believed(erp: Erp, object_id: str = "PUR1") -> tuple[int, str] | None:
    held = erp.held(object_id)
    return None if held is None else (held.version, held.status)


def results(erp: Erp) -> list[tuple[str, bool]]:
    return [(row["result"], bool(row["repeat"])) for row in erp.state.received()]


def test_the_answer_echoes_the_request_byte_for_byte() -> None:
    ids = b'{ "buyerB2BId":"ZZZCI2701K@BCB", "supplierB2BId":"ZZZFM3301Q@BCB" }'
    order = (
        b'{"objectId":"PUR1","a":12345678901234567.890,"b":1e2,"c":-0.0,"d":"\\u20b9 \xe2\x82\xb9"}'
    )
    infos = b'[ {"name" : "x"} ]'
    raw = b'{"device":{},"b2bIds":%b,"purchaseOrder":%b,"additionalInfos":%b}' % (ids, order, infos)
    answer = new_erp().receive(webhook("req-send", request_id(1), raw), now=NOW)
    verdict = (
        b'{"reqMsgId":"%b","result":"SUCCESS","errorCd":"","errorDtl":"","errorField":""}'
        % request_id(1).encode()
    )
    assert (answer.status, answer.manner) == (200, Manner.WHOLE)
    assert answer.body == (
        b'{"response_message":"SUCCESS","response_code":0,"payload":'
        b'{"b2bIds":%b,"resp":%b,"purchaseOrder":%b,"additionalInfos":%b}}'
    ) % (ids, verdict, order, infos)


def test_a_success_is_applied_once_and_repeats_get_the_same_bytes() -> None:
    erp = new_erp()
    first = asked(erp)
    for _ in range(5):
        assert asked(erp).body == first.body
    assert believed(erp) == (1, "SENT TO SUPPLIER")
    assert erp.applied() == {request_id(1): 1}
    assert results(erp) == [("SUCCESS", False)] + [("SUCCESS", True)] * 5


def test_a_repeat_gets_the_first_answer_even_if_its_bytes_differ() -> None:
    """The id decides, not the body: the network never sends another body under one id."""
    erp = new_erp()
    first = asked(erp)
    assert asked(erp, version=7).body == first.body
    assert believed(erp) == (1, "SENT TO SUPPLIER")


def test_a_declined_request_has_no_effect_and_stays_declined() -> None:
    erp = new_erp(DECLINE)
    first = asked(erp)
    assert resp(first) == {
        "reqMsgId": request_id(1),
        "result": "FAILURE",
        "errorCd": "ERP-042",
        "errorDtl": "Unknown item.",
        "errorField": "x",
    }
    erp.rules = new_erp().rules
    assert asked(erp).body == first.body
    assert believed(erp) is None
    assert erp.applied() == {}


def test_a_decline_may_come_under_a_status_of_400() -> None:
    rules = [{"do": {"answer": "decline", "code": "X", "status": 422}}]
    answer = asked(new_erp(rules))
    assert answer.status == 422
    assert json.loads(answer.body)["response_code"] == 422
    assert resp(answer)["result"] == "FAILURE"


def test_pending_is_no_answer_to_keep() -> None:
    erp = new_erp([{"do": {"answer": "pending", "times": 2, "retryAfter": 7}}])
    for _ in range(2):
        answer = asked(erp)
        assert resp(answer)["result"] == "PENDING"
        assert answer.headers == {"retry-after": "7"}
        assert believed(erp) is None
    assert resp(asked(erp))["result"] == "SUCCESS"
    assert resp(asked(erp, 2, object_id="PUR2"))["result"] == "PENDING"
    assert erp.applied() == {request_id(1): 1}


def test_an_outcome_undoes_its_own_exchange() -> None:
    erp = new_erp()
    first = asked(erp)
    told(erp, copy_id(1), result="FAILURE")
    assert believed(erp) is None
    assert asked(erp).body == first.body, "a late repeat still gets the first answer"
    assert believed(erp) is None, "and is not applied again"
    assert erp.applied() == {request_id(1): 1}


def test_an_outcome_that_comes_first_forestalls_its_request() -> None:
    erp = new_erp()
    told(erp, copy_id(1), result="FAILURE")
    first = asked(erp)
    assert (resp(first)["result"], resp(first)["errorCd"]) == ("FAILURE", "ERP-ENDED")
    assert asked(erp).body == first.body
    assert believed(erp) is None
    assert erp.applied() == {}


def test_an_outcome_of_success_undoes_and_forestalls_nothing() -> None:
    erp = new_erp()
    told(erp, copy_id(1))
    asked(erp)
    told(erp, copy_id(1))
    assert believed(erp) == (1, "SENT TO SUPPLIER")


def test_a_copy_for_another_exchange_touches_nothing() -> None:
    erp = new_erp()
    asked(erp)
    told(erp, copy_id(2), result="FAILURE")
    told(erp, outcome_id(1), result="FAILURE")
    assert believed(erp) == (1, "SENT TO SUPPLIER")


def test_outcomes_of_its_own_requests_are_believed_once_and_acknowledged() -> None:
    erp = new_erp()
    answers = [told(erp, outcome_id(1)).body for _ in range(3)]
    assert set(answers) == {b'{"response_code":0,"response_message":"SUCCESS","payload":""}'}
    assert believed(erp) == (1, "SENT TO SUPPLIER")
    assert erp.applied() == {outcome_id(1): 1}
    assert [row["result"] for row in erp.state.outcomes()] == ["SUCCESS"]


@pytest.mark.parametrize("result", ["FAILURE", "PARTIAL", ""])
def test_a_request_that_failed_is_recorded_and_changes_nothing(result: str) -> None:
    erp = new_erp()
    told(erp, outcome_id(1), result=result)
    assert believed(erp) is None
    assert [(row["id"], row["result"]) for row in erp.state.outcomes()] == [(outcome_id(1), result)]


def test_a_withdrawal_stands_whatever_the_other_side_answered() -> None:
    erp = new_erp()
    told(erp, outcome_id(1), "resp-status-change", result="FAILURE", status="CANCELLED")
    assert believed(erp) == (1, "CANCELLED")


@pytest.mark.parametrize(("path", "verb"), [("shareBid", "shareBid"), ("req-pay", "pay")])
def test_any_message_with_an_object_id_is_understood(path: str, verb: str) -> None:
    raw = b'{"device":{},"bid":{"objectId":"BID1"},"b2bIds":{}}'
    erp = new_erp()
    answer = erp.receive(webhook(path, request_id(1), raw), now=NOW)
    assert resp(answer)["result"] == "SUCCESS"
    assert json.loads(answer.body)["payload"]["bid"] == {"objectId": "BID1"}
    assert believed(erp, "BID1") == (1, verb)


def refused(answer: Answer, erp: Erp) -> bool:
    payload = json.loads(answer.body)["payload"]
    return (
        answer.status == 401
        and isinstance(payload, str)  # no `resp`: the network must not take it for a decline
        and erp.applied() == {}
        and [row["verified"] for row in erp.state.received()] == [0]
    )


def test_a_wrong_signature_is_refused_without_a_verdict() -> None:
    raw = body(subject())
    wrong = headers(request_id(1), raw + b" ")
    erp = new_erp(DECLINE)
    assert refused(erp.receive(Webhook(API + "req-send", wrong, raw), now=NOW), erp)
    erp = new_erp()
    assert refused(erp.receive(Webhook(API + "req-send", {}, raw), now=NOW), erp)
    erp = new_erp()
    late = erp.receive(webhook("req-send", request_id(1), raw), now=NOW + 301_000_000)
    assert refused(late, erp)


def test_after_a_refused_signature_the_right_one_is_no_repeat() -> None:
    erp = new_erp()
    raw = body(subject())
    erp.receive(Webhook(API + "req-send", headers(request_id(1), b""), raw), now=NOW)
    asked(erp)
    assert results(erp) == [("", False), ("SUCCESS", False)]
    assert believed(erp) == (1, "SENT TO SUPPLIER")


UNREADABLE = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'{"b2bIds":{},"purchaseOrder":{}}',
    b'{"b2bIds":{},"purchaseOrder":{"objectId":1}}',
    b'{"b2bIds":[],"purchaseOrder":{"objectId":"P"}}',
    b'{"purchaseOrder":{"objectId":"P","objectVersion":{"newVersion":"1"}}}',
    b'{"purchaseOrder":{"objectId":"P","objectVersion":{"newVersion":99999999999999999999}}}',
    b'{"purchaseOrder":{"objectId":"\\ud800"}}',
    b'{"purchaseOrder":{"objectId":"\xff"}}',
    b"[" * 100_000,
    b'{"purchaseOrder":' * 50_000,
]


@pytest.mark.parametrize("raw", UNREADABLE, ids=range(len(UNREADABLE)))
def test_a_body_that_cannot_be_read_is_declined_not_a_crash(raw: bytes) -> None:
    erp = new_erp()
    answer = erp.receive(webhook("req-send", request_id(1), raw), now=NOW)
    assert answer.status == 400
    assert (resp(answer)["result"], resp(answer)["errorCd"]) == ("FAILURE", "ERP-UNREADABLE")
    assert erp.documents() == []
    assert erp.receive(webhook("resp-send", outcome_id(1), raw), now=NOW).status == 400


def test_an_outcome_about_no_document_is_noted_and_acknowledged() -> None:
    """Answers of onboarding calls name no two parties."""
    erp = new_erp()
    raw = b'{"resp":{"result":"SUCCESS"},"institute":{"objectId":"ORG1"},"additionalInfos":[]}'
    path = "/api/v0/business-onboarding/respRegEntity"
    told = replace(webhook("resp-send", outcome_id(1), raw), path=path)
    assert erp.receive(told, now=NOW).status == 200
    assert erp.documents() == []
    assert [row["rule"] for row in erp.state.received()] == ["news"]


def test_an_outcome_of_a_bid_names_no_parties_and_is_recorded() -> None:
    erp = new_erp()
    raw = b'{"resp":{"result":"SUCCESS"},"bid":{"objectId":"BID-1"}}'
    told = replace(webhook("resp-send", outcome_id(1), raw), path="/api/v0/finance/respShareBid")
    assert erp.receive(told, now=NOW).status == 200
    assert erp.state.outcome(outcome_id(1)) == "SUCCESS"


def test_what_is_held_is_decided_when_it_is_let_go() -> None:
    erp = new_erp([{"do": {"answer": "hold"}, "times": 1}])
    waiting = asked(erp)
    assert waiting.manner is Manner.HOLD
    assert believed(erp) is None
    told(erp, copy_id(1), result="FAILURE")
    assert resp(erp.resume(waiting.entry))["errorCd"] == "ERP-ENDED"
    assert believed(erp) is None


def test_two_attempts_held_together_are_applied_once() -> None:
    erp = new_erp([{"do": {"answer": "hold"}}])
    first, second = asked(erp), asked(erp)
    assert erp.resume(first.entry).body == erp.resume(second.entry).body
    assert erp.applied() == {request_id(1): 1}
    assert asked(erp).manner is Manner.WHOLE, "a message that has its answer is not held"


def test_the_log_tells_everything_in_order() -> None:
    erp = new_erp([{"when": {"kind": "req"}, "do": {"answer": "down"}, "times": 1}])
    asked(erp, sequence=4)
    asked(erp, sequence=4)
    told(erp, outcome_id(9), sequence="5,6")
    rows = erp.state.received()
    assert [(row["n"], row["at"], row["rule"], row["result"]) for row in rows] == [
        (1, NOW, "down", ""),
        (2, NOW, "success", "SUCCESS"),
        (3, NOW, "success", "ACK"),
    ]
    assert [(row["path"], row["id"], row["sequence"], row["repeat"]) for row in rows] == [
        (API + "req-send", request_id(1), "4", 0),
        (API + "req-send", request_id(1), "4", 1),
        (API + "resp-send", outcome_id(9), "5,6", 0),
    ]
    assert erp.state.received(after=2) == rows[2:]


def test_another_erp_over_the_same_state_goes_on() -> None:
    erp = new_erp()
    first = asked(erp)
    again = Erp([SECRET], state=erp.state, rules=new_erp().rules)
    assert asked(again).body == first.body
    assert again.applied() == {request_id(1): 1}


EVENTS = st.lists(st.tuples(st.integers(1, 3), st.sampled_from(["request", "failed"])), max_size=30)


@given(events=EVENTS)
def test_in_any_order_and_number_the_outcome_wins_and_nothing_is_applied_twice(
    events: list[tuple[int, str]],
) -> None:
    erp = new_erp()
    answers: dict[int, bytes] = {}
    failed = set()
    for number, what in events:
        about = {"object_id": f"PUR{number}"}
        if what == "request":
            body_now = asked(erp, number, **about).body
            assert answers.setdefault(number, body_now) == body_now
        else:
            failed.add(number)
            told(erp, copy_id(number), result="FAILURE", **about)
    assert all(times == 1 for times in erp.applied().values())
    held = {document.object_id for document in erp.documents()}
    assert held == {f"PUR{number}" for number in answers if number not in failed}


@given(path=st.text(max_size=20), raw=st.binary(max_size=60), name=st.text(max_size=20))
def test_nothing_from_a_stranger_breaks_it(path: str, raw: bytes, name: str) -> None:
    answer = new_erp().receive(
        Webhook(path, {"webhook-id": name, "hundi-sequence": name}, raw), now=NOW
    )
    assert answer.status == 401


def test_surrogates_from_a_stranger_are_logged_legibly() -> None:
    erp = new_erp()
    erp.receive(Webhook("/\udcff", {"webhook-id": "\udcff" * 900}, b""), now=NOW)
    assert [(row["path"], len(row["id"])) for row in erp.state.received()] == [("/?", 400)]
