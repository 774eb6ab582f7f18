"""What an answer means. Each row is one answer; the protocol's section 2.4 is the judge."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hundi.exchange.verdict import Answer, Decision, Kind, Verdict, judge

OURS = "MSG0192F3A4B5C67D8E9FA0B1C2D3E4F506"
OTHER = "MSG0192F3A4B5C67D8E9FA0B1C2D3E4F507"


def resp(result: object = "SUCCESS", *, msg: object = OURS, **more: object) -> bytes:
    block = {"reqMsgId": msg, "result": result, "errorCd": "", "errorDtl": "", "errorField": ""}
    payload = {"resp": {**block, **more}}
    return json.dumps(
        {"response_message": "SUCCESS", "response_code": 0, "payload": payload}
    ).encode()


def answer(
    status: int | None = 200,
    body: bytes = b"",
    *,
    retry_after: int | None = None,
    error: str | None = None,
) -> Answer:
    return Answer(
        status=status,
        body=body,
        retry_after=retry_after,
        milliseconds=7,
        reached=True,
        error=error,
    )


def judged(one: Answer, *, kind: Kind = Kind.REQUEST, empty: bool = False) -> Verdict:
    return judge(one, kind=kind, req_msg_id=OURS, empty_means_success=empty)


@pytest.mark.parametrize("msg", [OURS, "", None])
def test_success_under_200_settles(msg: str | None) -> None:
    assert judged(answer(200, resp(msg=msg))) == Verdict(
        decision=Decision.SETTLED, reason="SUCCESS"
    )


def test_an_answer_may_leave_the_message_id_out() -> None:
    body = b'{"payload": {"resp": {"result": "SUCCESS"}}}'
    assert judged(answer(200, body)).decision is Decision.SETTLED


@pytest.mark.parametrize("result", ["FAILURE", "PARTIAL"])
@pytest.mark.parametrize("status", [200, 400, 401, 404, 409, 422, 499])
def test_a_failure_declines_and_its_words_travel_back(status: int, result: str) -> None:
    body = resp(result, errorCd="NO-STOCK", errorDtl="We are out of yarn.", errorField="itemLists")
    assert judged(answer(status, body, retry_after=5)) == Verdict(
        decision=Decision.DECLINED,
        reason=result,
        error_code="NO-STOCK",
        error_detail="We are out of yarn.",
        error_field="itemLists",
    )


@pytest.mark.parametrize(
    "status", [201, 202, 204, 206, 300, 302, 304, 307, 408, 429, 500, 502, 503]
)
@pytest.mark.parametrize("result", ["SUCCESS", "FAILURE", "PARTIAL", "PENDING"])
def test_other_statuses_decide_nothing(status: int, result: str) -> None:
    assert judged(answer(status, resp(result))) == Verdict(
        decision=Decision.FAILED, reason=f"HTTP {status}"
    )


@pytest.mark.parametrize("status", [400, 404, 499])
@pytest.mark.parametrize("result", ["SUCCESS", "PENDING"])
def test_only_a_200_can_say_yes_or_wait(status: int, result: str) -> None:
    verdict = judged(answer(status, resp(result)))
    assert verdict.decision is Decision.FAILED
    assert verdict.reason == f"HTTP {status}, answer says {result}"


@pytest.mark.parametrize("kind", Kind)
def test_410_is_gone_whatever_it_says(kind: Kind) -> None:
    assert judged(answer(410, resp("FAILURE")), kind=kind).decision is Decision.GONE


@pytest.mark.parametrize(
    ("asked", "waits"), [(None, 60), (0, 0), (5, 5), (3_600, 3_600), (3_601, 3_600), (10**9, 3_600)]
)
def test_pending_asks_again_within_an_hour(asked: int | None, waits: int) -> None:
    verdict = judged(answer(200, resp("PENDING"), retry_after=asked))
    assert (verdict.decision, verdict.wait) == (Decision.ASK_AGAIN, waits)


@pytest.mark.parametrize(
    ("asked", "waits"), [(None, None), (5, 5), (86_400, 86_400), (10**9, 86_400)]
)
@pytest.mark.parametrize("status", [429, 503])
def test_a_failed_attempt_waits_as_asked_within_a_day(
    status: int, asked: int | None, waits: int | None
) -> None:
    verdict = judged(answer(status, retry_after=asked))
    assert (verdict.decision, verdict.wait) == (Decision.FAILED, waits)


@pytest.mark.parametrize("kind", [Kind.RESPONSE, Kind.COPY])
@pytest.mark.parametrize("body", [b"", b"nonsense", resp("FAILURE"), resp(msg=OTHER)])
@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_an_outcome_is_delivered_by_any_2xx(status: int, body: bytes, kind: Kind) -> None:
    assert judged(answer(status, body), kind=kind).decision is Decision.SETTLED


@pytest.mark.parametrize("kind", [Kind.RESPONSE, Kind.COPY])
@pytest.mark.parametrize("status", [101, 301, 304, 400, 404, 422, 500, 503])
def test_an_outcome_is_declined_by_nothing(status: int, kind: Kind) -> None:
    verdict = judged(answer(status, resp("FAILURE")), kind=kind)
    assert (verdict.decision, verdict.reason) == (Decision.FAILED, f"HTTP {status}")


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("error", ["dns", "egress", "connect: refused", "tls", "timeout", "reset"])
def test_no_answer_is_a_failed_attempt(error: str, kind: Kind) -> None:
    verdict = judged(answer(None, error=error), kind=kind, empty=True)
    assert (verdict.decision, verdict.reason) == (Decision.FAILED, error)


def test_a_cut_answer_decides_no_request() -> None:
    """What was cut may read well: a yes and then blanks, or a second yes."""
    cut = answer(200, resp(), error="answer-too-large")
    assert judged(cut) == Verdict(decision=Decision.FAILED, reason="answer-too-large")
    assert judged(cut, kind=Kind.RESPONSE).decision is Decision.SETTLED


@pytest.mark.parametrize("body", [b"", b" ", b"\r\n"])
def test_an_empty_200_means_success_only_by_option(body: bytes) -> None:
    assert judged(answer(200, body), empty=True).decision is Decision.SETTLED
    assert judged(answer(200, body)) == Verdict(decision=Decision.FAILED, reason="answer is empty")
    assert judged(answer(404, body), empty=True).decision is Decision.FAILED
    assert judged(answer(204, body), empty=True).decision is Decision.FAILED


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"OK", "answer is not JSON"),
        (b"<html></html>", "answer is not JSON"),
        (resp()[:-1], "answer is not JSON"),
        (resp() + b"{}", "answer is not JSON"),
        (resp() + b"\x00", "answer is not JSON"),
        (b"\xef\xbb\xbf" + resp(), "answer is not JSON"),
        (resp().decode().encode("utf-16"), "answer is not JSON"),
        (resp(errorDtl="~").replace(b"~", b"\xff"), "answer is not JSON"),
        (resp(errorDtl="~").replace(b"~", b"\xed\xa0\x80"), "answer is not JSON"),
        (resp(errorDtl="~").replace(b"~", b"\n"), "answer is not JSON"),
        (b"[" * 65_536, "answer is not JSON"),
        (b'{"payload":' * 5_000, "answer is not JSON"),
        (b"[" * 30_000 + b"]" * 30_000, "answer is not JSON"),
        (b'{"a": NaN, ' + resp()[1:], "answer holds NaN, which is not JSON"),
        (b'{"a": -Infinity, ' + resp()[1:], "answer holds -Infinity, which is not JSON"),
        (b"null", "answer has no payload.resp"),
        (b"[]", "answer has no payload.resp"),
        (b"{}", "answer has no payload.resp"),
        (b'{"resp": {"result": "SUCCESS"}}', "answer has no payload.resp"),
        (b'{"payload": null}', "answer has no payload.resp"),
        (b'{"payload": "MSG"}', "answer has no payload.resp"),
        (b'{"payload": {"resp": []}}', "answer has no payload.resp"),
        (resp(msg=OTHER), "answer names another request"),
        (resp(msg=OURS.lower()), "answer names another request"),
        (resp(msg=0), "answer names another request"),
        (resp(msg=[]), "answer names another request"),
        (resp(msg={}), "answer names another request"),
        (resp(msg=False), "answer names another request"),
        (resp("success"), "answer has no known result"),
        (resp(""), "answer has no known result"),
        (resp(None), "answer has no known result"),
        (resp(1), "answer has no known result"),
        (resp(True), "answer has no known result"),
        (resp(["SUCCESS"]), "answer has no known result"),
        (b'{"payload": {"resp": {}}}', "answer has no known result"),
    ],
)
def test_an_answer_that_does_not_decide_is_a_failed_attempt(body: bytes, reason: str) -> None:
    assert judged(answer(200, body)) == Verdict(decision=Decision.FAILED, reason=reason)
    verdict = judged(answer(404, body))
    assert (verdict.decision, verdict.reason) == (Decision.FAILED, f"HTTP 404, {reason}")


@pytest.mark.parametrize(
    "body",
    [
        b'{"payload": {"resp": {"result": "FAILURE", "result": "SUCCESS"}}}',
        b'{"payload": {"resp": {"result": "FAILURE"}, "resp": {"result": "SUCCESS"}}}',
        b'{"payload": {"resp": {"result": "FAILURE"}}, "payload": {"resp": {"result": "SUCCESS"}}}',
        b'{"payload": {"resp": {"result": "SUCCESS", "\\u0072esult": "FAILURE"}}}',
    ],
)
def test_two_readers_never_read_two_answers(body: bytes) -> None:
    verdict = judged(answer(200, body))
    assert (verdict.decision, verdict.reason) == (
        Decision.FAILED,
        "answer gives a member twice",
    )


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "x" * 5_000 + "\udfff"])
@pytest.mark.parametrize("name", ["errorCd", "errorDtl", "errorField"])
def test_what_no_database_can_store_does_not_travel(name: str, text: str) -> None:
    assert judged(answer(200, resp("FAILURE", **{name: text}))).decision is Decision.FAILED
    assert judged(answer(200, resp("SUCCESS", **{name: text}))).decision is Decision.SETTLED


def test_texts_are_cut_to_a_thousand_characters() -> None:
    long = "₹😀" * 600
    verdict = judged(answer(200, resp("FAILURE", errorCd=long, errorDtl=long, errorField=long)))
    assert {verdict.error_code, verdict.error_detail, verdict.error_field} == {long[:1_000]}


@pytest.mark.parametrize(
    ("value", "text"), [(17, "17"), (1.5, "1.5"), (None, ""), (True, ""), ([], ""), ({}, "")]
)
def test_error_members_are_texts(value: object, text: str) -> None:
    assert judged(answer(422, resp("FAILURE", errorCd=value))).error_code == text


def test_numbers_of_any_size_are_no_concern() -> None:
    body = b'{"n": %b, "e": 1e999999999, ' % (b"9" * 20_000) + resp()[1:]
    assert judged(answer(200, body)).decision is Decision.SETTLED


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["SUCCESS", OURS]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["payload", "resp", "result", "reqMsgId"]), inner)
    ),
    max_leaves=8,
)
statuses = st.none() | st.sampled_from([200, 202, 302, 400, 410, 429, 503])


@given(status=statuses, kind=st.sampled_from(Kind), body=st.binary() | json_values.map(json.dumps))
def test_judging_never_raises(status: int | None, kind: Kind, body: bytes | str) -> None:
    raw = body.encode() if isinstance(body, str) else body
    assert judged(answer(status, raw), kind=kind).reason.isascii()


@given(value=json_values)
def test_only_its_own_result_settles(value: object) -> None:
    """Any JSON settles only with the word at its place."""
    body = json.dumps({"payload": {"resp": value}}).encode()
    says_yes = (
        isinstance(value, dict)
        and value.get("result") == "SUCCESS"
        and value.get("reqMsgId") in (None, "", OURS)
    )
    assert (judged(answer(200, body)).decision is Decision.SETTLED) == says_yes
