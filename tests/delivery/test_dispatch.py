"""What one attempt leads to: the dispatcher over a receiver that answers as told."""

import json
from typing import Any

import pytest

from hundi.delivery.breaker import Breaker
from hundi.delivery.dispatch import Dispatcher
from hundi.delivery.wire import Endpoint, Parcel
from hundi.exchange.leases import Leased
from hundi.exchange.outbox import AttemptResult
from hundi.exchange.verdict import TEXT_AT_MOST, Answer, Decision, Kind
from hundi.kernel.clock import DAY, MINUTE
from hundi.kernel.sealing import Keyring
from hundi.parties.at_rest import sealed
from tests.keys import KEYRING

NOW = 1_800_000_000_000_000
OURS = "MSG" + "0" * 32
SECRET = 'Bearer k/"éy'
HEADERS = json.dumps({"authorization": SECRET, "x-route": "east", "x-plain": "s3cret-value"})


class _Told:
    """The wire, the observer: a receiver with one answer, and nobody who counts."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def post(self, _endpoint: Endpoint, _parcel: Parcel, **_: Any) -> Answer:
        return self._answer

    def attempted(self, *_: Any) -> None:
        """Nobody counts."""


def answer(status: int, body: bytes) -> Answer:
    return Answer(
        status=status, body=body, retry_after=None, milliseconds=1, reached=True, error=None
    )


def leased(**more: Any) -> Leased:
    row = {
        "client_id": "CEK1234567", "endpoint_url": "https://x.example", "previous_secret": None,
        "empty_means_success": False, "path": "api/v0/x", "bytes": b"{}", "sequences": None,
        "position": 1, "idempotency_key": None,
        **sealed({"webhook_secret": "whsec_AA==", "endpoint_headers": HEADERS}, "CEK1234567",
                 keyring=KEYRING, random=bytes),
    }  # fmt: skip
    values: dict[str, Any] = {
        "webhook_id": OURS, "req_msg_id": OURS, "kind": Kind.REQUEST, "effect": "PROPOSAL",
        "number": 1, "failures": 0, "created_at": NOW, "leased_at": NOW, "has_further_lanes": False,
        "client_id": row["client_id"], "trace": None, "row": row,
    }  # fmt: skip
    return Leased(**{**values, **more})


async def attempted(one: Leased, told: Answer, *, now: int = NOW) -> AttemptResult:
    double: Any = _Told(told)
    nobody: Any = None
    dispatcher = Dispatcher(
        database=nobody, outbox=nobody, wire=double, breaker=Breaker(random=bytes),
        observer=double, keyring=KEYRING, clock=lambda: now, random=bytes,
    )  # fmt: skip
    return await dispatcher.attempt(one)


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("name", ["errorCd", "errorDtl", "errorField"])
async def test_static_headers_do_not_travel_in_the_words_of_an_answer(
    name: str, ascii_only: bool
) -> None:
    words = f"east: no entry with {SECRET} or s3cret-value"
    resp = {"result": "FAILURE", name: words}
    body = json.dumps({"payload": {"resp": resp}}, ensure_ascii=ascii_only)
    result = await attempted(leased(), answer(400, body.replace("/", "\\/").encode()))
    verdict = result.verdict
    assert verdict.decision is Decision.DECLINED
    said = verdict.error_code + verdict.error_detail + verdict.error_field
    assert said == "east: no entry with *** or ***"
    kept = json.loads(result.answer.body)["payload"]["resp"][name]
    assert kept == said


async def test_no_half_of_a_static_header_travels() -> None:
    resp = {"result": "FAILURE", "errorDtl": "x" * (TEXT_AT_MOST - 5) + "s3cret-value"}
    told = answer(200, json.dumps({"payload": {"resp": resp}}).encode())
    assert "s3c" not in (await attempted(leased(), told)).verdict.error_detail


async def test_a_static_header_decides_nothing() -> None:
    """Its value may be a word of the protocol's own."""
    headers = json.dumps({"x-mode": "SUCCESS"})
    row = {**leased().row, "endpoint_headers": headers}  # type: ignore[dict-item]
    told = answer(200, b'{"payload":{"resp":{"result":"SUCCESS"}}}')
    assert (await attempted(leased(row=row), told)).verdict.decision is Decision.SETTLED


@pytest.mark.parametrize(
    ("kind", "effect", "age", "parks"),
    [
        (Kind.REQUEST, "FACT", 10 * DAY - 1, False),
        (Kind.REQUEST, "FACT", 10 * DAY, True),
        (Kind.REQUEST, "PROPOSAL", 11 * DAY, False),  # it is the exchange that ends
    ],
)
async def test_who_always_asks_to_be_asked_again_holds_up_a_lane_for_ten_days(
    kind: Kind, effect: str, age: int, parks: bool
) -> None:
    told = answer(200, b'{"payload":{"resp":{"result":"PENDING"}}}')
    result = await attempted(leased(kind=kind, effect=effect), told, now=NOW + age)
    assert result.verdict.decision is Decision.ASK_AGAIN
    assert result.parks is parks


@pytest.mark.logs("secret-not-opened")
async def test_a_key_that_the_network_lacks_says_nothing_of_the_receiver() -> None:
    double: Any = _Told(answer(200, b""))
    nobody: Any = None
    breaker = Breaker(random=bytes)
    dispatcher = Dispatcher(
        database=nobody, outbox=nobody, wire=double, breaker=breaker, observer=double,
        keyring=Keyring(), clock=lambda: NOW + 11 * DAY, random=bytes,
    )  # fmt: skip
    for _ in range(20):
        one = await dispatcher.attempt(leased(effect="FACT"))
        assert (one.verdict.unsent, one.answer.reached, one.parks) == (True, False, False)
        assert one.wait == MINUTE, "once the key is there it goes out soon"
    assert breaker.room({}, NOW) == {}, "the breaker is told of no trouble"


def test_what_was_leased_too_late_is_not_parked() -> None:
    """Nobody was asked: a fact that is redriven after its ten days is still owed its attempt."""
    nobody: Any = None
    dispatcher = Dispatcher(
        database=nobody, outbox=nobody, wire=nobody, breaker=nobody, observer=nobody,
        keyring=KEYRING, clock=lambda: NOW + 11 * DAY, random=bytes,
    )  # fmt: skip
    assert not dispatcher.unsent(leased(effect="FACT")).parks
