"""Every kind of answer over a real socket, and how the server ends."""

import asyncio
import json
import time

import aiohttp
import pytest

from hundi.kernel.clock import wall_clock
from hundi.simulator import server
from hundi.simulator.server import Answered, listening, serve
from tests.simulator.messages import (
    API,
    copy_id,
    headers,
    new_erp,
    outcome_body,
    outcome_id,
    request_id,
    subject,
)
from tests.simulator.served import RAW, Bench, bench, in_vain, result
from tests.until import until

ONCE = {request_id(1): 1}


async def test_success_and_its_repeat_are_the_same_bytes() -> None:
    async with bench() as at:
        first = await at.ask()
        again = await at.ask()
        assert (first[0], first[1]["content-type"]) == (200, "application/json")
        assert result(first[2]) == "SUCCESS"
        assert again[2] == first[2]
        assert at.applied == ONCE


async def test_an_outcome_is_acknowledged() -> None:
    async with bench() as at:
        _, _, got = await at.post("resp-send", outcome_id(1), outcome_body(subject()))
        assert json.loads(got) == {
            "response_code": 0,
            "response_message": "SUCCESS",
            "payload": "",
        }


async def test_a_wrong_signature_is_a_401() -> None:
    async with bench() as at, at.session.post(at.url + API + "req-send", data=RAW) as got:
        assert got.status == 401
        told = await got.json()
        assert (told["response_message"], told["response_code"]) == ("FAILURE", 401)
        assert "webhook-id is missing" in told["payload"]
        assert at.applied == {}


async def test_a_doubled_header_is_refused() -> None:
    signed = headers(request_id(1), RAW, now=wall_clock())
    doubled = [*signed.items(), ("webhook-id", signed["webhook-id"])]
    async with (
        bench() as at,
        at.session.post(at.url + API + "req-send", data=RAW, headers=doubled) as got,
    ):
        assert got.status == 401
        assert "twice" in (await got.json())["payload"]


async def test_decline() -> None:
    async with bench({"do": {"answer": "decline", "code": "ERP-9", "detail": "No."}}) as at:
        status, _, got = await at.ask()
        assert (status, result(got)) == (200, "FAILURE")
        assert json.loads(got)["payload"]["resp"]["errorCd"] == "ERP-9"
        assert at.applied == {}


async def test_pending() -> None:
    async with bench({"do": {"answer": "pending", "times": 1, "retryAfter": 9}}) as at:
        status, told, got = await at.ask()
        assert (status, told["retry-after"], result(got)) == (200, "9", "PENDING")
        assert result((await at.ask())[2]) == "SUCCESS"


async def test_hold_until_released() -> None:
    async with bench({"do": {"answer": "hold"}}) as at:
        asking = [asyncio.create_task(at.ask(number)) for number in (1, 2)]
        await until(lambda: len(at.erp.state.received()) == 2)
        assert at.applied == {}
        assert await at.control("POST", "/simulator/release") == (200, {"released": 2})
        answers = await asyncio.gather(*asking)
        assert [result(got) for _, _, got in answers] == ["SUCCESS", "SUCCESS"]
        assert at.applied == {request_id(1): 1, request_id(2): 1}
        assert await at.control("POST", "/simulator/release") == (200, {"released": 0})


async def test_hold_for_some_time() -> None:
    async with bench({"do": {"answer": "hold", "seconds": 0.2}}) as at:
        started = time.monotonic()
        assert result((await at.ask())[2]) == "SUCCESS"
        assert time.monotonic() - started >= 0.2


async def test_a_request_given_up_while_held_is_still_decided_later() -> None:
    """The network's attempt times out, the ERP goes on: its answer is lost, its effect is not."""
    async with bench({"do": {"answer": "hold"}}) as at:
        async with in_vain(at):
            assert at.applied == {}
        await at.control("POST", "/simulator/release")
        assert result((await at.ask())[2]) == "SUCCESS"
        assert at.applied == ONCE


async def test_an_outcome_that_overtakes_a_held_request() -> None:
    async with bench({"when": {"kind": "req"}, "do": {"answer": "hold"}}) as at:
        asking = asyncio.create_task(at.ask())
        await until(lambda: bool(at.erp.state.received()))
        await at.post("resp-send", copy_id(1), outcome_body(subject(), "FAILURE"))
        await at.control("POST", "/simulator/release")
        assert result((await asking)[2]) == "FAILURE"
        assert at.applied == {}


async def test_delay_takes_in_at_once_and_answers_later() -> None:
    async with bench({"do": {"answer": "delay", "seconds": 60}}) as at, in_vain(at) as asking:
        await until(lambda: bool(at.applied))
        assert not asking.done()
    async with bench({"do": {"answer": "delay", "seconds": 0.3}}) as at:
        started = time.monotonic()
        assert result((await at.ask())[2]) == "SUCCESS"
        assert time.monotonic() - started >= 0.3


@pytest.mark.parametrize("applied", [False, True])
async def test_timeout(applied: bool) -> None:
    async with bench({"do": {"answer": "timeout", "applied": applied}}) as at:
        async with in_vain(at) as asking:
            await asyncio.sleep(0.3)
            assert not asking.done()
        assert at.applied == (ONCE if applied else {})


async def test_status_with_retry_after_decides_nothing() -> None:
    async with bench({"do": {"answer": "status", "status": 503, "retryAfter": 4}}) as at:
        status, told, got = await at.ask()
        assert (status, told["retry-after"]) == (503, "4")
        assert "resp" not in json.loads(got)["payload"]
        assert at.applied == {}


@pytest.mark.parametrize("status", [200, 204, 304, 404, 410, 429, 500, 599])
async def test_any_status(status: int) -> None:
    async with bench({"do": {"answer": "status", "status": status}}) as at:
        assert (await at.ask())[0] == status


async def test_malformed() -> None:
    async with bench({"do": {"answer": "malformed"}}) as at:
        status, _, got = await at.ask()
        assert status == 200
        with pytest.raises(json.JSONDecodeError):
            json.loads(got)
        assert at.applied == {}


async def test_empty() -> None:
    async with bench({"do": {"answer": "empty"}}) as at:
        status, _, got = await at.ask()
        assert (status, got, at.applied) == (200, b"", ONCE)


async def test_redirect() -> None:
    async with bench({"do": {"answer": "redirect", "to": "http://127.0.0.1:9/x"}}) as at:
        status, told, got = await at.ask()
        assert (status, told["location"], got) == (307, "http://127.0.0.1:9/x", b"")
        assert at.applied == {}


async def test_huge() -> None:
    async with bench({"do": {"answer": "huge", "bytes": 3_000_000}}) as at:
        status, told, got = await at.ask()
        assert (status, len(got)) == (200, 3_000_000)
        assert "content-length" not in told
        assert result(got) == "SUCCESS"


async def test_reset_after_half_of_what_was_promised() -> None:
    async with bench({"do": {"answer": "reset"}, "times": 1}) as at:
        with pytest.raises(aiohttp.ClientError):
            await at.ask()
        assert at.applied == ONCE
        assert result((await at.ask())[2]) == "SUCCESS"
        assert at.applied == ONCE


async def test_drip_is_slow_and_right() -> None:
    async with bench({"do": {"answer": "drip", "seconds": 0.001}}) as at:
        started = time.monotonic()
        assert result((await at.ask())[2]) == "SUCCESS"
        assert time.monotonic() - started > 0.3


async def test_drip_of_a_byte_a_second_outlives_a_client_that_waits_for_progress_only() -> None:
    async with bench({"do": {"answer": "drip"}}) as at:
        with pytest.raises(TimeoutError):
            await at.ask(seconds=1.5)


async def test_down_closes_at_once() -> None:
    async with bench({"do": {"answer": "down"}, "times": 1}) as at:
        with pytest.raises(aiohttp.ClientConnectionError):
            await at.ask()
        assert at.applied == {}
        assert result((await at.ask())[2]) == "SUCCESS"


async def test_a_body_of_a_whole_mebibyte_is_taken() -> None:
    raw = RAW[:-1] + b" " * ((1 << 20) - len(RAW)) + b"}"
    async with bench() as at:
        status, _, got = await at.post("req-send", request_id(1), raw)
        assert (len(raw), status, result(got)) == (1 << 20, 200, "SUCCESS")


async def test_it_answers_first_and_acts_afterwards() -> None:
    acted: list[Answered] = []
    go_on = asyncio.Event()

    async def act(answered: Answered) -> None:
        await go_on.wait()
        acted.append(answered)

    erp = new_erp()
    async with listening(erp, afterwards=act) as url, aiohttp.ClientSession() as session:
        at = Bench(erp, url, session)
        status, _, got = await at.ask()
        assert (status, result(got), acted) == (200, "SUCCESS", [])
        go_on.set()
        await until(lambda: bool(acted))
        assert acted[0].webhook.body == RAW
        assert acted[0].answer.body == got


async def test_at_the_end_waiting_requests_are_let_go_and_running_ones_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At once: those that are being answered would have their time, which is long here."""
    monkeypatch.setattr(server, "_FINISH_SECONDS", 60.0)
    stop, lines = asyncio.Event(), list[str]()
    erp = new_erp([{"when": {"objectId": "PUR1"}, "do": {"answer": "hold"}}])
    serving = asyncio.create_task(
        serve(erp, host="127.0.0.1", port=0, stop=stop, announce=lines.append)
    )
    await until(lambda: bool(lines))
    url = lines[0].removeprefix("Simulated ERP listens on ").partition(" ")[0]
    async with aiohttp.ClientSession() as session:
        asking = asyncio.create_task(Bench(erp, url, session).ask())
        await until(lambda: bool(erp.state.received()))
        started = time.monotonic()
        stop.set()
        with pytest.raises(aiohttp.ClientConnectionError):
            await asking
        await serving
    assert time.monotonic() - started < 30
    assert erp.applied() == {}
