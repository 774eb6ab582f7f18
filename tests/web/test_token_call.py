"""The token call alone: before its body is read, and when the database is gone."""

from collections.abc import MutableMapping
from random import Random
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from hundi.kernel.faults import Fault
from hundi.store.batch import OverloadedError
from hundi.store.engine import UnavailableError
from hundi.web.oauth import FORM_LIMIT, TokenCall
from hundi.web.visits import Visits
from tests.web.test_oauth import FORM, basic

VISITS = Visits(Random(1).randbytes)


class DeadStore:
    """Tokens behind which the database is gone."""

    async def by_client(self, **_: str) -> dict[str, object]:
        raise UnavailableError("gone")


async def test_a_dead_store_is_a_503_to_be_tried_again() -> None:
    transport = httpx.ASGITransport(TokenCall(DeadStore(), VISITS))  # type: ignore[arg-type]
    headers = {"authorization": basic("CEKABC1234", "x")}
    async with httpx.AsyncClient(transport=transport, base_url="http://hundi.test") as calls:
        form = {"grant_type": "client_credentials"}
        answer = await calls.post("/oauth/token", data=form, headers=headers)
    assert answer.status_code == 503
    assert answer.json()["error"] == "temporarily_unavailable"
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("method", "kind", "proof", "length", "error"),
    [
        ("GET", FORM, basic("a", "b"), "", "invalid_request"),
        ("POST", "application/json", basic("a", "b"), "", "invalid_request"),
        ("POST", FORM, "", "", "invalid_client"),
        ("POST", FORM, basic("a", "b"), str(FORM_LIMIT + 1), "invalid_request"),
    ],
    ids=["method", "media type", "no client", "length"],
)
async def test_what_the_head_gives_away_is_refused_unread(
    method: str, kind: str, proof: str, length: str, error: str
) -> None:
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        pytest.fail("the body was asked for")

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    headers = {"content-type": kind, "authorization": proof, "content-length": length}
    raw = [(name.encode(), value.encode()) for name, value in headers.items() if value]
    scope = {"type": "http", "method": method, "headers": raw}
    await TokenCall(DeadStore(), VISITS)(scope, receive, send)  # type: ignore[arg-type]
    assert error in sent[1]["body"].decode()


async def test_a_refusal_has_its_number_in_the_log_and_nothing_of_what_was_sent() -> None:
    transport = httpx.ASGITransport(TokenCall(DeadStore(), VISITS))  # type: ignore[arg-type]
    secret = "s3cret"
    async with httpx.AsyncClient(transport=transport, base_url="http://hundi.test") as calls:
        with capture_logs() as lines:
            answer = await calls.post(
                "/oauth/token",
                data={"grant_type": secret, "password": secret},
                headers={"authorization": basic(secret, secret)},
            )
            nobody = await calls.post("/oauth/token", data={"grant_type": "client_credentials"})
    assert [(one["event"], one["log_level"], one["status"], one["error"]) for one in lines] == [
        ("refused", "debug", 400, "unsupported_grant_type"),
        ("refused", "debug", 401, "invalid_client"),
    ]
    numbers = [answer.headers["hundi-request"], nobody.headers["hundi-request"]]
    assert [one["request"] for one in lines] == numbers
    assert numbers[0] != numbers[1]
    assert secret not in str(lines)


async def test_another_method_is_405_with_what_is_allowed() -> None:
    transport = httpx.ASGITransport(TokenCall(DeadStore(), VISITS))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://hundi.test") as calls:
        answer = await calls.put("/oauth/token")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert answer.json()["error"] == "invalid_request"


@pytest.mark.logs("unexpected")
@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (UnavailableError("gone"), ("store-unavailable", "STORE-UNAVAILABLE", 503)),
        (OverloadedError("full"), ("store-unavailable", "HTTP-OVERLOADED", 503)),
        (KeyError("ours"), ("unexpected", "HTTP-INTERNAL", 500)),
    ],
)
async def test_a_fault_of_ours_is_told_and_counted(
    trouble: Exception, told: tuple[str, str, int], capfd: pytest.CaptureFixture[str]
) -> None:
    class Troubled:
        async def by_client(self, **_: str) -> dict[str, object]:
            raise trouble

    counted: list[str] = []

    def count(faults: tuple[Fault, ...]) -> None:
        counted.extend(fault.code for fault in faults)

    transport = httpx.ASGITransport(TokenCall(Troubled(), VISITS, refused=count))  # type: ignore[arg-type]
    headers = {"authorization": basic("CEKABC1234", "x")}
    async with httpx.AsyncClient(transport=transport, base_url="http://hundi.test") as calls:
        answer = await calls.post(
            "/oauth/token", data={"grant_type": "client_credentials"}, headers=headers
        )
    line, code, status = told
    assert (answer.status_code, counted) == (status, [code])
    assert line in "".join(capfd.readouterr())
